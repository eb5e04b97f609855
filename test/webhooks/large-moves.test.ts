// Tests that large moves of deliveries continue in steps, despite the database's `statement_timeout` or the death of the first process.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stepBulkAction } from '../../src/webhooks/base/store/bulk-actions.js';
import { holdDeliveries } from '../../src/webhooks/base/store/delivery-moves.js';
import { StepSize } from '../../src/webhooks/base/store/steps.js';
import { patiently } from '../../src/webhooks/base/store/transaction.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../src/webhooks/fan-out/replay.js';
import {
  type Actor,
  bulkActionsByIds,
  cancelBulkAction,
  cancelReplay,
  countErrorsOf,
  deleteErrors,
  deleteSubscription,
  releaseHeldDeliveries,
  replayEvents,
  resendDeliveries,
  updateSubscription,
} from '../../src/webhooks/index.js';
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

/** Makes each statement fail that moves more than `rows` rows, as `statement_timeout` does with long statements. */
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

it('disables, enables and deletes a subscription with a long queue, whatever becomes of the first steps', async () => {
  const id = await world.subscribe();
  await insertDeliveries(world.db.pool, id, 3_000);
  await refuseMoves(100);
  try {
    const { subscription } = await updateSubscription(engine(), OWNER, id, { disabled: true });
    expect(subscription?.status).toBe('DISABLED');
    // Continues as a worker does: each iteration begins with a scan, and uses the size of the last step that succeeded.
    const steps = { size: new StepSize() };
    await until('all are held', async () => {
      await settle(world.db.pool, (await scanDue(world.db.pool)).unsettled, steps);
      return (await states(id))['HELD DISABLED'] === 3_000;
    });
    expect((await updateSubscription(engine(), OWNER, id, { disabled: false })).subscription?.status).toBe('ENABLED');
    await until('all are released', async () => !(await releaseScan(world.db.pool, steps)));
    expect(await states(id)).toEqual({ PENDING: 3_000 });
    await holdDeliveries(world.db.pool, [id], 'DISABLED', ONE);
    expect((await deleteSubscription(engine(), OWNER, id)).problems).toEqual([]);
    await until('all are cancelled', async () => {
      await settle(world.db.pool, (await scanDue(world.db.pool)).unsettled, steps);
      await releaseScan(world.db.pool, steps);
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
    await expect(settle(world.db.pool, scan.unsettled, { withinMs: Number.POSITIVE_INFINITY })).rejects.toThrow('statement timeout');
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
  // A delivery that the new definition holds stays held until the definition is changed or a user releases it.
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
  // One of the 300 events is about the subscription itself.
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

describe('an action on many', () => {
  const ALL = { ids: null, subscriptionIds: null, filter: {} };
  const FAILED = { ...ALL, filter: { states: ['FAILED' as const] } };
  const OTHERS: Actor = { ...OWNER, userId: 'another' };
  const read = async (id = '') => (await bulkActionsByIds(world.db.pool, OWNER, [id])).get(id);
  const runAll = async (size = 100) => {
    while (await stepBulkAction(world.db.pool, size));
  };
  const notDue = () => world.db.pool.query(`UPDATE hookgraph.open_deliveries SET due_at = now() + interval '1 day'`);

  it('resends in steps what matches, waits behind due deliveries, and leaves out what came later', async () => {
    const { pool } = world.db;
    const id = await world.subscribe();
    await insertDeliveries(pool, id, 2_050, { state: 'FAILED', attemptCount: 3 });
    await insertDeliveries(pool, id, 3, { state: 'DELIVERED', attemptCount: 1 });
    await pool.query(`UPDATE hookgraph.deliveries SET kind = 'TEST' WHERE id = (SELECT min(id) FROM hookgraph.deliveries)`);
    const { action, problems } = await resendDeliveries(engine(), OWNER, FAILED, { asNew: false });
    expect([problems, action]).toMatchObject([[], { kind: 'RESEND', state: 'RUNNING', total: 2_049, done: 0, progress: 0 }]);
    await insertDeliveries(pool, id, 2, { state: 'FAILED', attemptCount: 1 });
    expect(await stepBulkAction(pool, 1_001)).toEqual({ subscriptionId: id });
    expect(await read(action?.id)).toMatchObject({ state: 'RUNNING', total: 2_049, done: 1_000 });
    await stepBulkAction(pool, 1_000);
    expect(await stepBulkAction(pool, 1_000), 'waits behind 2,000 due deliveries').toBeNull();
    await notDue();
    await runAll();
    expect(await read(action?.id)).toMatchObject({ state: 'DONE', done: 2_049, progress: 1 });
    expect(await states(id)).toEqual({ RETRYING: 2_049, DELIVERED: 3, FAILED: 3 });
  });

  it('makes each new delivery once, although a step is killed', async () => {
    const { pool } = world.db;
    const id = await world.subscribe();
    const [, second] = await insertDeliveries(pool, id, 40, { state: 'FAILED', attemptCount: 3 });
    await resendDeliveries(engine(), OWNER, FAILED, { asNew: true });
    await stepBulkAction(pool, 10);
    const blocker = await pool.connect();
    const listen = (client: pg.PoolClient) => void client.on('error', () => {});
    try {
      await blocker.query('BEGIN');
      await blocker.query('LOCK TABLE hookgraph.open_deliveries IN SHARE MODE');
      // Adds an error listener, because the pool listens only to idle clients.
      pool.on('acquire', listen);
      const killed = stepBulkAction(pool, 10).catch((error: Error) => error);
      await until('the step is killed', async () => {
        const { rowCount } = await pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'WITH part%'`,
        );
        return rowCount === 1;
      });
      expect(await killed).toBeInstanceOf(Error);
    } finally {
      pool.off('acquire', listen);
      await blocker.query('ROLLBACK');
      blocker.release();
    }
    await runAll(10);
    const { rows } = await pool.query(
      `SELECT count(*)::int AS made, count(DISTINCT event_id)::int AS events FROM hookgraph.deliveries WHERE kind = 'RESEND'`,
    );
    expect(rows).toEqual([{ made: 40, events: 40 }]);
    const some = { ...ALL, ids: [second as string] };
    expect((await resendDeliveries(engine(), OWNER, some, { asNew: false })).action).toMatchObject({ total: 1 });
    await runAll();
    expect(await states(id)).toEqual({ PENDING: 40, RETRYING: 1, FAILED: 39 });
  });

  it('stops when it is cancelled, waits while the subscription is disabled, and ends when it is deleted', async () => {
    const { pool } = world.db;
    const id = await world.subscribe();
    await insertDeliveries(pool, id, 30, { state: 'FAILED', attemptCount: 3 });
    const first = (await resendDeliveries(engine(), OWNER, FAILED, { asNew: false })).action?.id ?? '';
    await stepBulkAction(pool, 10);
    for (const _ of [1, 2]) expect((await cancelBulkAction(engine(), OWNER, first)).action).toMatchObject({ state: 'CANCELLED', done: 10 });
    expect(await stepBulkAction(pool, 10)).toBeNull();
    const second = (await resendDeliveries(engine(), OWNER, FAILED, { asNew: false })).action?.id ?? '';
    await updateSubscription(engine(), OWNER, id, { disabled: true });
    expect(await stepBulkAction(pool, 10)).toBeNull();
    expect((await resendDeliveries(engine(), OWNER, FAILED, { asNew: false })).problems[0]?.message).toContain('are not enabled');
    await updateSubscription(engine(), OWNER, id, { disabled: false });
    // The first ten of these rows are already due.
    await stepBulkAction(pool, 20);
    await deleteSubscription(engine(), OWNER, id);
    await runAll();
    expect(await read(second)).toMatchObject({ state: 'DONE', total: 20, done: 10 });
    expect((await cancelBulkAction(engine(), OWNER, second)).problems).toMatchObject([{ message: 'the action has already ended' }]);
    const { rows } = await pool.query(
      `SELECT action, message FROM hookgraph.audit_log WHERE subscription_id = $1 AND action IN ('RESENT', 'BULK_ACTION_CANCELLED') ORDER BY id`,
      [id],
    );
    expect(rows).toEqual([
      { action: 'RESENT', message: 'Resending deliveries was started: 30 match a filter.' },
      { action: 'BULK_ACTION_CANCELLED', message: 'Resending deliveries was cancelled.' },
      { action: 'RESENT', message: 'Resending deliveries was started: 20 match a filter.' },
    ]);
  });

  it('is seen and carried out for its owner alone', async () => {
    const { pool } = world.db;
    const id = await world.subscribe();
    const ids = await insertDeliveries(pool, id, 2, { state: 'FAILED', attemptCount: 3 });
    for (const actor of [OTHERS, { ...OWNER, tenant: 'other' }]) {
      for (const which of [FAILED, { ...FAILED, subscriptionIds: [id] }, { ...ALL, ids }])
        expect((await resendDeliveries(engine(), actor, which, { asNew: true })).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
      expect((await deleteErrors(engine(), actor, [id], {})).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    }
    const { action } = await resendDeliveries(engine(), OWNER, FAILED, { asNew: false });
    const { rows } = await pool.query('SELECT kind FROM hookgraph.bulk_actions');
    expect(rows).toEqual([{ kind: 'RESEND' }]);
    expect((await bulkActionsByIds(pool, OTHERS, [action?.id ?? ''])).size).toBe(0);
    expect((await cancelBulkAction(engine(), OTHERS, action?.id ?? '')).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    const mayNot = { ...OWNER, canManageWebhooks: false };
    for (const refused of [
      resendDeliveries(engine(), mayNot, FAILED, { asNew: true }),
      cancelBulkAction(engine(), mayNot, action?.id ?? ''),
    ])
      expect((await refused).problems).toMatchObject([{ type: 'FORBIDDEN' }]);
    // The action ignores a subscription whose owner has changed meanwhile.
    await pool.query(`UPDATE hookgraph.subscriptions SET owner = 'another'`);
    await runAll();
    expect(await states(id)).toEqual({ FAILED: 2 });
  });

  it('deletes the errors that match, also of a disabled subscription', async () => {
    const { pool } = world.db;
    const id = await world.subscribe({ disabled: true });
    await insertDeliveries(pool, id, 25, { state: 'FAILED', attemptCount: 1 });
    await pool.query(
      `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, stage, started_at, duration_ms)
       SELECT d.id, d.subscription_id, 1, 1, 'FAILED', CASE WHEN d.node_key::int <= 5 THEN 'TIMEOUT' ELSE 'STATUS' END, now(), 1 FROM hookgraph.whole_deliveries d`,
    );
    const { action } = await deleteErrors(engine(), OWNER, null, { stage: 'STATUS' });
    expect(action).toMatchObject({ kind: 'DELETE_ERRORS', total: 20 });
    await runAll(7);
    expect(await read(action?.id)).toMatchObject({ state: 'DONE', done: 20 });
    expect(await countErrorsOf(pool, OWNER, null, {})).toEqual(new Map([[id, 5]]));
    expect((await deleteErrors(engine(), OWNER, null, { stage: 'STATUS' })).problems).toMatchObject([{ message: 'no error matches' }]);
  });

  it('is carried out by a worker', async () => {
    const id = await world.subscribe();
    await insertDeliveries(world.db.pool, id, 3, { state: 'FAILED', attemptCount: 1 });
    const { action } = await resendDeliveries(engine(), OWNER, FAILED, { asNew: false });
    await world.work();
    await until('the action has ended', async () => (await read(action?.id))?.state === 'DONE');
    await until('they are sent', () => world.receiver.requests.length === 3);
  });
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
