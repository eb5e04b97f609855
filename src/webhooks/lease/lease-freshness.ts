// A claimed delivery -> whether its attempt may begin now. A subscription being switched off -> the moment from which none begins.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { type DeliveryInHand, LEASE_MS } from './claim.js';

/**
 * A claim that is younger allows an attempt to begin; an older one must be renewed. So whoever switches a subscription off and then
 * waits until no claim of it is younger, or in hand, knows that nothing begins any more.
 */
export const BEGIN_WITHIN_MS = 2_000;

const LOOK_EVERY_MS = 10;

// FOR SHARE, and no SKIP LOCKED: a mutation under way decides first.
const RENEW = `
  WITH x AS (SELECT x.id FROM hookgraph.subscriptions x WHERE x.id = $2 AND x.status = 'ENABLED' FOR SHARE)
  UPDATE hookgraph.open_deliveries o SET lease_until = now() + $4 * interval '1 ms' FROM x
  WHERE o.delivery_id = $1 AND o.lease_token = $3 AND o.subscription_id = x.id
    AND EXISTS (SELECT FROM hookgraph.deliveries d WHERE d.id = $1 AND d.state IN ('PENDING', 'RETRYING'))`;

/** Whether its attempt may begin under the claim that it has. */
export const mayBegin = (delivery: DeliveryInHand): boolean => performance.now() - delivery.claimedAtMs < BEGIN_WITHIN_MS;

/** The delivery, under a claim that is young again; null: it is no longer ours, or its subscription is not enabled. */
export async function renew(pool: Pool, delivery: DeliveryInHand): Promise<DeliveryInHand | null> {
  const now = performance.now();
  const values = [delivery.id, delivery.subscriptionId, delivery.token, LEASE_MS];
  const { rowCount } = await pool.query({ name: 'hookgraph-renew', text: RENEW, values });
  return rowCount === 1 ? { ...delivery, claimedAtMs: now } : null;
}

const YOUNG = `lease_until > now() + ${LEASE_MS - BEGIN_WITHIN_MS} * interval '1 ms'`;

/** The deliveries of subscriptions whose attempts may still begin. To be asked after the write that switches them off, in its transaction. */
export async function listYoungClaims(client: PoolClient, subscriptionIds: string[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT delivery_id AS id FROM hookgraph.open_deliveries WHERE subscription_id = ANY ($1::uuid[]) AND held_for IS NULL AND ${YOUNG}`,
    [subscriptionIds],
  );
  return rows.map((row) => row.id);
}

/** Resolves when none of them can begin: each is settled, or its claim too old. BEGIN_WITHIN_MS after the commit at the latest. */
export async function untilNoneBegins(pool: Pool, deliveryIds: string[]): Promise<void> {
  const giveUpAt = performance.now() + BEGIN_WITHIN_MS;
  let left = deliveryIds.length;
  while (left > 0 && performance.now() < giveUpAt) {
    const { rows } = await pool.query<{ left: number }>(
      `SELECT count(*)::int AS left FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[]) AND ${YOUNG}`,
      [deliveryIds],
    );
    left = rows[0]?.left ?? 0;
    if (left > 0) await sleep(LOOK_EVERY_MS);
  }
}
