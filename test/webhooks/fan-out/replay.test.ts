// Tests replays step by step: each event once, even if the process dies between two steps; current events wait behind few replayed ones.
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../../src/webhooks/fan-out/replay.js';
import { cancelReplay, deleteSubscription, replayEvents, updateSubscription } from '../../../src/webhooks/index.js';
import { claimDue, type DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { renew } from '../../../src/webhooks/lease/lease-freshness.js';
import { deliveriesOf, moveDeliveries, outOfStep } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(async () => {
  expect(await outOfStep(world.db.pool)).toEqual([]);
  await world.clear();
});
afterAll(() => world.close());

const everything = { from: null, to: null, includesDelivered: true };
const begin = (id: string, range: { from?: Date; to?: Date } = {}) =>
  replayEvents(world.webhooks.engine, OWNER, id, { ...everything, ...range });
const things = (count: number) => Array.from({ length: count }, (_, i) => `thing-${i}`);

async function replayed(id: string): Promise<string[]> {
  const { rows } = await world.db.pool.query(
    `SELECT node_key FROM hookgraph.whole_deliveries WHERE subscription_id = $1 AND kind = 'REPLAY' ORDER BY event_id`,
    [id],
  );
  return rows.map((row) => row.node_key);
}

async function replayRow(id: string) {
  const { rows } = await world.db.pool.query('SELECT state, delivery_count AS count FROM hookgraph.replays WHERE subscription_id = $1', [
    id,
  ]);
  return rows[0];
}

it('makes each event of its topic a delivery, also from before the subscription, in batches that go on where the last one ended', async () => {
  await world.insertThings(...things(7));
  await world.db.pool.query(`INSERT INTO public.things (org, name) VALUES ('another', 'stranger')`);
  await world.db.pool.query(`UPDATE public.things SET name = 'changed' WHERE id = 1`);
  await relayOnce(world.db.pool);
  const id = await world.subscribe();
  const { replay, problems } = await begin(id);
  expect(problems).toEqual([]);
  expect(replay).toMatchObject({ state: 'RUNNING', deliveryCount: 0 });
  expect(await stepReplay(world.db.pool, 4)).toEqual({ subscriptionId: id, deliveries: 4 });
  expect(await stepReplay(world.db.pool, 4)).toEqual({ subscriptionId: id, deliveries: 3 });
  while (await stepReplay(world.db.pool, 4));
  expect(await replayed(id)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  expect(await replayRow(id)).toEqual({ state: 'DONE', count: 7 });
});

it('makes nothing twice when its position is lost', async () => {
  await world.insertThings(...things(3));
  await relayOnce(world.db.pool);
  const id = await world.subscribe();
  await begin(id);
  while (await stepReplay(world.db.pool));
  await world.db.pool.query(`UPDATE hookgraph.replays SET position = 0, state = 'RUNNING'`);
  while (await stepReplay(world.db.pool));
  expect(await replayed(id)).toEqual(['1', '2', '3']);
});

it('takes only what happened within its time', async () => {
  await world.insertThings('before');
  await world.insertThings('within');
  await world.insertThings('after');
  await relayOnce(world.db.pool);
  const { rows } = await world.db.pool.query(`SELECT occurred_at FROM hookgraph.recorded ORDER BY id`);
  await world.db.pool.query(`UPDATE hookgraph.events SET occurred_at = hookgraph.time_of(id) - interval '1 s' WHERE node_key = '1'`);
  await world.db.pool.query(`UPDATE hookgraph.events SET occurred_at = hookgraph.time_of(id) + interval '1 s' WHERE node_key = '3'`);
  const id = await world.subscribe();
  const at = rows[1].occurred_at as Date;
  await begin(id, { from: at, to: at });
  while (await stepReplay(world.db.pool));
  expect(await replayed(id)).toEqual(['2']);
  expect((await begin(id, { from: new Date(2), to: new Date(1) })).problems).toEqual([
    { field: 'to', message: 'must not be before `from`' },
  ]);
});

it('waits until what was recorded in its time is relayed, and for no other tenant’s', async () => {
  await world.insertThings(...things(3));
  const id = await world.subscribe();
  await begin(id);
  expect(await stepReplay(world.db.pool)).toBeNull();
  expect(await replayRow(id)).toEqual({ state: 'RUNNING', count: 0 });
  await relayOnce(world.db.pool);
  await world.db.pool.query(`INSERT INTO public.things (org, name) VALUES ('another', 'stranger')`);
  await world.db.pool.query(`UPDATE hookgraph.replays SET to_at = clock_timestamp()`);
  while (await stepReplay(world.db.pool));
  expect(await replayed(id)).toEqual(['1', '2', '3']);
  expect(await replayRow(id)).toEqual({ state: 'DONE', count: 3 });
});

it('waits while so many are due, and while the subscription is off', async () => {
  await world.insertThings(...things(6));
  await relayOnce(world.db.pool);
  const id = await world.subscribe();
  await begin(id);
  expect(await stepReplay(world.db.pool, 3, 3)).toMatchObject({ deliveries: 3 });
  expect(await stepReplay(world.db.pool, 3, 3)).toBeNull();
  await moveDeliveries(world.db.pool, id, 'DELIVERED');
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
  expect(await stepReplay(world.db.pool, 3, 3)).toBeNull();
  expect((await begin(id)).problems).toMatchObject([{ message: 'the subscription is disabled; enable it first' }]);
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: false });
  expect(await stepReplay(world.db.pool, 3, 3)).toMatchObject({ deliveries: 3 });
});

