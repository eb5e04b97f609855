// Tests that the database's clock may go back or forward: nothing is lost, is late by more than its pause, or mixes times of two clocks.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { checkKeys, createVault } from '../../src/webhooks/base/secrets/vault.js';
import { correctClock, readClock } from '../../src/webhooks/base/store/clock.js';
import { StepSize } from '../../src/webhooks/base/store/steps.js';
import { disableByRule, enableIntegration } from '../../src/webhooks/base/store/subscription-status.js';
import { insideTransaction } from '../../src/webhooks/base/store/transaction.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../src/webhooks/fan-out/replay.js';
import { replayEvents } from '../../src/webhooks/index.js';
import { claimDue } from '../../src/webhooks/lease/claim.js';
import { claimPaced } from '../../src/webhooks/lease/paced.js';
import { clockScan } from '../../src/webhooks/worker-scans.js';
import { deliveriesOf, insertDeliveries, insertErrors, insertSubscription, outOfStep } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { moveClock } from '../support/move-clock.js';
import { until } from '../support/until.js';

const TEN_MINUTES = 600;
const lines: { msg: string; seconds?: number }[] = [];
let world: EngineWorld;
beforeAll(async () => {
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  world = await startEngineWorld({ log });
});
beforeEach(async () => {
  await world.clear();
  lines.length = 0;
  await world.db.pool.query('UPDATE hookgraph.clock SET latest = clock_timestamp()');
});
afterAll(() => world.close());

const paths = () => world.receiver.requests.map(({ body }) => JSON.parse(body).data.node.name).sort();
const correct = () => correctClock(world.db.pool, new StepSize());

it('sends each event to a subscription of before the jump, and warns', async () => {
  await world.subscribe();
  await moveClock(world.db.pool, -TEN_MINUTES);
  await world.work();
  await world.insertThings('a', 'b');
  await until('both are sent', () => world.receiver.requests.length === 2);
  expect(paths()).toEqual(['a', 'b']);
  await until('the jump is logged', () =>
    lines.some(({ msg, seconds }) => msg.includes('clock of the database went back') && Number(seconds) > TEN_MINUTES - 60),
  );
  expect((await readClock(world.db.pool)).backMs).toBe(0);
});

it('warns once of a jump forward, and of none that is as short as a correction', async () => {
  // Sessions of this pool read a clock that the test can set.
  await world.db.pool.query(`CREATE SCHEMA set_clock; CREATE TABLE set_clock.ahead AS SELECT 0 AS seconds;
    CREATE FUNCTION set_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
      $$ SELECT pg_catalog.clock_timestamp() + (SELECT seconds FROM set_clock.ahead) * interval '1 second' $$`);
  const pool = new pg.Pool({ connectionString: world.db.url, options: '-c search_path=set_clock,pg_catalog' });
  try {
    const scan = clockScan({ ...world.webhooks.engine, pool });
    for (const seconds of [0, 20, 3600, 3600]) {
      await pool.query('UPDATE set_clock.ahead SET seconds = $1', [seconds]);
      await scan();
    }
  } finally {
    await pool.end();
    await world.db.pool.query('DROP SCHEMA set_clock CASCADE');
  }
  const forward = lines.filter(({ msg }) => msg.startsWith('the clock of the database went forward'));
  expect(forward).toHaveLength(1);
  expect(forward[0]?.seconds).toBeGreaterThan(3500);
});

it.each([-TEN_MINUTES, 0, 3600])('sends nothing of before the subscription when the clock moved by %i s in between', async (seconds) => {
  await world.insertThings('before');
  await moveClock(world.db.pool, seconds);
  const id = await world.subscribe();
  await moveClock(world.db.pool, -seconds);
  await world.insertThings('after');
  await relayOnce(world.db.pool);
  expect(await deliveriesOf(world.db.pool, id)).toHaveLength(1);
  await world.work();
  await until('it is sent', () => world.receiver.requests.length === 1);
  expect(paths()).toEqual(['after']);
});

