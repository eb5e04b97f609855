// Decides by the age of a delivery's claim whether its attempt may begin. After a subscription was disabled, waits until the attempts of
// its claimed deliveries can no longer begin.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { BEGIN_WITHIN_MS, DEFAULT_DEADLINES, HOOK_BEGIN_MS, LEAST_LEASE_MS } from '../base/deadlines.js';
import type { MaySend } from '../base/network/guard.js';
import { renewLease } from '../base/store/delivery-state.js';
import type { DeliveryInHand } from './claim.js';

const CHECK_EVERY_MS = 10;

/**
 * Returns whether the delivery was claimed less than BEGIN_WITHIN_MS (2 s) ago, so that its attempt may begin. Otherwise the lease must be
 * renewed first.
 */
export const mayBegin = (delivery: DeliveryInHand): boolean => performance.now() - delivery.claimedAtMs < BEGIN_WITHIN_MS;

/**
 * Renews the lease of a claimed delivery. Returns `null` when the delivery must not be sent: another worker has claimed it, it has already
 * ended, or its subscription is no longer enabled.
 */
export async function renew(pool: Pool, delivery: DeliveryInHand, leaseMs = DEFAULT_DEADLINES.leaseMs): Promise<DeliveryInHand | null> {
  const now = performance.now();
  const isRenewed = await renewLease(pool, delivery, leaseMs);
  return isRenewed ? { ...delivery, claimedAtMs: now } : null;
}

/**
 * Returns the function that says whether the delivery's request may be written now. Once the claim is too old, it renews the lease, and
 * checks that the owner still exists. If these checks fail because of our own outage, the request is not sent: the delivery returns to the
 * queue without a failed attempt.
 */
export function whileFresh(pool: Pool, delivery: DeliveryInHand, leaseMs: number, ownerExists: () => Promise<boolean>): MaySend {
  let held = delivery;
  const ask = async () => ((await ownerExists()) ? renew(pool, held, leaseMs) : null);
  const isRenewed = async () => {
    const renewed = await ask().catch(() => null);
    if (renewed) held = renewed;
    return renewed !== null;
  };
  return () => mayBegin(held) || isRenewed();
}

// True for a young claim, whose worker may begin the attempt without renewing the lease. Only the end of the lease is stored, so the
// claim's age is computed as if each lease had the shortest possible length (LEAST_LEASE_MS). Some claims with longer leases wrongly count
// as young; the caller then only waits longer than necessary.
const YOUNG = `lease_until > now() + ${LEAST_LEASE_MS - BEGIN_WITHIN_MS} * interval '1 ms'`;

/**
 * Number of a subscription's first deliveries among which its claimed deliveries are searched, because claims take the deliveries that are
 * due first. Without this limit, disabling a subscription with a long queue could fail.
 */
const LOOK_AHEAD = 20_000;

/** The attempts and calls of subscriptions that may still begin while these are being disabled. */
export interface MayBegin {
  /** The claimed deliveries whose attempts may still begin. */
  deliveryIds: string[];
  /** Whether one of the subscriptions is a before-hook, whose calls have no claim. */
  hasHook: boolean;
}

/** The result for an operation that disables nothing. */
export const NOTHING_BEGINS: MayBegin = { deliveryIds: [], hasHook: false };

/**
 * Lists the attempts and calls of these subscriptions that may still begin. Call it after the statement that disables the subscriptions, in
 * the same transaction, so that no later claim is missed.
 * @param replayId lists only the deliveries of this replay, which is being cancelled, and no hook
 */
export async function listYoungClaims(client: PoolClient, subscriptionIds: string[], replayId: string | null = null): Promise<MayBegin> {
  const { rows } = await client.query<MayBegin>(
    `SELECT ARRAY(
       SELECT o.delivery_id FROM unnest($1::uuid[]) AS s (id) CROSS JOIN LATERAL (
         SELECT delivery_id, lease_until FROM hookgraph.open_deliveries WHERE subscription_id = s.id AND held_for IS NULL
         ORDER BY due_at, delivery_id LIMIT ${LOOK_AHEAD}
       ) o WHERE ${YOUNG} AND ($2::bigint IS NULL OR EXISTS (SELECT FROM hookgraph.deliveries d WHERE d.id = o.delivery_id AND d.replay_id = $2))
     ) AS "deliveryIds", EXISTS (
       SELECT FROM hookgraph.subscriptions WHERE id = ANY ($1::uuid[]) AND phase = 'BEFORE' AND $2::bigint IS NULL
     ) AS "hasHook"`,
    [subscriptionIds, replayId],
  );
  return rows[0] as MayBegin;
}

/**
 * Waits until none of these attempts and calls can begin any more: an attempt can't once its delivery has ended or its claim is too old,
 * after at most BEGIN_WITHIN_MS (2 s); a call of a before-hook can't after HOOK_BEGIN_MS. Call it after the commit.
 */
export async function untilNoneBegins(pool: Pool, { deliveryIds, hasHook }: MayBegin): Promise<void> {
  if (hasHook) await sleep(HOOK_BEGIN_MS);
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
