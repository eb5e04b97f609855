// Tests that old history is deleted, that what is still needed stays, and that no writer waits for it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pruneHistory } from '../../../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';
import { insertDeliveries, insertSubscription } from '../../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const before = new Date('2026-02-01T00:00:00Z');

/** Makes the partition of the week that begins at this day, for events or attempts. */
async function week(table: 'events' | 'attempts', monday: string): Promise<string> {
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

/** Inserts deliveries with their events and attempts, as if they had happened at this time. */
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
  // There is no partition of this week, so its rows are in the default ones.
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
    needed: [{ name: second, bytes }],
    locked: [],
  };
  expect(await pruneHistory(db.pool, { before, isDryRun: true })).toEqual({ ...expected, rows: 0 });
  expect(await counts()).toEqual(all);

  const progress: number[] = [];
  expect(await pruneHistory(db.pool, { before, onProgress: (count) => progress.push(count) })).toEqual({ ...expected, rows: 8 });
  expect(progress).toEqual([1_000, 2_000, 2_503]);
  // The attempts of the held deliveries have no week, and were among those rows.
  expect(await counts()).toEqual({ events: 3, attempts: 1, deliveries: 3 });
  expect(await pruneHistory(db.pool, { before })).toEqual({ deliveries: 0, weeks: [], needed: expected.needed, locked: [], rows: 0 });
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