it('sends changes that one transaction made to a row, folded, after the clock has gone back', async () => {
  const id = await world.subscribe({ topic: { key: 'thing/created' } });
  await moveClock(world.db.pool, -TEN_MINUTES);
  await world.db.pool.query(
    `BEGIN; INSERT INTO public.things (org, name) VALUES ('org', 'x'); UPDATE public.things SET name = 'y'; COMMIT`,
  );
  await relayOnce(world.db.pool);
  expect(await deliveriesOf(world.db.pool, id)).toHaveLength(1);
  const { rows } = await world.db.pool.query("SELECT xid::text, folded_xid <> '0' AS known FROM hookgraph.events WHERE fold = 'WHOLE'");
  expect(rows).toEqual([{ xid: '0', known: true }]);
});

it('of a transaction that was open at the creation, sends what was written after it', async () => {
  const writer = await world.db.pool.connect();
  await writer.query(`BEGIN; INSERT INTO public.things (org, name) VALUES ('org', 'before')`);
  await until('the ids have gone on by a millisecond', async () => {
    const { rows } = await writer.query('SELECT hookgraph.id_at(clock_timestamp()) > max(id) AS later FROM hookgraph.captures');
    return rows[0].later;
  });
  const id = await world.subscribe();
  await world.db.pool.query(`UPDATE hookgraph.subscriptions SET created_at = created_at + interval '10 minutes'`);
  await writer.query(`INSERT INTO public.things (org, name) VALUES ('org', 'after'); COMMIT`);
  writer.release();
  await relayOnce(world.db.pool);
  const { rows } = await world.db.pool.query(
    `SELECT hookgraph.row_of(e.layout_id, e.after) ->> 'name' AS name FROM hookgraph.deliveries d JOIN hookgraph.events e ON e.id = d.event_id WHERE d.subscription_id = $1`,
    [id],
  );
  expect(rows).toEqual([{ name: 'after' }]);
});

it('compares times in a database that was restored into another cluster', async () => {
  await world.insertThings('before');
  const id = await world.subscribe();
  // Simulates a restored subscription: its transaction ids are from another cluster and far ahead.
  await world.db.pool.query(
    `UPDATE hookgraph.subscriptions SET created_in = 1, created_xid = '900000000', created_snapshot = '900000000:900000000:'`,
  );
  await world.insertThings('after');
  await relayOnce(world.db.pool);
  expect(await deliveriesOf(world.db.pool, id)).toHaveLength(1);
});

