import type { GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sqlStatement } from '../../src/runtime/sql-file.js';
import { countAttempts, percentileOf, toPeriod } from '../../src/webhooks/base/store/attempt-stats.js';
import type { Actor } from '../../src/webhooks/index.js';
import { recordStatements } from '../support/record-statements.js';
import { until } from '../support/until.js';
import { owner } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';

let world: ApiWorld;
let schema: GraphQLSchema;
beforeAll(async () => {
  world = await apiWorld();
  schema = world.api().schema;
});
afterAll(() => world.db.close());

const COUNT = sqlStatement<'until' | 'span_ms'>('webhooks/base/store/attempt-stats.sql');
const SLOT_MS = 300_000;
/** The middle of a slot three hours ago, in milliseconds since 1970. */
const then = Math.floor(Date.now() / SLOT_MS) * SLOT_MS - 3 * 3_600_000 + SLOT_MS / 2;

const INSERT = `INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms, test)
  SELECT coalesce(hookgraph.id_at(to_timestamp($4::float8 / 1000)) + nextval('hookgraph.id_sequence') % 1000, hookgraph.next_id()), 1, $1, 1, 1, $2, now(), $3, $5
  FROM generate_series(1, $6)`;
const millisecond = async () =>
  (await world.db.pool.query("SELECT date_trunc('milliseconds', clock_timestamp())::text AS now")).rows[0].now as string;
const insert = async (id: string, outcome: string, { ms = 10, at = null as number | null, test = false, count = 1 } = {}) => {
  await world.db.pool.query(INSERT, [id, outcome, ms, at, test, count]);
  // Waits a millisecond, because a count ends before the present millisecond.
  const before = await millisecond();
  await until('the clock has gone on', async () => (await millisecond()) !== before);
};

async function stats(id: string, args = '', selection = 'delivered failed skipped held', actor: Actor = owner) {
  const source = `{ webhookSubscription(id: "${id}") { stats${args && `(${args})`} { ${selection} } } }`;
  const { data, errors } = await ask(schema, source, { actor });
  if (errors) throw errors[0];
  return data.webhookSubscription.stats;
}

it('counts attempts by outcome in the interval of their time, without tests', async () => {
  const id = await world.create();
  // Inserts past attempts before the first count, as after an upgrade.
  await insert(id, 'DELIVERED', { at: then, count: 3 });
  await insert(id, 'FAILED', { at: then });
  await insert(id, 'HELD', { at: then + SLOT_MS });
  await insert(id, 'DELIVERED', { at: then - 40 * 86_400_000 });
  await insert(id, 'FAILED', { test: true });
  await insert(id, 'SKIPPED');
  expect(await stats(id)).toEqual({ delivered: 0, failed: 0, skipped: 0, held: 0 });
  expect(await countAttempts(world.db.pool, { spanMs: 1 })).toBe(8);
  expect(await stats(id)).toEqual({ delivered: 3, failed: 1, skipped: 1, held: 1 });
  const [from, to] = [then - SLOT_MS, then + 2 * SLOT_MS].map((at) => new Date(at).toISOString());
  const { buckets, countedUntil } = await stats(
    id,
    `from: "${from}", to: "${to}", buckets: 100`,
    'countedUntil buckets { from to delivered failed held }',
  );
  expect(buckets.map((one: Record<string, unknown>) => [one.delivered, one.failed, one.held])).toEqual([
    [0, 0, 0],
    [3, 1, 0],
    [0, 0, 1],
    [0, 0, 0],
  ]);
  expect(new Date(buckets[0].from).getTime() % SLOT_MS).toBe(0);
  expect(buckets.slice(1).map((one: { from: string }) => one.from)).toEqual(buckets.slice(0, -1).map((one: { to: string }) => one.to));
  expect(Date.parse(countedUntil)).toBeGreaterThan(then);
});

it('counts each attempt once, however often, and by however many at once, it is run', async () => {
  const id = await world.create();
  for (let round = 1; round <= 2; round++) {
    await insert(id, 'DELIVERED', { count: 50 });
    await Promise.all([1, 2, 3].map(() => countAttempts(world.db.pool, { spanMs: 1 })));
    await countAttempts(world.db.pool);
    expect(await stats(id)).toMatchObject({ delivered: round * 50 });
  }
});

