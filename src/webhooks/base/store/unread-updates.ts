// Counts those of a subscription's latest deliveries that report an update of columns which the subscription doesn't read.
import type { Pool, PoolClient } from 'pg';

/** The number of a subscription's last deliveries that are read to count unread updates. */
const LAST_UPDATES = 1_000;

export interface UnreadUpdates {
  /** Number of updates among the last deliveries, at most LAST_UPDATES. */
  considered: number;
  /** Number of those updates that changed no column that the subscription reads. */
  unread: number;
}

// Comparing pairs makes the planner read the last deliveries of each subscription by one index; see missed-events.ts.
const COUNT_UNREAD = `
  SELECT w.id, count(*)::int AS considered, count(*) FILTER (WHERE NOT e.changed && w.columns)::int AS unread
  FROM jsonb_to_recordset($1) w (id uuid, columns text[])
  CROSS JOIN LATERAL (
    SELECT event_id, kind FROM hookgraph.deliveries
    WHERE (subscription_id, id) >= (w.id, 0) AND (subscription_id, id) <= (w.id, 9223372036854775807)
    ORDER BY subscription_id DESC, id DESC LIMIT $2
  ) d
  CROSS JOIN LATERAL (SELECT changed, operation FROM hookgraph.events WHERE id = d.event_id OFFSET 0) e
  WHERE d.kind = 'LIVE' AND e.operation = 'updated' AND e.changed IS NOT NULL GROUP BY w.id`;

/** Counts the updates of each subscription; `columnsById` has the columns that it reads. Leaves out subscriptions without updates. */
export async function countUnread(
  db: Pool | PoolClient,
  columnsById: ReadonlyMap<string, ReadonlySet<string>>,
  last = LAST_UPDATES,
): Promise<Map<string, UnreadUpdates>> {
  if (columnsById.size === 0) return new Map();
  const wanted = [...columnsById].map(([id, columns]) => ({ id, columns: [...columns] }));
  const { rows } = await db.query<UnreadUpdates & { id: string }>(COUNT_UNREAD, [JSON.stringify(wanted), last]);
  return new Map(rows.map(({ id, ...counted }) => [id, counted]));
}