/** Begins a replay: two of its deliveries are created, and one of them is claimed. */
async function claimedReplay() {
  const { pool } = world.db;
  await world.insertThings(...things(4));
  await relayOnce(pool);
  const id = await world.subscribe();
  const { replay } = await begin(id);
  await stepReplay(pool, 3);
  const [claimed] = await claimDue(pool, [{ subscriptionId: id, count: 1, after: null }]);
  return { id, replayId: replay?.id as string, claimed: claimed as DeliveryInHand };
}

const statesOf = async (id: string) => (await deliveriesOf(world.db.pool, id)).map(({ state, reason }) => `${state} ${reason}`);

it('begins no delivery of a cancelled replay, even while they are not cancelled yet', async () => {
  const { pool } = world.db;
  const { id, claimed } = await claimedReplay();
  // Simulates that the cancelling process died before it cancelled the deliveries.
  await pool.query(`UPDATE hookgraph.replays SET state = 'CANCELLED'`);
  expect(await claimDue(pool, [{ subscriptionId: id, count: 10, after: null }])).toEqual([]);
  expect((await statesOf(id)).sort()).toEqual(['CANCELLED REPLAY', 'CANCELLED REPLAY', 'PENDING null']);
  expect(await renew(pool, claimed)).toBeNull();
  await pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = now() - interval '1 s'`);
  expect(await claimDue(pool, [{ subscriptionId: id, count: 10, after: null }])).toEqual([]);
  expect(await statesOf(id)).toEqual(Array(3).fill('CANCELLED REPLAY'));
});

it('cancels a replay only when none of its claimed deliveries may begin any more', async () => {
  const { pool } = world.db;
  const { id, replayId } = await claimedReplay();
  // Stops the clock, so that the wait can't end by its limit of two seconds.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => clock.mockRestore());
  let isReturned = false;
  const cancelling = cancelReplay(world.webhooks.engine, OWNER, replayId).then(() => {
    isReturned = true;
  });
  await expect.poll(() => statesOf(id)).toEqual(Array(3).fill('CANCELLED REPLAY'));
  await pool.query('SELECT 1');
  expect(isReturned).toBe(false);
  await pool.query('DELETE FROM hookgraph.open_deliveries');
  await cancelling;
});

it('is one at a time, ends when it is cancelled, and with its subscription', async () => {
  await world.insertThings(...things(6));
  await relayOnce(world.db.pool);
  const id = await world.subscribe();
  const { replay } = await begin(id);
  expect((await begin(id)).problems).toMatchObject([{ message: expect.stringContaining('is already running') }]);
  await stepReplay(world.db.pool, 3);
  const cancelled = await cancelReplay(world.webhooks.engine, OWNER, replay?.id as string);
  expect(cancelled.replay).toMatchObject({ state: 'CANCELLED', deliveryCount: 3 });
  expect(await stepReplay(world.db.pool)).toBeNull();
  const { rows } = await world.db.pool.query(`SELECT DISTINCT state, reason FROM hookgraph.deliveries WHERE kind = 'REPLAY'`);
  expect(rows).toEqual([{ state: 'CANCELLED', reason: 'REPLAY' }]);
  await begin(id);
  await deleteSubscription(world.webhooks.engine, OWNER, id);
  expect(await stepReplay(world.db.pool)).toBeNull();
  expect((await world.db.pool.query(`SELECT count(*)::int FROM hookgraph.replays WHERE state = 'RUNNING'`)).rows[0].count).toBe(0);
});

it("is nobody else's to begin or to cancel", async () => {
  const id = await world.subscribe();
  const stranger = { ...OWNER, tenant: 'another' };
  const { engine } = world.webhooks;
  expect((await replayEvents(engine, stranger, id, everything)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
  const { replay } = await begin(id);
  expect((await cancelReplay(engine, stranger, replay?.id as string)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
  expect((await replayEvents(engine, { ...OWNER, canManageWebhooks: false }, id, everything)).problems).toMatchObject([
    { type: 'FORBIDDEN' },
  ]);
});
