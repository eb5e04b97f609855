import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from '../../../src/webhooks/base/store/delivery-moves.js';
import { afterAttempt, reopenDelivery } from '../../../src/webhooks/base/store/delivery-state.js';
import { claimDue, type DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { scanDue, settle } from '../../../src/webhooks/lease/due-scan.js';
import { writeAttempts } from '../../../src/webhooks/verdict/write-attempts.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { insertDeliveries, insertSubscription, outOfStep } from '../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

/** A seeded random generator (mulberry32), so that each run has the same numbers. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

it('from all sides at once leave states and queue in step, lose nothing, and wait for each other in no circle', async () => {
  const { pool } = db;
  const subscriptions = await Promise.all([1, 2, 3].map(() => insertSubscription(pool)));
  const ids: string[] = [];
  for (const id of subscriptions) ids.push(...(await insertDeliveries(pool, id, 40)));
  const wants = subscriptions.map((subscriptionId) => ({ subscriptionId, count: 15, after: null }));
  const resultAs = (delivery: DeliveryInHand, pick: number) => {
    const outcome = (['DELIVERED', 'FAILED', 'FAILED', 'HELD', 'SKIPPED'] as const)[pick % 5] ?? 'DELIVERED';
    const definition = { subscriptionId: delivery.subscriptionId, version: 1, owner: { tenant: 'org' }, topic: { key: 'thing/created' } };
    const attempt = { delivery, definition, outcome, stage: null, message: null, startedAt: new Date(), durationMs: 1, timings: {} };
    return {
      ...{ deliveryId: delivery.id, token: delivery.token, subscriptionId: delivery.subscriptionId, disable: null },
      ...(pick % 7 === 0 ? { next: null, putBackMs: 0, attempt: null } : { next: afterAttempt(outcome, pick % 3 ? 0 : null) }),
      ...(pick % 7 === 0 ? {} : { attempt: { ...attempt, request: null, response: null } }),
    } as Parameters<typeof writeAttempts>[1][number];
  };
  const actor = async (number: number) => {
    const random = numbers(number);
    const some = () => [subscriptions[random(3)] as string];
    for (let turn = 0; turn < 60; turn++)
      switch (random(8)) {
        case 0:
          await holdDeliveries(pool, some(), 'DISABLED');
          break;
        case 1:
          await releaseDeliveries(pool, some(), ['DISABLED', 'NODE']);
          break;
        case 2:
          await reopenDelivery(pool, ids[random(ids.length)] as string);
          break;
        case 3:
          if (random(6) === 0) await cancelDeliveries(pool, some());
          break;
        case 4:
          await settle(pool, (await scanDue(pool)).unsettled);
          break;
        default: {
          // A lease of 30 ms sometimes expires during the work.
          const batch = await claimDue(pool, wants, 20, random(3) === 0 ? 30 : 15_000);
          // Shuffles the batch, because answers arrive in any order.
          batch.sort(() => random(3) - 1);
          if (random(10) > 0)
            await writeAttempts(
              pool,
              batch.map((one) => resultAs(one, random(1000))),
            );
        }
      }
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(actor));

  // Deliveries that are still leased were abandoned by their worker, so their leases expire now.
  await pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL`);
  await releaseDeliveries(pool, subscriptions, ['DISABLED', 'NODE']);
  await expect
    .poll(async () => {
      const batch = await claimDue(pool, wants);
      await writeAttempts(
        pool,
        batch.map((one) => resultAs(one, 5)),
      );
      return (await pool.query('SELECT FROM hookgraph.open_deliveries')).rowCount;
    })
    .toBe(0);
  expect(await outOfStep(pool)).toEqual([]);
  const states = (await pool.query('SELECT DISTINCT state FROM hookgraph.deliveries ORDER BY 1')).rows.map(({ state }) => state);
  expect(states).toEqual(expect.arrayContaining(['CANCELLED', 'DELIVERED']));
  expect(states.filter((state) => ['PENDING', 'RETRYING', 'HELD'].includes(state))).toEqual([]);
});
