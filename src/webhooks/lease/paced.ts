// Claims due deliveries of slowed, probed or rate-limited subscriptions, within their pace across all workers.
import type { Pool, PoolClient } from 'pg';
import { DEFAULT_DEADLINES, type Deadlines } from '../base/deadlines.js';
import { type Bucket, concurrencyOf, type Pace, roomOf } from '../base/pace.js';
import { databaseNow, PACE_COLUMNS, spendAllowances, toPaces } from '../base/store/paces.js';
import { insideTransaction } from '../base/store/transaction.js';
import { claimDue, type DeliveryInHand } from './claim.js';

export interface PacedClaim {
  /** Number of subscriptions with a pace and due deliveries. */
  waiting: number;
  batch: DeliveryInHand[];
}

/** Maximum number of subscriptions whose paces one claim locks; later claims lock the others. */
const MAX_PACES = 500;
/**
 * Deliveries in progress are counted among the first `concurrency + LOOK_AHEAD` rows of the subscription's queue. They were its first
 * rows when they were claimed; LOOK_AHEAD makes up for rows that have returned to the queue before them since.
 */
const LOOK_AHEAD = 200;

// While a worker holds the lock of a pace's row, only it claims from the subscription; other workers skip the row.
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

/** Claims as many due deliveries as the paces allow, at most `most`. */
export async function claimPaced(
  pool: Pool,
  most: number,
  { leaseMs, probeLostMs }: Pick<Deadlines, 'leaseMs' | 'probeLostMs'> = DEFAULT_DEADLINES,
): Promise<PacedClaim> {
  return insideTransaction(pool, async (client) => {
    const paces = toPaces((await client.query({ name: 'hookgraph-paced', text: LOCK })).rows);
    if (paces.size === 0 || most <= 0) return { waiting: paces.size, batch: [] };
    // A separate statement, so that it sees the claims that other workers committed before this one got the row locks.
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
