import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { releaseHeldDeliveries, resendDelivery, testSubscription, updateSubscription } from '../../../src/webhooks/index.js';
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

const states = async (id: string) => (await deliveriesOf(world.db.pool, id)).map((row) => [row.state, row.attemptCount]);
const resend = (id: string, actor = OWNER) => resendDelivery(world.webhooks.engine, actor, id);
const release = (id: string, actor = OWNER) => releaseHeldDeliveries(world.webhooks.engine, actor, id);
const onlyDelivery = async (id: string) => (await deliveriesOf(world.db.pool, id))[0].id as string;

describe('a resend', () => {
  it('is a further attempt of the same delivery', async () => {
    const id = await world.subscribe();
    await world.work();
    await world.insertThings('Ada');
    await expect.poll(() => states(id)).toEqual([['DELIVERED', 1]]);
    const delivery = await onlyDelivery(id);
    expect(await resend(delivery)).toMatchObject({ problems: [], delivery: { id: delivery } });
    await expect.poll(() => states(id)).toEqual([['DELIVERED', 2]]);
    const [first, second] = await world.receiver.waitFor(2);
    expect(second?.headers['x-scope-webhook-job-id']).toBe(first?.headers['x-scope-webhook-job-id']);
  });

  it('of what all retries were spent on fails again, and switches nothing off', async () => {
    const id = await world.subscribe();
    await world.insertThings('Ada');
    await world.work();
    await expect.poll(() => states(id)).toEqual([['DELIVERED', 1]]);
    await world.db.pool.query(`UPDATE hookgraph.deliveries SET state = 'FAILED', attempt_count = 26`);
    world.receiver.answer = (response) => void response.writeHead(500).end();
    await resend(await onlyDelivery(id));
    await expect.poll(() => states(id)).toEqual([['FAILED', 27]]);
    expect((await world.db.pool.query('SELECT status FROM hookgraph.subscriptions')).rows).toEqual([{ status: 'ENABLED' }]);
  });

  it('is refused to strangers, for a test, while it is in flight, and while its subscription sleeps', async () => {
    const id = await world.subscribe();
    await world.insertThings('Ada');
    const { deliveryId } = await testSubscription(world.webhooks.engine, OWNER, id);
    expect((await resend(deliveryId as string)).problems).toMatchObject([
      { message: 'a test delivery can not be resent; send a new test' },
    ]);
    await world.db.pool.query(`UPDATE hookgraph.deliveries SET kind = 'LIVE'`);
    await moveDeliveries(world.db.pool, id, 'PENDING');
    await world.db.pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = now() + interval '1 minute'`);
    expect((await resend(deliveryId as string)).problems).toMatchObject([{ message: 'an attempt of this delivery is running right now' }]);
    for (const actor of [
      { ...OWNER, userId: 'other' },
      { ...OWNER, tenant: 'other' },
    ])
      expect((await resend(deliveryId as string, actor)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    expect((await resend(deliveryId as string)).problems).toMatchObject([{ message: 'the subscription is disabled; enable it first' }]);
    expect((await release(id)).problems).toMatchObject([{ message: 'the subscription is disabled; enable it first' }]);
  });
});

describe('a release', () => {
  it('makes due at once what a node’s answer held, attempts kept', async () => {
    const id = await world.subscribe();
    await world.work();
    world.host.fail = 'boom';
    await world.insertThings('Ada', 'Bob');
    await expect
      .poll(() => states(id))
      .toEqual([
        ['HELD', 1],
        ['HELD', 1],
      ]);
    world.host.fail = null;
    expect((await release(id, { ...OWNER, userId: 'other' })).problems).toMatchObject([
      { field: 'webhookSubscriptionId', type: 'NOT_FOUND' },
    ]);
    expect(await release(id)).toMatchObject({ problems: [], count: 2, subscription: { id } });
    await expect
      .poll(() => states(id))
      .toEqual([
        ['DELIVERED', 2],
        ['DELIVERED', 2],
      ]);
    expect(await release(id)).toMatchObject({ count: 0 });
  });
});
