import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { type Drain, startDrain } from '../../../src/webhooks/lease/drain.js';
import type { Target } from '../../../src/webhooks/lease/in-flight.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { insertDeliveries, insertSubscription } from '../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const log = pino({ level: 'silent' });

const TARGETS = new Map<string, Target>();
function targetAt(host: string | undefined): Target | undefined {
  if (host === undefined) return undefined;
  const target = TARGETS.get(host) ?? { host, tenant: 'acme' };
  TARGETS.set(host, target);
  return target;
}

/** Returns a drain whose deliveries end when the test says so. `finish` also removes them from the queue, as writing attempts does. */
function drainByHand(
  bounds: { total: number; perSubscription: number; perHost: number },
  hostOf: (id: string) => string | undefined = (id) => `https://${id}.example`,
  pool: Pool = db.pool,
) {
  const inHand: { delivery: DeliveryInHand; done: () => void }[] = [];
  const started: Drain = startDrain({
    pool,
    log,
    bounds,
    leaseMs: 15_000,
    targetOf: (id) => targetAt(hostOf(id)),
    deliver: (batch, free) => {
      for (const [place, delivery] of batch.entries()) inHand.push({ delivery, done: () => free(place) });
    },
  });
  const drain: Drain = {
    ...started,
    wake(ids) {
      // Those of unknown cost start a few at a time: see costs.test.ts.
      for (const id of ids) started.noteCost(id, { queryMs: 0, characters: 0 });
      started.wake(ids);
    },
  };
  const countOf = (id: string | undefined) => inHand.filter((one) => one.delivery.subscriptionId === id).length;
  const finish = async (id?: string) => {
    const ending = inHand.filter((one) => id === undefined || one.delivery.subscriptionId === id);
    for (const one of ending) inHand.splice(inHand.indexOf(one), 1);
    await db.pool.query('DELETE FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[])', [
      ending.map((one) => one.delivery.id),
    ]);
    for (const one of ending) one.done();
    return ending.map((one) => one.delivery.id);
  };
  return { drain, inHand, countOf, finish };
}

it('keeps to its bounds, and a subscription that hangs leaves slots to the next', async () => {
  const [hanging, other] = await Promise.all([insertSubscription(db.pool), insertSubscription(db.pool)]);
  await insertDeliveries(db.pool, hanging, 50);
  const { drain, countOf, finish } = drainByHand({ total: 30, perSubscription: 15, perHost: 100 });
  drain.wake([hanging]);
  await expect.poll(() => countOf(hanging)).toBe(15);
  await insertDeliveries(db.pool, other, 8);
  drain.wake([other]);
  await expect.poll(() => countOf(other)).toBeGreaterThanOrEqual(3);
  expect(countOf(hanging)).toBe(15);

  // The other subscription's slots suffice for its backlog.
  let delivered = 0;
  await expect.poll(async () => (delivered += (await finish(other)).length)).toBe(8);
  expect(countOf(hanging)).toBe(15);
  await stop(drain, finish);
});

it('leaves a slot to the next, however many hang and however often they ask', async () => {
  const hanging = await Promise.all([1, 2, 3, 4].map(() => insertSubscription(db.pool)));
  const next = await insertSubscription(db.pool);
  for (const id of hanging) await insertDeliveries(db.pool, id, 50);
  const { drain, inHand, countOf, finish } = drainByHand({ total: 32, perSubscription: 100, perHost: 100 });
  drain.wake(hanging);
  await expect.poll(() => inHand.length).toBe(16 + 8 + 4 + 2);
  for (let i = 0; i < 20; i++) drain.wake(hanging);
  await insertDeliveries(db.pool, next, 5);
  drain.wake([next]);
  await expect.poll(() => countOf(next)).toBe(1);
  let delivered = 0;
  await expect.poll(async () => (delivered += (await finish(next)).length)).toBe(5);
  expect(inHand.length).toBe(16 + 8 + 4 + 2);
  await stop(drain, finish);
});

it('bounds what goes to one host, whoever subscribed', async () => {
  const [a, b] = await Promise.all([insertSubscription(db.pool), insertSubscription(db.pool)]);
  await insertDeliveries(db.pool, a, 20);
  await insertDeliveries(db.pool, b, 20);
  const { drain, inHand, finish } = drainByHand({ total: 100, perSubscription: 15, perHost: 10 }, () => 'https://same.example');
  drain.wake([a, b]);
  await expect.poll(() => inHand.length).toBe(10);
  const seen = new Set<string>();
  await expect
    .poll(async () => {
      expect(inHand.length).toBeLessThanOrEqual(10);
      for (const id of await finish()) seen.add(id);
      return seen.size;
    })
    .toBe(40);
  await drain.stop();
});

