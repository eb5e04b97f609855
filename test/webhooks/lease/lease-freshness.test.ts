import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BEGIN_WITHIN_MS, DEFAULT_DEADLINES } from '../../../src/webhooks/base/deadlines.js';
import { insideTransaction } from '../../../src/webhooks/base/store/transaction.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { deleteSubscription, updateSubscription } from '../../../src/webhooks/index.js';
import { createJourney } from '../../../src/webhooks/journey.js';
import { claimDue, type DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { listYoungClaims, mayBegin, renew, untilNoneBegins } from '../../../src/webhooks/lease/lease-freshness.js';
import { openDeliverySender } from '../../../src/webhooks/send-delivery.js';
import type { DeliveryResult } from '../../../src/webhooks/verdict/attempt-result.js';
import { deliveriesOf } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';

const { perOrigin: PER_ORIGIN } = DEFAULT_DEADLINES;
let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

async function claimed(subscriptionId: string): Promise<DeliveryInHand> {
  await world.insertThings('a');
  await relayOnce(world.db.pool);
  const [delivery] = await claimDue(world.db.pool, [{ subscriptionId, count: 1, after: null }]);
  return delivery as DeliveryInHand;
}

/** The delivery as if it had been claimed this much earlier. */
const aged = (delivery: DeliveryInHand, byMs = BEGIN_WITHIN_MS): DeliveryInHand => ({
  ...delivery,
  claimedAtMs: delivery.claimedAtMs - byMs,
});

async function switchOff(id: string): Promise<void> {
  await world.db.pool.query('UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1', [id]);
}

describe('renew', () => {
  it('is for a claim that is no longer young', async () => {
    const delivery = await claimed(await world.subscribe());
    expect(mayBegin(delivery)).toBe(true);
    expect(mayBegin(aged(delivery))).toBe(false);
  });

  it('renews an old claim, and with it the lease', async () => {
    const delivery = await claimed(await world.subscribe());
    await world.db.pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = now() + interval '1 s'`);
    const renewed = await renew(world.db.pool, aged(delivery));
    expect(renewed?.claimedAtMs).toBeGreaterThan(delivery.claimedAtMs);
    const { rows } = await world.db.pool.query(`SELECT lease_until > now() + interval '10 s' AS fresh FROM hookgraph.open_deliveries`);
    expect(rows).toEqual([{ fresh: true }]);
  });

  it('refuses an old claim of a subscription that is off, and one that somebody else has taken over', async () => {
    const id = await world.subscribe();
    const delivery = await claimed(id);
    expect(await renew(world.db.pool, { ...aged(delivery), token: '1' })).toBeNull();
    await switchOff(id);
    expect(await renew(world.db.pool, aged(delivery))).toBeNull();
  });
});

describe('untilNoneBegins', () => {
  it('waits for a young claim until its result is written', async () => {
    const id = await world.subscribe();
    await claimed(id);
    const young = await insideTransaction(world.db.pool, (client) => listYoungClaims(client, [id]));
    expect(young).toHaveLength(1);
    // With a clock that stands still, the wait can't end by its limit of two seconds.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    onTestFinished(() => clock.mockRestore());
    let resolved = false;
    const waiting = untilNoneBegins(world.db.pool, young).then(() => {
      resolved = true;
    });
    await world.db.pool.query('SELECT 1');
    expect(resolved).toBe(false);
    await world.db.pool.query('DELETE FROM hookgraph.open_deliveries');
    await waiting;
  });

  it('does not wait for a claim that is too old to begin', async () => {
    const id = await world.subscribe();
    await claimed(id);
    await world.db.pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = lease_until - interval '2 s'`);
    expect(await insideTransaction(world.db.pool, (client) => listYoungClaims(client, [id]))).toEqual([]);
  });
});

describe('the journey of a claim that was overtaken', () => {
  const run = async (delivery: DeliveryInHand) => {
    const sender = openDeliverySender(world.webhooks.engine);
    const journey = createJourney(world.webhooks.engine, sender);
    const result = await new Promise((resolve) => journey.run([delivery], (_place, found) => resolve(found)));
    await sender.close();
    return result;
  };

  it('sends nothing, least of all unsigned, once its subscription is deleted and its secrets are wiped', async () => {
    const id = await world.subscribe({ sharedSecret: 'hush' });
    const delivery = await claimed(id);
    const deleting = deleteSubscription(world.webhooks.engine, OWNER, id);
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id))[0]?.state).toBe('CANCELLED');
    expect(await run(delivery)).toMatchObject({ attempt: null, next: null });
    await deleting;
    expect(world.receiver.requests).toEqual([]);
  });

  it('puts back, unsent, what waited too long behind others of its origin', async () => {
    const id = await world.subscribe({ query: null });
    await world.insertThings(...Array.from({ length: PER_ORIGIN + 2 }, (_, i) => `n${i}`));
    await relayOnce(world.db.pool);
    const batch = await claimDue(world.db.pool, [{ subscriptionId: id, count: PER_ORIGIN + 2, after: null }]);
    // The last but one will be too old by the time it could be sent.
    batch[PER_ORIGIN] = aged(batch[PER_ORIGIN] as DeliveryInHand, BEGIN_WITHIN_MS - 5);
    const kept: ServerResponse[] = [];
    world.receiver.answer = (response) => void kept.push(response);
    const sender = openDeliverySender(world.webhooks.engine);
    const results = new Map<number, DeliveryResult>();
    createJourney(world.webhooks.engine, sender).run(batch, (place, result) => results.set(place, result));
    await expect.poll(() => kept.length).toBe(PER_ORIGIN);
    world.receiver.answer = (response) => void response.end();
    for (const response of kept) response.end();
    await expect.poll(() => results.size).toBe(PER_ORIGIN + 2);
    await sender.close();
    expect(results.get(PER_ORIGIN)).toMatchObject({ attempt: null, next: null });
    expect(results.get(PER_ORIGIN + 1)).toMatchObject({ attempt: { outcome: 'DELIVERED' } });
    expect(world.receiver.requests).toHaveLength(PER_ORIGIN + 1);
  });

  it('sends nothing when it is too old, and its subscription was disabled', async () => {
    const id = await world.subscribe({ query: null });
    const delivery = await claimed(id);
    await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
    expect(await run(aged(delivery))).toMatchObject({ attempt: null, next: null });
    expect(world.receiver.requests).toEqual([]);
  });
});
