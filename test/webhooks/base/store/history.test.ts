// Tests that old history is deleted, that rows which are still needed stay, and that no writer waits for the deletion.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pauseRetention, pruneHistory, type Retention, readRetention, runRetention } from '../../../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';
import { insertDeliveries, insertSubscription } from '../../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const before = new Date('2026-02-01T00:00:00Z');

/** Makes the partition of the week that begins at this day, for events or attempts. */
async function week(table: 'events' | 'attempts' | 'exchanges_of_others' | 'exchanges_of_errors', monday: string): Promise<string> {
  const name = `${table}_${monday.replaceAll('-', '')}`;
  const { rows } = await db.pool.query(
    `SELECT hookgraph.id_at($1::timestamptz)::text AS low, hookgraph.id_at($1::timestamptz + interval '7 days')::text AS high`,
    [`${monday}T00:00:00Z`],
  );
  await db.pool.query(
    `CREATE TABLE hookgraph.${name} PARTITION OF hookgraph.${table} FOR VALUES FROM (${rows[0].low}) TO (${rows[0].high})`,
  );
  return name;
}

/** Inserts deliveries with their events and attempts, as if they had been created at this time. */
async function happened(subscription: string, at: string, count: number, state: string): Promise<void> {
  const ids = await insertDeliveries(db.pool, subscription, count, { state });
  const id = `hookgraph.id_at('${at}'::timestamptz) + n`;
  await db.pool.query(
    `WITH d AS (SELECT id, event_id, row_number() OVER () AS n FROM hookgraph.deliveries WHERE id = ANY ($1::bigint[])),
       e AS (UPDATE hookgraph.events e SET id = ${id} FROM d WHERE e.id = d.event_id),
       a AS (INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms)
         SELECT ${id}, d.id, '${subscription}', 1, 1, 'FAILED', now(), 1 FROM d),
       o AS (UPDATE hookgraph.open_deliveries o SET delivery_id = ${id} FROM d WHERE o.delivery_id = d.id)
     UPDATE hookgraph.deliveries x SET id = ${id}, event_id = ${id} FROM d WHERE x.id = d.id`,
    [ids],
  );
}

const counts = async () => {
  const { rows } = await db.pool.query(
    `SELECT (SELECT count(*)::int FROM hookgraph.events) AS events, (SELECT count(*)::int FROM hookgraph.attempts) AS attempts,
       (SELECT count(*)::int FROM hookgraph.deliveries) AS deliveries`,
  );
  return rows[0];
};

it('deletes what ended before a time, by whole weeks, and keeps what an open delivery needs', async () => {
  const subscription = await insertSubscription(db.pool);
  const [first, second] = [await week('events', '2026-01-05'), await week('events', '2026-01-12')];
  const attempts = await week('attempts', '2026-01-05');
  await happened(subscription, '2026-01-06T00:00:00Z', 2_500, 'DELIVERED');
  await happened(subscription, '2026-01-13T00:00:00Z', 2, 'HELD');
  // This week has no partition, so its rows are in the default partitions.
  await happened(subscription, '2026-01-02T00:00:00Z', 3, 'SKIPPED');
  await happened(subscription, '2026-03-01T00:00:00Z', 1, 'DELIVERED');
  const all = await counts();
  const bytes = expect.any(Number);
  const expected = {
    deliveries: 2_503,
    weeks: [
      { name: first, bytes },
      { name: attempts, bytes },
    ],
    thinned: [],
    needed: [{ name: second, bytes }],
    locked: [],
    blanked: 0,
  };
  expect(await pruneHistory(db.pool, { before, isDryRun: true })).toEqual({ ...expected, rows: 0 });
  expect(await counts()).toEqual(all);

  const progress: number[] = [];
  expect(await pruneHistory(db.pool, { before, onProgress: (count) => progress.push(count) })).toEqual({ ...expected, rows: 8 });
  expect(progress).toEqual([1_000, 2_000, 2_503]);
  // The attempts of the held deliveries were in the default partition, so they were among the deleted rows.
  expect(await counts()).toEqual({ events: 3, attempts: 1, deliveries: 3 });
  expect(await pruneHistory(db.pool, { before })).toEqual({ ...expected, deliveries: 0, weeks: [], rows: 0 });
  await db.pool.query('DELETE FROM hookgraph.open_deliveries');
  expect(await pruneHistory(db.pool, { before })).toMatchObject({ weeks: [{ name: second }], needed: [] });
});

it('leaves a week that a transaction uses, so that no writer waits behind it for more than a moment', async () => {
  const name = await week('events', '2026-01-19');
  const reader = await db.pool.connect();
  try {
    await reader.query('BEGIN; SELECT FROM hookgraph.events LIMIT 1');
    expect(await pruneHistory(db.pool, { before, patienceMs: 0 })).toMatchObject({ weeks: [], locked: [{ name }] });
    const pruning = pruneHistory(db.pool, { before });
    await reader.query('COMMIT');
    expect(await pruning).toMatchObject({ weeks: [{ name }], locked: [] });
  } finally {
    await reader.query('ROLLBACK');
    reader.release();
  }
});

const DAY_MS = 86_400_000;
const KEEP_ALL: Retention = { bodies: null, attempts: null, errors: null, events: null, bytes: null };
/** Returns the number of days since a time, as a setting that deletes what ended before that time. */
const daysSince = (at: string) => (Date.now() - Date.parse(at)) / DAY_MS;
const attemptsOf = async () => {
  const { rows } = await db.pool.query<{ outcome: string; count: number }>(
    'SELECT outcome, count(*)::int AS count FROM hookgraph.attempts GROUP BY 1 ORDER BY 1',
  );
  return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]));
};
const partitions = async (like: string) => {
  const { rows } = await db.pool.query(`SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND relname LIKE $1 ORDER BY 1`, [
    like,
  ]);
  return rows.map(({ name }) => name);
};