it('takes few of those whose host nobody knows yet, and counts them for it once it is known', async () => {
  const subscriptions = await Promise.all([1, 2, 3].map(() => insertSubscription(db.pool)));
  for (const id of subscriptions) await insertDeliveries(db.pool, id, 30);
  let host: string | undefined;
  const { drain, inHand, countOf, finish } = drainByHand({ total: 100, perSubscription: 20, perHost: 10 }, () => host);
  drain.wake(subscriptions);
  await expect.poll(() => inHand.length).toBe(10);
  expect(Math.max(...subscriptions.map(countOf))).toBeLessThanOrEqual(4);
  host = 'https://same.example';
  const seen = new Set<string>();
  await expect
    .poll(async () => {
      expect(inHand.length).toBeLessThanOrEqual(10);
      const [one] = inHand;
      for (const id of await finish(one?.delivery.subscriptionId)) seen.add(id);
      return seen.size;
    })
    .toBe(90);
  await drain.stop();
});

it('fills the room that a host has by one claim, also where each of its subscriptions has less due than it was asked for', async () => {
  const subscriptions = await Promise.all(Array.from({ length: 30 }, () => insertSubscription(db.pool)));
  for (const id of subscriptions) await insertDeliveries(db.pool, id, 2);
  let claims = 0;
  const counting = {
    query(...statement: unknown[]) {
      claims += 1;
      return (db.pool.query as (...args: unknown[]) => unknown)(...statement);
    },
  } as unknown as Pool;
  const { drain, inHand, finish } = drainByHand({ total: 100, perSubscription: 20, perHost: 20 }, () => 'https://same.example', counting);
  drain.wake(subscriptions);
  await expect.poll(() => inHand.length).toBe(20);
  expect(claims).toBe(1);
  // Subscriptions without a free slot get their turn later.
  const seen = new Set<string>();
  await expect
    .poll(async () => {
      expect(inHand.length).toBeLessThanOrEqual(20);
      for (const id of await finish()) seen.add(id);
      return seen.size;
    })
    .toBe(60);
  expect(claims).toBeLessThan(10);
  await drain.stop();
});

it('when stopped claims nothing more, and waits for what is in flight', async () => {
  const subscription = await insertSubscription(db.pool);
  await insertDeliveries(db.pool, subscription, 30);
  const { drain, inHand, finish } = drainByHand({ total: 100, perSubscription: 10, perHost: 100 });
  drain.wake([subscription]);
  await expect.poll(() => inHand.length).toBe(10);
  const stopping = drain.stop();
  expect(await Promise.race([stopping.then(() => 'stopped'), Promise.resolve('in flight')])).toBe('in flight');
  await finish();
  await stopping;
  expect(inHand).toEqual([]);
});

it('when stopped during a claim waits for what that claim brings, also if all else has ended', async () => {
  const subscription = await insertSubscription(db.pool);
  await insertDeliveries(db.pool, subscription, 1);
  const { drain, inHand, finish } = drainByHand({ total: 100, perSubscription: 10, perHost: 100 });
  drain.wake([subscription]);
  await expect.poll(() => inHand.length).toBe(1);
  await insertDeliveries(db.pool, subscription, 1);
  const lock = await db.pool.connect();
  await lock.query('BEGIN; LOCK TABLE hookgraph.subscriptions IN ACCESS EXCLUSIVE MODE');
  drain.wake([subscription]);
  let stopped = false;
  const stopping = drain.stop().then(() => {
    stopped = true;
  });
  await finish();
  await lock.query('COMMIT');
  lock.release();
  await expect.poll(() => inHand.length).toBe(1);
  expect(stopped).toBe(false);
  await finish();
  await stopping;
});

/** Ends all deliveries in progress, including those that a running claim still adds. */
async function stop(drain: Drain, finish: () => Promise<string[]>): Promise<void> {
  let stopped = false;
  void drain.stop().then(() => {
    stopped = true;
  });
  await expect.poll(async () => (await finish()) && stopped).toBe(true);
}
