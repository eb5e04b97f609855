// Counts due and held deliveries, recorded changes that no worker has processed, and slowed subscriptions, and reads when old history was
// deleted, in one statement, for the metrics of an installation.
import type { Pool } from 'pg';
import { type HeldReason, ORDER } from '../base/store/delivery-state.js';

export interface QueueState {
  /** Due deliveries that no worker has claimed, at most MAX_COUNTED. `paced`: those of subscriptions that are slowed, probed or limited. */
  due: { paced: boolean; count: number; oldestSeconds: number }[];
  /** Held deliveries by reason; at most MAX_COUNTED over all reasons. */
  held: { reason: HeldReason; count: number }[];
  /** Recorded changes that have no deliveries yet, or not all of them, because no worker took them; at most twice MAX_COUNTED. */
  changes: { count: number; oldestSeconds: number };
  /** Numbers of subscriptions that are slowed, probed or rate-limited, by that state. */
  paced: { state: string; count: number }[];
  /** The last complete deletion of old history: how long ago, and how many partitions it could not lock; `null`: there was none. */
  cleaned: { secondsAgo: number; locked: number } | null;
}

/** Counting stops at this number, so that reading the metrics stays cheap during a large backlog. */
export const MAX_COUNTED = 100_000;

// `heads` is a loose index scan: one index probe per subscription with open deliveries. LATERAL … OFFSET 0 makes the planner read the due
// rows of each subscription from the index, until LIMIT is reached.
const STATE = `
  WITH RECURSIVE heads AS (
    (SELECT subscription_id, due_at FROM hookgraph.open_deliveries
     WHERE held_for IS NULL ORDER BY subscription_id, due_at, delivery_id LIMIT 1)
    UNION ALL
    SELECT n.subscription_id, n.due_at FROM heads h CROSS JOIN LATERAL (
      SELECT o.subscription_id, o.due_at FROM hookgraph.open_deliveries o
      WHERE o.held_for IS NULL AND o.subscription_id > h.subscription_id
      ORDER BY o.subscription_id, o.due_at, o.delivery_id LIMIT 1
    ) n
  ), with_due AS MATERIALIZED (
    SELECT h.subscription_id AS id, x.paced
    FROM heads h CROSS JOIN LATERAL (
      SELECT x.paced FROM hookgraph.subscriptions x WHERE x.id = h.subscription_id AND x.status = 'ENABLED' OFFSET 0
    ) x
    WHERE h.due_at <= now()
  ), due AS (
    SELECT s.paced FROM with_due s CROSS JOIN LATERAL (
      SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = s.id AND o.held_for IS NULL AND o.due_at <= now()
        AND (o.lease_until IS NULL OR o.lease_until < now()) OFFSET 0
    ) o
    LIMIT ${MAX_COUNTED}
  ), counted AS MATERIALIZED (
    SELECT paced, count(*)::int AS count FROM due GROUP BY 1
  ), oldest AS (
    SELECT s.paced, min(o.due_at) AS due_at FROM with_due s CROSS JOIN LATERAL (
      SELECT o.due_at FROM hookgraph.open_deliveries o WHERE o.subscription_id = s.id AND o.held_for IS NULL AND o.due_at <= now()
        AND (o.lease_until IS NULL OR o.lease_until < now()) ORDER BY o.due_at, o.delivery_id LIMIT 1
    ) o
    GROUP BY 1
  ), held AS (
    SELECT held_for FROM hookgraph.open_deliveries WHERE held_for IS NOT NULL AND held_for <> '${ORDER}' LIMIT ${MAX_COUNTED}
  ), changes AS (
    (SELECT id FROM hookgraph.captures ORDER BY xid, depth, id LIMIT ${MAX_COUNTED})
    UNION ALL
    (SELECT event_id FROM hookgraph.fan_outs ORDER BY event_id LIMIT ${MAX_COUNTED})
  )
  SELECT 'due' AS what, paced::text AS label, coalesce((SELECT c.count FROM counted c WHERE c.paced = o.paced), 0) AS count,
    extract(epoch FROM now() - due_at)::float8 AS "oldestSeconds" FROM oldest o
  UNION ALL SELECT 'held', held_for, count(*)::int, NULL FROM held GROUP BY 2
  UNION ALL SELECT 'changes', NULL, count(*)::int, greatest(extract(epoch FROM now() - hookgraph.time_of(min(id))), 0)::float8 FROM changes
  UNION ALL SELECT 'paced', state, count(*)::int, NULL FROM hookgraph.paces GROUP BY 2
  UNION ALL SELECT 'cleaned', NULL, coalesce((result->>'locked')::int, 0), greatest(extract(epoch FROM now() - ended_at), 0)::float8
    FROM hookgraph.retention WHERE ended_at IS NOT NULL`;

interface Row {
  what: 'due' | 'held' | 'changes' | 'paced' | 'cleaned';
  label: string | null;
  count: number;
  oldestSeconds: number | null;
}

/**
 * Reads the numbers from the database.
 * @throws Error when the database can't be reached or the statement takes longer than the pool's `statement_timeout`
 */
export async function readQueueState(pool: Pool): Promise<QueueState> {
  const { rows } = await pool.query<Row>(STATE);
  const of = (what: Row['what']) => rows.filter((row) => row.what === what);
  const [[changes], [cleaned]] = [of('changes'), of('cleaned')];
  return {
    due: of('due').map(({ label, count, oldestSeconds }) => ({ paced: label === 'true', count, oldestSeconds: oldestSeconds ?? 0 })),
    held: of('held').map(({ label, count }) => ({ reason: label as HeldReason, count })),
    changes: { count: changes?.count ?? 0, oldestSeconds: changes?.oldestSeconds ?? 0 },
    paced: of('paced').map(({ label, count }) => ({ state: label as string, count })),
    cleaned: cleaned ? { secondsAgo: cleaned.oldestSeconds ?? 0, locked: cleaned.count } : null,
  };
}
