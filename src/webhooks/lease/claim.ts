// Due deliveries of all awake subscriptions -> deliveries in hand, leased under a fresh token.
import { randomInt } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { DeliveryKind } from '../base/model.js';
import type { PaceState } from '../base/pace.js';

/** How long a claimed delivery is ours; three times the request's deadline, so that a slow exchange still settles in time. */
export const LEASE_MS = 15_000;

/** What one subscription may claim now, and from where in its queue. */
export interface Want {
  subscriptionId: string;
  count: number;
  after: Cursor | null;
}

/**
 * A place in a subscription's due index. It hides the dead entries at the head of the index, which an old snapshot
 * elsewhere keeps from being vacuumed; the drain drops it often enough that a row it hides waits a second at most.
 */
export interface Cursor {
  dueAt: string;
  id: string;
}

export interface DeliveryInHand {
  id: string;
  token: string;
  subscriptionId: string;
  /** The version of the definition at the claim. */
  version: number;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
  /** Attempts before this one. */
  attemptCount: number;
  dueAt: string;
  createdAtMs: number;
  /** By `performance.now()`, just before the claim was sent: never later than its lease began. */
  claimedAtMs: number;
  eventId: string | null;
  /** Of a subscription that is slowed, probed or limited (lease/paced.ts); null: of any other. */
  pace: PaceState | null;
}

// The subscription's row is locked while `status` is checked: a mutation that disables it waits for this statement,
// and one under way makes us skip it. OFFSET 0 and the array of places keep the planner to one probe a row, whatever the
// statistics say: a join with `c` was read from whole tables. A SELECT around an array hides its length from the planner, which would
// plan each claim anew. A lease need not survive a crash of Postgres: its commit waits for no disk.
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

/** Claims up to `count` due deliveries of each subscription that is enabled, oldest due first; the first ones’ where that is more than `most`. */
export async function claimDue(
  db: Pool | PoolClient,
  wants: Want[],
  most = countOf(wants),
  leaseMs = LEASE_MS,
  /** By subscription; null: those that have no pace. */
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

/** Cancelled under a lease that nobody settled, or deleted by hand. */
async function drop(db: Pool | PoolClient, ids: string[], token: string): Promise<void> {
  try {
    await db.query('DELETE FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[]) AND lease_token = $2', [ids, token]);
  } catch {
    // They come again when this lease ends; what was claimed with them goes its way.
  }
}

export const countOf = (wants: Want[]): number => wants.reduce((sum, { count }) => sum + count, 0);

/** Ids are positive bigints as text. */
const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);