it('makes what waits due after its own pause, and ends leases of dead workers', async () => {
  const { pool } = world.db;
  const id = await insertSubscription(pool);
  const [due] = await insertDeliveries(pool, id, 1, { dueInMs: 0 });
  const [soon] = await insertDeliveries(pool, id, 1, { dueInMs: 20_000, state: 'RETRYING', attemptCount: 1 });
  const [late] = await insertDeliveries(pool, id, 1, { dueInMs: 86_400_000, state: 'RETRYING', attemptCount: 9 });
  const [leased] = await insertDeliveries(pool, await insertSubscription(pool), 1);
  await pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = now() + interval '15 s', lease_token = 7 WHERE delivery_id = $1`, [
    leased,
  ]);
  await moveClock(pool, -TEN_MINUTES);
  expect(await claimDue(pool, [{ subscriptionId: id, count: 9, after: null }])).toEqual([]);
  expect((await readClock(pool)).backMs).toBeGreaterThan(590_000);
  expect(await correct()).toBe(true);
  expect(await correct()).toBe(true);
  const waits = (await deliveriesOf(pool, id)).map(({ dueInSeconds }) => dueInSeconds);
  expect(waits.filter((wait) => wait > 0 && wait <= 20)).toHaveLength(1);
  expect(waits.filter((wait) => wait > 20_000 && wait <= 86_400)).toHaveLength(1);
  expect(await claimDue(pool, [{ subscriptionId: id, count: 9, after: null }])).toHaveLength(1);
  expect([due, soon, late].every(Boolean)).toBe(true);
  const { rows } = await pool.query(
    `SELECT lease_until < now() + interval '71 s' AS bounded FROM hookgraph.open_deliveries WHERE lease_token = 7`,
  );
  expect(rows).toEqual([{ bounded: true }]);
  expect(await outOfStep(pool)).toEqual([]);
});

it('lets a limited, a slowed and a probed subscription go on', async () => {
  const { pool } = world.db;
  const pauses = { LIMITED: 0, SLOWED: 5, PROBING: 8 };
  for (const [state, seconds] of Object.entries(pauses)) {
    const id = await insertSubscription(pool);
    await insertDeliveries(pool, id, 3);
    await pool.query('UPDATE hookgraph.subscriptions SET paced = true WHERE id = $1', [id]);
    await pool.query(
      `INSERT INTO hookgraph.paces (subscription_id, state, per_second, allowance, resume_at, told_at, limit_per_second)
       VALUES ($1, $2, CASE $2 WHEN 'SLOWED' THEN 5 END, 0, now() + $3 * interval '1 s', CASE $2 WHEN 'SLOWED' THEN now() END, 5)`,
      [id, state, seconds],
    );
  }
  await moveClock(pool, -TEN_MINUTES);
  await correct();
  const { rows } = await pool.query(
    `SELECT state, round(extract(epoch FROM resume_at - now()))::int AS seconds, refilled_at <= now() AS refills FROM hookgraph.paces ORDER BY state`,
  );
  expect(rows.map(({ refills }) => refills)).toEqual([true, true, true]);
  expect(rows[0].seconds).toBeLessThanOrEqual(0);
  expect(rows[1].seconds).toBeLessThanOrEqual(8);
  expect(rows[2].seconds).toBeLessThanOrEqual(5);
  await until('the limited one is claimed', async () => (await claimPaced(pool, 9)).batch.length > 0);
});

it('counts no error of before the owner enabled the subscription, also if its time is later', async () => {
  const { pool } = world.db;
  const id = await insertSubscription(pool);
  await pool.query(
    `UPDATE hookgraph.subscriptions SET integration_id = 'i', disabled_at = now(), disabled_reason = 'INTEGRATION' WHERE id = $1`,
    [id],
  );
  await insertErrors(pool, id, 150, '1 second');
  await moveClock(pool, -TEN_MINUTES);
  await insideTransaction(pool, (client) => enableIntegration(client, { tenant: 'org', userId: 'user' }, 'i'));
  const disable = () => insideTransaction(pool, (client) => disableByRule(client, new Map(), { subscriptionIds: [id], limit: 100 }));
  expect(await disable()).toEqual([]);
  await moveClock(pool, TEN_MINUTES + 60);
  expect(await disable()).toEqual([]);
});

it('replays what happened last before the jump', async () => {
  const id = await world.subscribe();
  await world.insertThings('a');
  await relayOnce(world.db.pool);
  await moveClock(world.db.pool, -TEN_MINUTES);
  const { problems, replay } = await replayEvents(world.webhooks.engine, OWNER, id, { from: null, to: null, includesDelivered: true });
  expect(problems).toEqual([]);
  while (replay && (await stepReplay(world.db.pool)));
  expect((await deliveriesOf(world.db.pool, id)).length).toBe(2);
});

it('keeps the newest encryption key the current one', async () => {
  const [older, newer] = [randomBytes(32), randomBytes(32)];
  const { pool } = world.db;
  const { rows } = await pool.query('SELECT fingerprint, activated_at FROM hookgraph.encryption_keys');
  try {
    await pool.query('DELETE FROM hookgraph.encryption_keys');
    await checkKeys(pool, createVault([older]));
    await moveClock(pool, -TEN_MINUTES);
    await checkKeys(pool, createVault([newer, older]));
    expect(await checkKeys(pool, createVault([newer, older]))).toBe(createVault([newer]).fingerprints[0]);
  } finally {
    await pool.query('DELETE FROM hookgraph.encryption_keys');
    for (const { fingerprint, activated_at } of rows)
      await pool.query('INSERT INTO hookgraph.encryption_keys VALUES ($1, $2)', [fingerprint, activated_at]);
  }
});
