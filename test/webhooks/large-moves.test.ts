// Large moves of deliveries go on in steps, under a `statement_timeout` of the database, and after the process that began them died.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { holdDeliveries } from '../../src/webhooks/base/store/delivery-moves.js';
import { inSteps, StepSize } from '../../src/webhooks/base/store/steps.js';
import { patiently } from '../../src/webhooks/base/store/transaction.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../src/webhooks/fan-out/replay.js';
import { cancelReplay, deleteSubscription, releaseHeldDeliveries, replayEvents, updateSubscription } from '../../src/webhooks/index.js';
import { releaseScan, scanDue, settle } from '../../src/webhooks/lease/due-scan.js';
import { insertDeliveries, outOfStep } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
beforeEach(() => world.clear());
afterAll(() => world.close());

const engine = () => world.webhooks.engine;
const ONE = { withinMs: 0, size: undefined };

/** Ends each statement that moves more than `rows` rows, as `statement_timeout` ends those that take long. */
async function refuseMoves(rows: number): Promise<void> {
  await world.db.pool.query(`
    CREATE OR REPLACE FUNCTION public.refuse_large() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (SELECT count(*) FROM new_rows) > ${rows} THEN RAISE EXCEPTION USING ERRCODE = '57014', MESSAGE = 'canceling statement due to statement timeout'; END IF;
      RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER refuse_large AFTER UPDATE ON hookgraph.deliveries REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_large()`);
}
const allowMoves = () => world.db.pool.query('DROP TRIGGER IF EXISTS refuse_large ON hookgraph.deliveries');

async function states(id: string): Promise<Record<string, number>> {
  const { rows } = await world.db.pool.query(
    `SELECT concat_ws(' ', state, reason) AS state, count(*)::int AS count FROM hookgraph.deliveries WHERE subscription_id = $1 GROUP BY 1`,
    [id],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

it('takes smaller steps after one that failed, and gives up on an error that a smaller step has, too', async () => {
  const [sizes, size]: [number[], StepSize] = [[], new StepSize()];
  const step = async (rows: number) => {
    sizes.push(rows);
    if (rows > 300) throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    return { found: 5, moved: { a: 5 } };
  };
  expect(await inSteps(step, { size })).toEqual(new Map([['a', 5]]));
  expect(sizes).toEqual([1000, 500, 250]);
  expect(size.rows).toBeLessThan(400);
  await expect(inSteps(() => Promise.reject(new Error('no')), { size })).rejects.toThrow('no');
  const never = () => Promise.reject(Object.assign(new Error('never'), { code: '57014' }));
  await expect(inSteps(never, { withinMs: Number.POSITIVE_INFINITY, size })).rejects.toThrow('never');
});

it('disables, enables and deletes a subscription with a long queue, whatever becomes of the first steps', async () => {
  const id = await world.subscribe();
  await insertDeliveries(world.db.pool, id, 3_000);
  await refuseMoves(100);
  try {
    const { subscription } = await updateSubscription(engine(), OWNER, id, { disabled: true });
    expect(subscription?.status).toBe('DISABLED');
    // As a worker that goes on: each iteration begins with a scan.
    await until('all are held', async () => {
      await settle(world.db.pool, (await scanDue(world.db.pool)).unsettled);
      return (await states(id))['HELD DISABLED'] === 3_000;
    });
    expect((await updateSubscription(engine(), OWNER, id, { disabled: false })).subscription?.status).toBe('ENABLED');
    await until('all are released', async () => !(await releaseScan(world.db.pool)));
    expect(await states(id)).toEqual({ PENDING: 3_000 });
    await holdDeliveries(world.db.pool, [id], 'DISABLED', ONE);
    expect((await deleteSubscription(engine(), OWNER, id)).problems).toEqual([]);
    await until('all are cancelled', async () => {
      await settle(world.db.pool, (await scanDue(world.db.pool)).unsettled);
      await releaseScan(world.db.pool);
      return (await states(id))['CANCELLED DELETED'] === 3_000;
    });
    expect(await outOfStep(world.db.pool)).toEqual([]);
  } finally {
    await allowMoves();
  }
});

it('keeps no due delivery of others waiting while a move fails', async () => {
  const [off, on] = [await world.subscribe({ name: 'off' }), await world.subscribe({ name: 'on', topic: { key: 'thing/updated' } })];
  await insertDeliveries(world.db.pool, off, 20);
  await refuseMoves(-1);
  try {
    expect((await updateSubscription(engine(), OWNER, off, { disabled: true })).subscription?.status).toBe('DISABLED');
    const scan = await scanDue(world.db.pool);
    await insertDeliveries(world.db.pool, on, 1);
    expect((await scanDue(world.db.pool)).due).toEqual([on]);
    await expect(settle(world.db.pool, scan.unsettled)).rejects.toThrow('statement timeout');
  } finally {
    await allowMoves();
  }
});

it('releases what an older definition held, once, also after the process died that saved the new one', async () => {
  const { pool } = world.db;
  const id = await world.subscribe();
  await insertDeliveries(pool, id, 30, { state: 'HELD' });
  await refuseMoves(-1);
  await updateSubscription(engine(), OWNER, id, { query: 'query($nodeId: ID!) { node(id: $nodeId) { id } }' });
  await allowMoves();
  expect(await states(id)).toEqual({ 'HELD NODE': 30 });
  await releaseScan(pool);
  expect(await states(id)).toEqual({ PENDING: 30 });
  // A delivery that the new definition holds stays held until the definition is changed or somebody asks.
  await pool.query(`UPDATE hookgraph.deliveries SET state = 'HELD', reason = 'NODE'`);
  await pool.query(`UPDATE hookgraph.open_deliveries SET held_for = 'NODE', held_number = (SELECT releases FROM hookgraph.subscriptions)`);
  expect(await releaseScan(pool)).toBe(false);
  expect((await releaseHeldDeliveries(engine(), OWNER, id)).count).toBe(30);
  expect(await states(id)).toEqual({ PENDING: 30 });
});

it('cancels a replay whose deliveries are many', async () => {
  const { pool } = world.db;
  const id = await world.subscribe();
  await world.insertThings(...Array.from({ length: 350 }, (_, i) => `n${i}`));
  await relayOnce(pool);
  const { replay } = await replayEvents(engine(), OWNER, id, { from: null, to: null, includesDelivered: true });
  // One of the 300 events is that of the subscription itself.
  await stepReplay(pool, 300);
  await refuseMoves(100);
  try {
    expect((await cancelReplay(engine(), OWNER, replay?.id ?? '')).problems).toEqual([]);
    await until('all are cancelled', async () => !(await releaseScan(pool)));
    expect(await states(id)).toEqual({ PENDING: 350, 'CANCELLED REPLAY': 299 });
  } finally {
    await allowMoves();
  }
});

it("lets a statement that can't be smaller take longer than the `statement_timeout` of the database", async () => {
  const { pool } = world.db;
  const name = (await pool.query('SELECT current_database() AS name')).rows[0].name;
  await pool.query(`ALTER DATABASE ${name} SET statement_timeout = '50ms'`);
  const limited = new pg.Pool({ connectionString: world.db.url });
  try {
    await expect(limited.query('SELECT pg_sleep(0.2)')).rejects.toThrow('statement timeout');
    await patiently(limited, (db) => db.query('SELECT pg_sleep(0.2)'));
    await expect(limited.query('SELECT pg_sleep(0.2)')).rejects.toThrow('statement timeout');
  } finally {
    await limited.end();
    await pool.query(`ALTER DATABASE ${name} RESET statement_timeout`);
  }
});
