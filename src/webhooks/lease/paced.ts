// Claims due deliveries of subscriptions whose sending rate is limited: by their owner, or because the receiver asks to slow down or fails.
// All workers together keep each limit.
import type { Pool, PoolClient } from 'pg';
import { DEFAULT_DEADLINES, type Deadlines } from '../base/deadlines.js';
import { type Bucket, concurrencyOf, type Pace, roomOf } from '../base/pace.js';
import { databaseNow, PACE_COLUMNS, spendAllowances, toPaces } from '../base/store/paces.js';
import { insideTransaction } from '../base/store/transaction.js';
import { claimDue, type DeliveryInHand } from './claim.js';

export interface PacedClaim {
  /** Number of subscriptions with a limited sending rate and due deliveries. */
  waiting: number;
  batch: DeliveryInHand[];
}

/**
 * Maximum number of subscriptions from which one call claims, because it locks the rate limit (a row of `paces`) of each. Later calls claim
 * from the others.
 */
const MAX_PACES = 500;
/**
 * A subscription's deliveries in progress are counted only among the first `concurrency + LOOK_AHEAD` rows of its queue, which may be long.
 * Each was among the first rows when it was claimed. LOOK_AHEAD makes up for deliveries with an earlier due time that have been queued
 * again since.
 */
const LOOK_AHEAD = 200;

const IS_ANY_LIMITED = `SELECT EXISTS (SELECT FROM hookgraph.paces WHERE resume_at <= now()) AS "isAny"`;

// Locks the rate limits of subscriptions with due deliveries. Only the worker that holds a subscription's lock claims from it; others skip
// the row.
const LOCK = `
  SELECT ${PACE_COLUMNS} FROM hookgraph.paces p
  WHERE p.resume_at <= now()
    AND (SELECT x.status = 'ENABLED' AND x.paced FROM hookgraph.subscriptions x WHERE x.id = p.subscription_id)
    AND EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = p.subscription_id AND o.held_for IS NULL AND o.due_at <= now())
  ORDER BY p.refilled_at LIMIT ${MAX_PACES} FOR UPDATE OF p SKIP LOCKED`;

const IN_FLIGHT = `
  SELECT s.id, f.count::int FROM unnest($1::uuid[], $2::int[]) AS s (id, most) CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      SELECT o.lease_until FROM hookgraph.open_deliveries o WHERE o.subscription_id = s.id AND o.held_for IS NULL
      ORDER BY o.due_at, o.delivery_id LIMIT s.most
    ) o WHERE o.lease_until > now()
  ) f`;

/**
 * Claims due deliveries: of each subscription as many as its rate and its maximum of concurrent requests allow now, and at most `most` in
 * all.
 */
export async function claimPaced(
  pool: Pool,
  most: number,
  { leaseMs, probeLostMs }: Pick<Deadlines, 'leaseMs' | 'probeLostMs'> = DEFAULT_DEADLINES,
): Promise<PacedClaim> {
  // Usually no subscription is limited. This query takes one round trip, the transaction takes three.
  const { rows } = await pool.query({ name: 'hookgraph-paced-look', text: IS_ANY_LIMITED });
  if (!rows[0].isAny) return { waiting: 0, batch: [] };
  return insideTransaction(pool, async (client) => {
    const paces = toPaces((await client.query({ name: 'hookgraph-paced', text: LOCK })).rows);
    if (paces.size === 0 || most <= 0) return { waiting: paces.size, batch: [] };
    // Counted by a separate statement, so that it sees the claims that other workers committed before this one got the row locks.
    const inFlight = await countInFlight(client, paces);
    const nowMs = await databaseNow(client);
    const rooms = new Map([...paces].map(([id, pace]) => [id, roomOf(pace, pace, inFlight.get(id) ?? 0, nowMs)]));
    const wants = [...rooms].flatMap(([subscriptionId, { room }]) =>
      room > 0 ? [{ subscriptionId, count: Math.min(room, most), after: null }] : [],
    );
    const states = new Map([...paces].map(([id, { state }]) => [id, state]));
    const batch = wants.length === 0 ? [] : await claimDue(client, wants, most, leaseMs, states);
    const taken = new Map<string, number>();
    for (const { subscriptionId } of batch) taken.set(subscriptionId, (taken.get(subscriptionId) ?? 0) + 1);
    const ids = [...paces.keys()];
    const allowances = ids.map((id) => Math.max(0, (rooms.get(id)?.allowance ?? 0) - (taken.get(id) ?? 0)));
    const probed = ids.filter((id) => paces.get(id)?.state === 'PROBING' && taken.has(id));
    await spendAllowances(client, { ids, allowances, probed }, nowMs, probeLostMs);
    return { waiting: paces.size, batch };
  });
}

async function countInFlight(client: PoolClient, paces: Map<string, Pace & Bucket>): Promise<Map<string, number>> {
  const bounded = [...paces].filter(([, pace]) => Number.isFinite(concurrencyOf(pace)));
  if (bounded.length === 0) return new Map();
  const { rows } = await client.query<{ id: string; count: number }>(IN_FLIGHT, [
    bounded.map(([id]) => id),
    bounded.map(([, pace]) => concurrencyOf(pace) + LOOK_AHEAD),
  ]);
  return new Map(rows.map(({ id, count }) => [id, count]));
}