it('counts each attempt once when it is killed while it counts', async () => {
  const id = await world.create();
  await insert(id, 'DELIVERED');
  await countAttempts(world.db.pool);
  await insert(id, 'DELIVERED', { count: 20 });
  const blocker = await world.db.pool.connect();
  try {
    // Makes the run wait between reading the attempts and its end, whether or not their slot already has a row.
    await blocker.query(`CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock(7); RETURN new; END $$;
      CREATE TRIGGER wait_for_test BEFORE INSERT ON hookgraph.attempt_stats FOR EACH ROW EXECUTE FUNCTION wait_for_test();
      SELECT pg_advisory_lock(7)`);
    const running = countAttempts(world.db.pool).catch((error: Error) => error.message);
    const killed = await until('the run waits', async () => {
      const { rows } = await world.db.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE '%attempt_stats%'`,
      );
      return rows.length;
    });
    expect(killed).toBe(1);
    expect(await running).toMatch(/terminat/i);
  } finally {
    await blocker.query('SELECT pg_advisory_unlock_all(); DROP FUNCTION wait_for_test CASCADE');
    blocker.release();
  }
  expect(await stats(id)).toMatchObject({ delivered: 1 });
  await countAttempts(world.db.pool);
  expect(await stats(id)).toMatchObject({ delivered: 21 });
});

it('passes no attempt whose transaction is still open, and waits for no other writer', async () => {
  const id = await world.create();
  const [slow, other] = [await world.db.pool.connect(), await world.db.pool.connect()];
  await other.query(`BEGIN; UPDATE hookgraph.topics SET description = ''`);
  await slow.query('BEGIN');
  await slow.query(INSERT, [id, 'DELIVERED', 10, null, false, 1]);
  await insert(id, 'DELIVERED');
  expect(await countAttempts(world.db.pool, { waitMs: 60 })).toBe(0);
  const counting = countAttempts(world.db.pool);
  await slow.query('COMMIT');
  await counting;
  expect(await stats(id)).toMatchObject({ delivered: 2 });
  await other.query('ROLLBACK');
  for (const client of [slow, other]) client.release();
});

it('counts each attempt once although the clock of Postgres goes back', async () => {
  const id = await world.create();
  await insert(id, 'DELIVERED');
  await countAttempts(world.db.pool);
  // Attempts were recorded and counted at a time one hour ahead. Then the clock was set back.
  const ahead = Date.now() + 3_600_000;
  await insert(id, 'DELIVERED', { at: ahead, count: 2 });
  await world.db.pool.query(COUNT.text, COUNT.values({ until: '9000000000000000000', span_ms: 300_000 }));
  expect(await stats(id, `to: "${new Date(ahead + 600_000).toISOString()}"`)).toMatchObject({ delivered: 3 });
  await insert(id, 'FAILED');
  await countAttempts(world.db.pool);
  await countAttempts(world.db.pool);
  expect(await stats(id)).toMatchObject({ delivered: 1, failed: 1 });
  // Later the clock reaches the time of these attempts.
  for (let step = 0; step < 3; step++)
    await world.db.pool.query(COUNT.text, COUNT.values({ until: '9000000000000000000', span_ms: 300_000 }));
  expect(await stats(id, `to: "${new Date(ahead + 600_000).toISOString()}"`)).toMatchObject({ delivered: 3, failed: 1 });
});

it('says the median and the 95th percentile within 9 %', async () => {
  const id = await world.create();
  expect(await stats(id, '', 'p50Ms p95Ms')).toEqual({ p50Ms: null, p95Ms: null });
  await insert(id, 'DELIVERED', { ms: 40, count: 60 });
  await insert(id, 'FAILED', { ms: 900, count: 30 });
  await insert(id, 'DELIVERED', { ms: 5_000, count: 10 });
  await insert(id, 'SKIPPED', { ms: 90_000, count: 100 });
  await countAttempts(world.db.pool);
  const { p50Ms, p95Ms, buckets } = await stats(id, '', 'p50Ms p95Ms buckets { p50Ms p95Ms }');
  for (const [found, exact] of [
    [p50Ms, 40],
    [p95Ms, 5_000],
  ])
    expect(Math.abs(found / exact - 1)).toBeLessThan(0.1);
  expect(buckets.filter((one: { p50Ms: unknown }) => one.p50Ms !== null)).toEqual([{ p50Ms, p95Ms }]);
  for (const ms of [0, 0.4, 1, 1.01, 7, 33, 12_345, 299_999]) {
    const item = Math.min(80, Math.max(1, 1 + Math.ceil(4 * Math.log2(Math.max(1, ms)))));
    const histogram = Array.from({ length: item }, (_, index) => (index === item - 1 ? 1 : 0));
    expect(Math.abs((percentileOf(histogram, 0.5) ?? 0) / Math.max(1, ms) - 1)).toBeLessThan(0.095);
  }
});

it('takes as many statements for many subscriptions as for one, and shows them to their owner alone', async () => {
  const cost: number[] = [];
  for (const count of [1, 4]) {
    const actor = { ...owner, userId: `charts ${count}` };
    for (let index = 0; index < count; index++) await insert(await world.create({}, actor), 'DELIVERED', { count: index + 1 });
    await countAttempts(world.db.pool);
    const { statements, stop } = recordStatements(world.db.pool);
    const source = '{ webhookSubscriptions { nodes { stats { delivered p95Ms countedUntil buckets { delivered p50Ms } } } } }';
    const { data, errors } = await ask(schema, source, { actor });
    stop();
    expect(errors).toBeUndefined();
    const nodes: { stats: { delivered: number; buckets: unknown[] } }[] = data.webhookSubscriptions.nodes;
    expect(nodes.map((node) => node.stats.delivered)).toEqual([1, 2, 3, 4].slice(0, count));
    expect(nodes.map((node) => node.stats.buckets.length)).toEqual(nodes.map(() => 24));
    cost.push(statements.length);
  }
  expect(cost).toEqual([4, 4]);
});

it('refuses a period that is empty or too long, or has too many intervals', async () => {
  const id = await world.create();
  for (const args of ['from: "2030-01-01"', 'from: "2026-01-01", to: "2026-03-01"', 'buckets: 0', 'buckets: 501'])
    await expect(stats(id, args), args).rejects.toMatchObject({ extensions: { code: 'PERIOD_INVALID' } });
  const { from, to, buckets } = toPeriod({ from: new Date('2026-01-01T00:01Z'), to: new Date('2026-01-01T01:04Z'), buckets: 10 });
  expect([from.toISOString(), to.toISOString(), buckets]).toEqual(['2026-01-01T00:00:00.000Z', '2026-01-01T01:05:00.000Z', 7]);
});
