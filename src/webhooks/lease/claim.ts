// Claims due deliveries of enabled subscriptions and leases them to this worker under a new token.
import { randomInt } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { DeliveryKind } from '../base/model.js';
import type { PaceState } from '../base/pace.js';

/** Length of a lease in milliseconds: three times the 5 s request deadline, so that the result of a slow request is written in time. */
export const LEASE_MS = 15_000;

/** The number of deliveries to claim of one subscription, and where in its queue to start. */
export interface Want {
  subscriptionId: string;
  count: number;
  after: Cursor | null;
}

/**
 * A position in a subscription's due index. Claims start after it, to skip dead index entries that a long-running transaction
 * elsewhere keeps from being vacuumed. A row that becomes due before the cursor is hidden for at most CURSOR_LIFE_MS (1 s).
 */
export interface Cursor {
  dueAt: string;
  id: string;
}

export interface DeliveryInHand {
  id: string;
  token: string;
  subscriptionId: string;
  /** Version of the subscription's definition at the time of the claim. */
  version: number;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
  /** Number of earlier attempts. */
  attemptCount: number;
  dueAt: string;
  createdAtMs: number;
  /** Taken from `performance.now()` just before the claim was sent, so never later than the start of the lease. */
  claimedAtMs: number;
  eventId: string | null;
  /** Pace of a slowed, probed or rate-limited subscription (lease/paced.ts); `null` for any other. */
  pace: PaceState | null;
}

// The subscription's row is locked while its status is checked: a mutation that disables it waits for this statement, and a mutation
// in progress makes the claim skip it. OFFSET 0 and the array of ctids force one index probe per row, even with stale statistics.
// `(SELECT $1)` hides an array's length from the planner, which otherwise plans every claim again. synchronous_commit is off because
// a lease need not survive a crash of Postgres.
const CLAIM = `
  WITH c AS MATERIALIZED (
    SELECT o.ctid AS place, x.id, x.version
    FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
    CROSS JOIN unnest((SELECT $1::uuid[]), (SELECT $2::int[]), (SELECT $3::timestamptz[]), (SELECT $4::bigint[])) AS s (id, want, due_at, after_id)
    CROSS JOIN LATERAL (
      SELECT x.id, x.version FROM hookgraph.subscriptions x WHERE x.id = s.id AND x.status = 'ENABLED' AND x.paced = $8 OFFSET 0 FOR SHARE SKIP LOCKED
    ) x
    CROSS JOIN LATERAL (
      SELECT o.ctid FROM hookgraph.open_deliveries o
      WHERE o.subscription_id = s.id AND o.held_for IS NULL AND o.due_at <= now()
        AND (o.due_at, o.delivery_id) > (s.due_at, s.after_id) AND (o.lease_until IS NULL OR o.lease_until < now())
      ORDER BY o.due_at, o.delivery_id LIMIT s.want FOR UPDATE SKIP LOCKED
    ) o
    LIMIT $7
  ), u AS (
    UPDATE hookgraph.open_deliveries o SET lease_until = now() + $5 * interval '1 ms', lease_token = $6
    WHERE o.ctid = ANY (ARRAY(SELECT place FROM c))
    RETURNING o.delivery_id, o.subscription_id, o.due_at
  )
  SELECT u.delivery_id, u.subscription_id, x.version, d.kind, d.typename, d.node_key, d.attempt_count, u.due_at::text,
    extract(epoch FROM d.created_at)::float8 * 1000, d.event_id, d.state IN ('PENDING', 'RETRYING')
  FROM u LEFT JOIN LATERAL (SELECT * FROM hookgraph.deliveries d WHERE d.id = u.delivery_id OFFSET 0) d ON true
  JOIN (SELECT DISTINCT id, version FROM c) x ON x.id = u.subscription_id`;

/**
 * Claims up to `count` due deliveries of each enabled subscription, oldest due first, and at most `most` in all, in the order of
 * `wants`.
 */
export async function claimDue(
  db: Pool | PoolClient,
  wants: Want[],
  most = countOf(wants),
  leaseMs = LEASE_MS,
  /** Pace by subscription id; `null` claims from subscriptions without a pace. */
  paces: ReadonlyMap<string, PaceState> | null = null,
): Promise<DeliveryInHand[]> {
  const token = String(randomInt(1, 2 ** 47));
  const claimedAtMs = performance.now();
  const { rows } = await db.query({
    name: 'hookgraph-claim',
    text: CLAIM,
    rowMode: 'array',
    values: [
      wants.map((want) => want.subscriptionId),
      wants.map((want) => want.count),
      wants.map((want) => want.after?.dueAt ?? '-infinity'),
      wants.map((want) => want.after?.id ?? '0'),
      leaseMs,
      token,
      most,
      paces !== null,
    ],
  });
  const gone = rows.filter((row) => row[10] !== true).map((row) => row[0]);
  if (gone.length > 0) await drop(db, gone, token);
  return rows
    .filter((row) => row[10] === true)
    .map(
      (row): DeliveryInHand => ({
        id: row[0],
        token,
        subscriptionId: row[1],
        version: row[2],
        kind: row[3],
        typename: row[4],
        nodeKey: row[5],
        attemptCount: row[6],
        dueAt: row[7],
        createdAtMs: row[8],
        claimedAtMs,
        eventId: row[9],
        pace: paces?.get(row[1]) ?? null,
      }),
    )
    .sort((a, b) => (a.dueAt === b.dueAt ? compareIds(a.id, b.id) : a.dueAt < b.dueAt ? -1 : 1));
}

/** Removes queue rows whose delivery is final: cancelled under a lease whose result was never written, or deleted by hand. */
async function drop(db: Pool | PoolClient, ids: string[], token: string): Promise<void> {
  try {
    await db.query('DELETE FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[]) AND lease_token = $2', [ids, token]);
  } catch {
    // The rows are claimed and dropped again when this lease ends; the other claimed deliveries must not fail because of them.
  }
}

export const countOf = (wants: Want[]): number => wants.reduce((sum, { count }) => sum + count, 0);

/** Compares ids, which are positive bigints as text. */
const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);
