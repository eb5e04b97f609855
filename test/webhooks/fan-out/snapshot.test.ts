// Tests that a snapshot sends each current node once, whatever is written meanwhile, and only nodes of the owner's tenant.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { repeatDelivery } from '../../../src/webhooks/base/store/delivery-state.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../../src/webhooks/fan-out/replay.js';
import { stepSnapshot } from '../../../src/webhooks/fan-out/snapshot.js';
import { cancelReplay, snapshotSubscription, updateSubscription } from '../../../src/webhooks/index.js';
import { moveDeliveries, outOfStep } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import { until } from '../../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(async () => {
  expect(await outOfStep(world.db.pool)).toEqual([]);
  await world.clear();
});
afterAll(() => world.close());

const TEMPLATES = {
  template:
    '{"name": {{ data.node.name | json }}, "was": {{ event.operation | json }}, "row": {{ event.after.name | json }}, "snapshot": {{ notification.snapshot }}}',
};
const things = (count: number, first = 1) => Array.from({ length: count }, (_, i) => `thing-${i + first}`);
const begin = (id: string) => snapshotSubscription(world.webhooks.engine, OWNER, id);
const step = (batch = 1000, options?: Parameters<typeof stepSnapshot>[2]) => stepSnapshot(world.webhooks.engine, batch, options);
const query = (text: string, values?: unknown[]) => world.db.pool.query(text, values);

async function deliveries(id: string): Promise<string[]> {
  const { rows } = await query(
    `SELECT kind || ' ' || node_key AS made FROM hookgraph.whole_deliveries WHERE subscription_id = $1 AND state <> 'CANCELLED' ORDER BY node_key::int, id`,
    [id],
  );
  return rows.map(({ made }) => made);
}
const snapshotRow = async (id: string) =>
  (await query('SELECT state, delivery_count AS count, after_key AS key FROM hookgraph.replays WHERE subscription_id = $1', [id])).rows[0];

it('sends the current nodes with the query and the templates, marked, and then what changes', async () => {
  await world.insertThings('one', 'two');
  await query(`INSERT INTO public.things (org, name) VALUES ('another', 'stranger')`);
  const id = await world.subscribe({ ...TEMPLATES, startFrom: 'SNAPSHOT' });
  await world.insertThings('three');
  await world.work();
  const requests = await until('all three nodes were sent', () => (world.receiver.requests.length >= 3 ? world.receiver.requests : null));
  await until('the snapshot has ended', async () => (await snapshotRow(id)).state === 'DONE');
  const sent = requests.map(({ body, headers }) => ({ ...JSON.parse(body), header: headers['x-scope-snapshot'] }));
  sent.sort((a, b) => a.name.localeCompare(b.name));
  const marked = { was: 'created', snapshot: true, header: 'true' };
  expect(sent).toEqual([
    { name: 'one', row: 'one', ...marked },
    { name: 'three', row: 'three', was: 'created', snapshot: false, header: undefined },
    { name: 'two', row: 'two', ...marked },
  ]);
});

it('goes on where the last step ended, and does a step once, however many workers do it', async () => {
  await world.insertThings(...things(7));
  const id = await world.subscribe();
  await relayOnce(world.db.pool);
  const { replay, problems } = await begin(id);
  expect([problems, replay?.isSnapshot, replay?.state, replay?.progress]).toEqual([[], true, 'RUNNING', 0]);
  expect((await begin(id)).problems).toEqual([{ field: 'base', message: expect.stringContaining('already running') }]);
  expect(await stepReplay(world.db.pool)).toBeNull();
  expect(await step(3)).toEqual({ subscriptionId: id, deliveries: 3 });
  expect(await snapshotRow(id)).toEqual({ state: 'RUNNING', count: 3, key: ['3'] });
  const both = await Promise.all([step(2, { relayedWithinMs: 0 }), step(2, { relayedWithinMs: 0 })]);
  expect(both.filter((one) => one !== null).length).toBeGreaterThan(0);
  while (await step(2));
  expect(await deliveries(id)).toEqual(things(7).map((_, i) => `SNAPSHOT ${i + 1}`));
  expect(await snapshotRow(id)).toMatchObject({ state: 'DONE', count: 7 });
});

it('waits for the relay, and leaves out the nodes whose live delivery it made', async () => {
  await world.insertThings(...things(2));
  const id = await world.subscribe({ startFrom: 'SNAPSHOT' });
  await world.insertThings('live');
  expect(await step(10, { relayedWithinMs: 0 })).toBeNull();
  expect(await deliveries(id)).toEqual([]);
  await relayOnce(world.db.pool);
  expect(await step(10, { relayedWithinMs: 0 })).toEqual({ subscriptionId: id, deliveries: 2 });
  expect(await deliveries(id)).toEqual(['SNAPSHOT 1', 'SNAPSHOT 2', 'LIVE 3']);
});

