// Counts the events that a subscription missed while it was disabled.
import type { Pool, PoolClient } from 'pg';

/** The maximum number of deliveries that are read to count missed events. */
const MOST_COUNTED = 10_000;

export interface MissedEvents {
  count: number;
  /** Whether more than `count` events may have been missed, because the count ended at MOST_COUNTED deliveries. */
  isAtLeast: boolean;
  /** A replay from this time sends all of them. */
  since: Date;
}

// The comparison of pairs makes the planner read one subscription's deliveries by the index of both columns, in order and no further than
// the limit. By the primary key it could read the deliveries of all subscriptions.
export const COUNT_MISSED = `
  SELECT count(*)::int AS read, count(*) FILTER (WHERE is_missed)::int AS count, hookgraph.time_of(min(event_id) FILTER (WHERE is_missed)) AS first
  FROM (
    SELECT event_id, state = 'SKIPPED' AND reason = 'DISABLED' AS is_missed FROM hookgraph.deliveries
    WHERE (subscription_id, id) >= ($1::uuid, hookgraph.id_at($2)) AND (subscription_id, id) <= ($1::uuid, 9223372036854775807)
    ORDER BY subscription_id, id LIMIT $3
  ) d`;

/**
 * Counts the events of which the relay made SKIPPED deliveries since the subscription was disabled; `null` when there is none. An event may
 * be older than the disabling, because the relay can be late.
 */
export async function countMissed(db: Pool | PoolClient, subscriptionId: string, disabledAt: Date): Promise<MissedEvents | null> {
  const { rows } = await db.query<{ count: number; read: number; first: Date | null }>(COUNT_MISSED, [
    subscriptionId,
    disabledAt,
    MOST_COUNTED + 1,
  ]);
  const { count, read, first } = rows[0] as { count: number; read: number; first: Date | null };
  if (first === null) return null;
  const isAtLeast = read > MOST_COUNTED;
  return { count: isAtLeast ? Math.min(count, MOST_COUNTED) : count, isAtLeast, since: first < disabledAt ? first : disabledAt };
}

/** Says how many events were missed, in a clause: `12 events were missed since …`. */
export function describeMissed({ count, isAtLeast, since }: MissedEvents): string {
  const events = `${isAtLeast ? 'at least ' : ''}${count} ${count === 1 ? 'event was' : 'events were'}`;
  return `${events} missed since ${since.toISOString()}`;
}
