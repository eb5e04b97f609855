// Decides whether a claimed delivery's attempt may begin, and waits until no attempt of a disabled subscription can begin.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { BEGIN_WITHIN_MS, DEFAULT_DEADLINES, LEAST_LEASE_MS } from '../base/deadlines.js';
import { renewLease } from '../base/store/delivery-state.js';
import type { DeliveryInHand } from './claim.js';

const CHECK_EVERY_MS = 10;

/** Returns whether the claim is young enough that its attempt may begin without a renewal. */
export const mayBegin = (delivery: DeliveryInHand): boolean => performance.now() - delivery.claimedAtMs < BEGIN_WITHIN_MS;

/** Renews the lease. Returns `null` when the lease is lost, the delivery is final, or the subscription is no longer enabled. */
export async function renew(pool: Pool, delivery: DeliveryInHand, leaseMs = DEFAULT_DEADLINES.leaseMs): Promise<DeliveryInHand | null> {
  const now = performance.now();
  const isRenewed = await renewLease(pool, delivery, leaseMs);
  return isRenewed ? { ...delivery, claimedAtMs: now } : null;
}

// A claim is young while its attempt may begin without a renewal. Its worker may be configured with longer leases than this process.
// Assuming the shortest lease finds every young claim; some older claims count as young, and then the caller waits needlessly.
const YOUNG = `lease_until > now() + ${LEAST_LEASE_MS - BEGIN_WITHIN_MS} * interval '1 ms'`;

/**
 * Lists the deliveries of these subscriptions whose attempts may still begin. Call it after the write that disables them, in the
 * same transaction.
 */
export async function listYoungClaims(client: PoolClient, subscriptionIds: string[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT delivery_id AS id FROM hookgraph.open_deliveries WHERE subscription_id = ANY ($1::uuid[]) AND held_for IS NULL AND ${YOUNG}`,
    [subscriptionIds],
  );
  return rows.map((row) => row.id);
}

/** Resolves when no attempt of these deliveries can begin, at most BEGIN_WITHIN_MS (2 s) after the call. */
export async function untilNoneBegins(pool: Pool, deliveryIds: string[]): Promise<void> {
  const giveUpAt = performance.now() + BEGIN_WITHIN_MS;
  let left = deliveryIds.length;
  while (left > 0 && performance.now() < giveUpAt) {
    const { rows } = await pool.query<{ left: number }>(
      `SELECT count(*)::int AS left FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[]) AND ${YOUNG}`,
      [deliveryIds],
    );
    left = rows[0]?.left ?? 0;
    if (left > 0) await sleep(CHECK_EVERY_MS);
  }
}