it('sends each node once, in whatever order transactions commit that were open when the subscription was created', async () => {
  const client = await world.db.pool.connect();
  try {
    for (const isReadBefore of [true, false]) {
      await client.query('BEGIN');
      await client.query(`INSERT INTO public.things (org, name) VALUES ('org', 'open')`);
      await world.insertThings('committed');
      const id = await world.subscribe({ startFrom: 'SNAPSHOT' });
      await relayOnce(world.db.pool);
      if (isReadBefore) while (await step());
      await client.query('COMMIT');
      while ((await relayOnce(world.db.pool)).events > 0);
      while (await step());
      expect(await deliveries(id)).toEqual(['LIVE 1', 'SNAPSHOT 2']);
      await world.clear();
    }
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

it('leaves out deleted nodes and those of others, also when they become so before they are sent', async () => {
  await world.insertThings(...things(4));
  const id = await world.subscribe({ startFrom: 'SNAPSHOT' });
  await query('DELETE FROM public.things WHERE id = 1');
  await relayOnce(world.db.pool);
  await step();
  expect(await deliveries(id)).toEqual(['SNAPSHOT 2', 'SNAPSHOT 3', 'SNAPSHOT 4']);
  await query('DELETE FROM public.things WHERE id = 2');
  await query(`UPDATE public.things SET org = 'another' WHERE id = 3`);
  await world.work();
  const states = () =>
    query('SELECT node_key, state, reason FROM hookgraph.whole_deliveries WHERE subscription_id = $1 ORDER BY id', [id]).then(
      ({ rows }) => rows,
    );
  await until('all deliveries have ended', async () => (await states()).every(({ state }) => state !== 'PENDING'));
  expect(await states()).toEqual([
    { node_key: '2', state: 'SKIPPED', reason: 'GONE' },
    { node_key: '3', state: 'SKIPPED', reason: 'GONE' },
    { node_key: '4', state: 'DELIVERED', reason: null },
  ]);
  expect(world.receiver.requests).toHaveLength(1);
  const { rows } = await query(`SELECT id FROM hookgraph.whole_deliveries WHERE node_key = '4'`);
  await repeatDelivery(world.db.pool, rows[0].id);
  await until('it is sent as new', () => world.receiver.requests.length === 2);
  expect(world.receiver.requests[1]?.headers['x-scope-snapshot']).toBe('true');
});

it('waits while many deliveries are due or the subscription is disabled, and is cancelled with what it made', async () => {
  await world.insertThings(...things(5));
  const id = await world.subscribe({ startFrom: 'SNAPSHOT' });
  await relayOnce(world.db.pool);
  expect(await step(2, { maxDue: 2 })).toMatchObject({ deliveries: 2 });
  expect(await step(2, { maxDue: 2 })).toBeNull();
  await moveDeliveries(world.db.pool, id, 'DELIVERED');
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
  expect(await step(2)).toBeNull();
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: false });
  expect(await step(2)).toMatchObject({ deliveries: 2 });
  const { rows } = await query('SELECT id FROM hookgraph.replays');
  expect((await cancelReplay(world.webhooks.engine, OWNER, rows[0].id)).replay).toMatchObject({ state: 'CANCELLED', deliveryCount: 4 });
  expect(await step(2)).toBeNull();
  expect(await deliveries(id)).toEqual(['SNAPSHOT 1', 'SNAPSHOT 2']);
});

it('refuses topics without current nodes, disabled subscriptions, and a start of an existing subscription', async () => {
  const before = { phase: 'BEFORE', onFailure: 'ALLOW' } as const;
  await expect(world.subscribe({ topic: { key: 'thing/deleted' }, startFrom: 'SNAPSHOT' })).rejects.toThrow('no longer exist');
  await expect(world.subscribe({ ...before, startFrom: 'SNAPSHOT' })).rejects.toThrow('a before-hook is called before a write');
  const deleted = await world.subscribe({ topic: { key: 'thing/deleted' } });
  expect((await begin(deleted)).problems).toEqual([{ field: 'base', message: expect.stringContaining('no longer exist') }]);
  const id = await world.subscribe({ disabled: true });
  expect((await begin(id)).problems).toHaveLength(1);
  const { problems } = await updateSubscription(world.webhooks.engine, OWNER, id, { startFrom: 'SNAPSHOT' });
  expect(problems).toEqual([{ field: 'startFrom', message: expect.stringContaining('only a new subscription') }]);
  expect((await snapshotSubscription(world.webhooks.engine, { ...OWNER, tenant: 'another' }, id)).problems).toMatchObject([
    { type: 'NOT_FOUND' },
  ]);
  expect((await snapshotSubscription(world.webhooks.engine, { ...OWNER, canManageWebhooks: false }, id)).problems).toMatchObject([
    { type: 'FORBIDDEN' },
  ]);
});