it('keeps each kind as long as the settings say, errors longer, and goes on after a worker died', async () => {
  await db.pool.query('TRUNCATE hookgraph.deliveries, hookgraph.attempts, hookgraph.events, hookgraph.open_deliveries');
  const subscription = await insertSubscription(db.pool);
  await week('attempts', '2026-02-02');
  await week('events', '2026-02-02');
  for (const table of ['exchanges_of_others', 'exchanges_of_errors'] as const) await week(table, '2026-02-02');
  await happened(subscription, '2026-02-03T00:00:00Z', 1_100, 'DELIVERED');
  await db.pool.query(`UPDATE hookgraph.attempts SET outcome = 'DELIVERED' WHERE id % 2 = 0`);
  const before = await attemptsOf();
  // Simulates a worker that died during a run: its lease hasn't ended, and a copy of a table is left behind.
  await db.pool.query('CREATE TABLE hookgraph.attempts_20260202_errors (id bigint)');
  await db.pool.query(`UPDATE hookgraph.retention SET lease_token = 1, lease_until = now() + interval '1 minute'`);
  const bodies = { ...KEEP_ALL, bodies: daysSince('2026-02-10T00:00:00Z') };
  expect(await runRetention(db.pool, bodies)).toBeNull();
  await db.pool.query(`UPDATE hookgraph.retention SET lease_until = now() - interval '1 minute'`);
  expect(await runRetention(db.pool, bodies)).toMatchObject({ weeks: [{ name: 'exchanges_of_others_20260202' }], deliveries: 0 });
  expect(await attemptsOf()).toEqual(before);

  const attempts = { ...bodies, attempts: bodies.bodies };
  expect(await runRetention(db.pool, attempts)).toMatchObject({ weeks: [], thinned: [{ name: 'attempts_20260202' }] });
  expect(await attemptsOf()).toEqual({ FAILED: before.FAILED });
  expect(await partitions('attempts_20260202%')).toEqual(['attempts_20260202_errors']);
  expect(await runRetention(db.pool, attempts)).toMatchObject({ weeks: [], thinned: [] });

  await pauseRetention(db.pool, true);
  const all = { ...attempts, errors: bodies.bodies, events: bodies.bodies };
  expect(await runRetention(db.pool, all)).toBeNull();
  await pauseRetention(db.pool, false);
  const names = ['events_20260202', 'exchanges_of_errors_20260202', 'attempts_20260202_errors'].map((name) => ({ name }));
  const done = await runRetention(db.pool, all);
  expect(done).toMatchObject({ deliveries: 1_100, locked: [] });
  expect(done?.weeks).toEqual(expect.arrayContaining(names.map((one) => expect.objectContaining(one))));
  expect(await counts()).toEqual({ events: 0, attempts: 0, deliveries: 0 });
  expect(await readRetention(db.pool)).toMatchObject({ isRunning: false, endedAt: expect.any(Date), result: { deliveries: 1_100 } });
});

it('deletes the oldest first when all of it takes too many bytes, but nothing of the last day', async () => {
  const subscription = await insertSubscription(db.pool);
  for (const monday of ['2026-02-09', '2026-02-16']) await week('events', monday);
  await happened(subscription, '2026-02-10T00:00:00Z', 500, 'DELIVERED');
  await happened(subscription, '2026-02-17T00:00:00Z', 1, 'DELIVERED');
  const { rows } = await db.pool.query<{ bytes: number }>(
    `SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class WHERE relnamespace = 'hookgraph'::regnamespace AND relkind = 'r'
     AND relname ~ '^(events|deliveries|attempts|exchanges)'`,
  );
  const done = await runRetention(db.pool, { ...KEEP_ALL, bytes: (rows[0]?.bytes ?? 0) - 1 });
  expect(done).toMatchObject({ deliveries: 500, weeks: [{ name: 'events_20260209' }] });
  expect(await partitions('events_202602%')).toEqual(['events_20260216']);
  const today = await insertDeliveries(db.pool, subscription, 2, { state: 'DELIVERED' });
  await runRetention(db.pool, { ...KEEP_ALL, bytes: 0 });
  expect(await counts()).toMatchObject({ events: 2, deliveries: today.length });
});

it('stops a run that is paused, after its step', async () => {
  const subscription = await insertSubscription(db.pool);
  await happened(subscription, '2026-02-24T00:00:00Z', 1_500, 'DELIVERED');
  const left = (await counts()).deliveries - 1_000;
  await db.pool.query(`CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE hookgraph.retention SET is_paused = true; RETURN NULL; END $$;
    CREATE TRIGGER pause AFTER DELETE ON hookgraph.deliveries FOR EACH STATEMENT EXECUTE FUNCTION pause()`);
  try {
    expect(await runRetention(db.pool, { ...KEEP_ALL, events: 30 })).toMatchObject({ deliveries: 1_000 });
    expect((await counts()).deliveries).toBe(left);
    expect(await readRetention(db.pool)).toMatchObject({ isPaused: true, isRunning: false });
  } finally {
    await db.pool.query('DROP FUNCTION pause CASCADE; UPDATE hookgraph.retention SET is_paused = false');
  }
});
