import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelDeliveries } from '../../../src/webhooks/base/store/delivery-moves.js';
import { claimDue } from '../../../src/webhooks/lease/claim.js';
import { releaseScan, scanDue, settle } from '../../../src/webhooks/lease/due-scan.js';
import { loadSnapshots } from '../../../src/webhooks/payload/load-snapshots.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { deliveriesOf, insertDeliveries, insertSubscription, outOfStep } from '../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const want = (subscriptionId: string, count = 100) => [{ subscriptionId, count, after: null }];

describe('claimDue', () => {
  it('hands out each due delivery once, oldest due first, whoever claims at the same time', async () => {
    const subscription = await insertSubscription(db.pool);
    const late = await insertDeliveries(db.pool, subscription, 30, { dueInMs: -1000 });
    const early = await insertDeliveries(db.pool, subscription, 30, { dueInMs: -5000 });
    const first = await claimDue(db.pool, want(subscription, 30));
    expect(first.map((one) => one.id)).toEqual(early);
    const rest = (await Promise.all([1, 2, 3].map(() => claimDue(db.pool, want(subscription, 20))))).flat();
    expect(rest.map((one) => one.id).sort()).toEqual([...late].sort());
    const snapshots = await loadSnapshots(
      db.pool,
      first.map((one) => one.eventId as string),
    );
    expect(snapshots.get(first[0]?.eventId as string)).toEqual({ id: 1 });
  });

  it('leaves what is not due, and takes again what a dead worker left when its lease ends', async () => {
    const subscription = await insertSubscription(db.pool);
    await insertDeliveries(db.pool, subscription, 1, { dueInMs: 60_000 });
    const [due] = await insertDeliveries(db.pool, subscription, 1);
    const [first] = await claimDue(db.pool, want(subscription), 1, 50);
    expect(first?.id).toBe(due);
    expect(await claimDue(db.pool, want(subscription))).toEqual(
      await expectEventually(() => claimDue(db.pool, want(subscription), 1, 60_000), due),
    );
  });

  it('drops what was cancelled under the lease of a worker that died', async () => {
    const subscription = await insertSubscription(db.pool);
    await insertDeliveries(db.pool, subscription, 3);
    expect(await claimDue(db.pool, want(subscription), 2, 50)).toHaveLength(2);
    await cancelDeliveries(db.pool, [subscription]);
    const left = () => db.pool.query('SELECT FROM hookgraph.open_deliveries WHERE subscription_id = $1', [subscription]);
    expect((await left()).rowCount).toBe(2);
    await expect.poll(async () => [await claimDue(db.pool, want(subscription), 2, 50), (await left()).rowCount]).toEqual([[], 0]);
    expect((await deliveriesOf(db.pool, subscription)).map(({ state }) => state)).toEqual(Array(3).fill('CANCELLED'));
    expect(await outOfStep(db.pool)).toEqual([]);
  });

  it('claims no more than there is room for, of the first ones first', async () => {
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => insertSubscription(db.pool)));
    for (const id of [a, b, c]) await insertDeliveries(db.pool, id as string, 4);
    const claimed = await claimDue(
      db.pool,
      [a, b, c].flatMap((id) => want(id as string, 3)),
      5,
    );
    expect([a, b, c].map((id) => claimed.filter((one) => one.subscriptionId === id).length)).toEqual([3, 2, 0]);
  });

  it('claims nothing of a subscription that is disabled, and skips one that is being changed', async () => {
    const [off, changing, on] = await Promise.all([1, 2, 3].map(() => insertSubscription(db.pool)));
    for (const id of [off, changing, on]) await insertDeliveries(db.pool, id as string, 1);
    await db.pool.query(`UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1`, [off]);
    const client = await db.pool.connect();
    await client.query('BEGIN');
    await client.query(`UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1`, [changing]);
    const claimed = await claimDue(
      db.pool,
      [off, changing, on].flatMap((id) => want(id as string)),
    );
    await client.query('ROLLBACK');
    client.release();
    expect(claimed.map((one) => one.subscriptionId)).toEqual([on]);
  });
});

describe('the scans', () => {
  it('find the enabled subscriptions with something due, and hold what belongs to a disabled one', async () => {
    const [due, later, off] = await Promise.all([1, 2, 3].map(() => insertSubscription(db.pool)));
    await insertDeliveries(db.pool, due as string, 5);
    await insertDeliveries(db.pool, later as string, 5, { dueInMs: 60_000 });
    await insertDeliveries(db.pool, off as string, 5, { dueInMs: 60_000, state: 'RETRYING', attemptCount: 2 });
    await db.pool.query(`UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1`, [off]);

    const found = await scanDue(db.pool);
    expect(found.due).toContain(due);
    expect(found.due).not.toContain(later);
    await settle(db.pool, found.unsettled);
    expect(new Set((await deliveriesOf(db.pool, off as string)).map((one) => `${one.state} ${one.reason}`))).toEqual(
      new Set(['HELD DISABLED']),
    );

    await db.pool.query(`UPDATE hookgraph.subscriptions SET disabled_at = NULL WHERE id = $1`, [off]);
    await releaseScan(db.pool);
    expect(new Set((await deliveriesOf(db.pool, off as string)).map((one) => `${one.state} ${one.attemptCount}`))).toEqual(
      new Set(['RETRYING 2']),
    );
    expect((await scanDue(db.pool)).due).toContain(off);
  });
});

/** Claims repeatedly until the result contains the delivery. Returns the deliveries that are left after that: none. */
async function expectEventually(ask: () => Promise<{ id: string }[]>, id: string | undefined): Promise<never[]> {
  await expect.poll(async () => (await ask()).map((one) => one.id), { interval: 20 }).toEqual([id]);
  return [];
}
