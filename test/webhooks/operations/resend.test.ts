import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { releaseHeldDeliveries, replayEvents, resendDelivery, testSubscription, updateSubscription } from '../../../src/webhooks/index.js';
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
const resend = (id: string, actor = OWNER, how = {}) => resendDelivery(world.webhooks.engine, actor, id, how);
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

  it('has the event id of the first time, and so has a replay, but not what is resent as new', async () => {
    const template = '{"event": {{ notification.eventId | json }}, "job": {{ notification.id | json }}}';
    const id = await world.subscribe({ template, signatures: ['SCOPE', 'STANDARD_WEBHOOKS'], sharedSecret: `whsec_${'A'.repeat(44)}` });
    await world.work();
    await world.insertThings('Ada');
    const [first] = await world.receiver.waitFor(1);
    const delivery = await onlyDelivery(id);
    await expect.poll(() => states(id)).toEqual([['DELIVERED', 1]]);
    const idsOf = (request: typeof first) => {
      const { event, job } = JSON.parse(request?.body.toString() ?? '');
      expect(request?.headers).toMatchObject({ 'x-scope-event-id': event, 'x-scope-webhook-job-id': job });
      return [event, job, request?.headers['webhook-id']];
    };
    const [event, job, message] = idsOf(first);
    const { rows } = await world.db.pool.query('SELECT event_id FROM hookgraph.deliveries');
    expect([rows[0].event_id, delivery, `${event}_${id}`]).toEqual([event, job, message]);
    await resend(delivery);
    const again = (await world.receiver.waitFor(2))[1];
    expect(idsOf(again)).toEqual([event, job, message]);
    await replayEvents(world.webhooks.engine, OWNER, id, { from: new Date(0), to: new Date(), includesDelivered: true });
    const replayed = (await world.receiver.waitFor(3))[2];
    expect(idsOf(replayed)).toEqual([event, expect.not.stringMatching(job), message]);
    const { problems, delivery: made } = await resend(delivery, OWNER, { asNew: true });
    expect([problems, made?.kind, made?.eventId]).toEqual([[], 'RESEND', event]);
    const anew = (await world.receiver.waitFor(4))[3];
    expect(idsOf(anew)).toEqual([made?.id, made?.id, made?.id]);
    // Until the result of the first attempt is written, a resend is refused.
    await expect.poll(async () => (await resend(made?.id as string)).problems).toEqual([]);
    expect(idsOf((await world.receiver.waitFor(5))[4])).toEqual([made?.id, made?.id, made?.id]);
    const audited = await world.db.pool.query(
      `SELECT delivery_id FROM hookgraph.audit_log WHERE action = 'RESENT' AND subscription_id = $1 ORDER BY id`,
      [id],
    );
    expect(audited.rows.map(({ delivery_id }) => delivery_id)).toEqual([delivery, made?.id, made?.id]);
    const { deliveryId } = await testSubscription(world.webhooks.engine, OWNER, id);
    expect(idsOf((await world.receiver.waitFor(6))[5])).toEqual([deliveryId, deliveryId, deliveryId]);
    expect((await resend(deliveryId as string, OWNER, { asNew: true })).problems).toHaveLength(1);
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
