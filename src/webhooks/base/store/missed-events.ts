// Counts the events that a subscription missed while it was disabled.
import type { Pool, PoolClient } from 'pg';
import type { Owner } from '../model.js';
import { isUuid } from './page.js';

/** The maximum number of deliveries that are read to count missed events. */
const MOST_COUNTED = 10_000;

export interface MissedEvents {
  count: number;
  /** Whether more than `count` events may have been missed, because the count ended at MOST_COUNTED deliveries. */
  isAtLeast: boolean;
  /** A replay that begins at this time sends all missed events. */
  since: Date;
}

// Comparing pairs makes the planner use the index of both columns, and read only one subscription's deliveries, in order and up to the
// limit. With the primary key, it could read the deliveries of all subscriptions.
const countSql = (id: string, since: string, limit: string) => `
  SELECT count(*)::int AS read, count(*) FILTER (WHERE is_missed)::int AS count, hookgraph.time_of(min(event_id) FILTER (WHERE is_missed)) AS first
  FROM (
    SELECT event_id, state = 'SKIPPED' AND reason = 'DISABLED' AS is_missed FROM hookgraph.deliveries
    WHERE (subscription_id, id) >= (${id}::uuid, hookgraph.id_at(${since})) AND (subscription_id, id) <= (${id}::uuid, 9223372036854775807)
    ORDER BY subscription_id, id LIMIT ${limit}
  ) d`;

export const COUNT_MISSED = countSql('$1', '$2', '$3');

/**
 * Counts the events for which the relay created SKIPPED deliveries after the subscription was disabled; `null` when there are none. Such an
 * event may be older than `disabledAt`, because the relay can be late.
 */
export async function countMissed(db: Pool | PoolClient, subscriptionId: string, disabledAt: Date): Promise<MissedEvents | null> {
  const { rows } = await db.query<Counted>(COUNT_MISSED, [subscriptionId, disabledAt, MOST_COUNTED + 1]);
  return missedOf(rows[0] as Counted, disabledAt, MOST_COUNTED);
}

interface Counted {
  count: number;
  read: number;
  first: Date | null;
}

function missedOf({ count, read, first }: Counted, disabledAt: Date, most: number): MissedEvents | null {
  if (first === null) return null;
  const isAtLeast = read > most;
  return { count: isAtLeast ? Math.min(count, most) : count, isAtLeast, since: first < disabledAt ? first : disabledAt };
}

/** The maximum number of deliveries of each subscription that are read to count the missed events of many. */
const MOST_COUNTED_OF_MANY = 1_000;

/** Counts the events that the owner's subscriptions missed since they were last disabled. Subscriptions that missed none are left out. */
export async function countMissedOf(db: Pool | PoolClient, owner: Owner, ids: readonly string[]): Promise<Map<string, MissedEvents>> {
  const { rows } = await db.query<Counted & { id: string; since: Date }>(
    `SELECT s.id, o.since, m.* FROM hookgraph.subscriptions s
     CROSS JOIN LATERAL (SELECT coalesce(s.disabled_at, (
       SELECT max(l.at) FROM hookgraph.audit_log l WHERE l.subscription_id = s.id AND l.action = 'DISABLED')) AS since) o
     CROSS JOIN LATERAL (${countSql('s.id', 'o.since', '$4')}) m
     WHERE s.tenant = $1 AND s.owner = $2 AND s.id = ANY ($3::uuid[]) AND o.since IS NOT NULL`,
    [owner.tenant, owner.userId, ids.filter(isUuid), MOST_COUNTED_OF_MANY + 1],
  );
  return new Map(
    rows.flatMap(({ id, since, ...counted }) => {
      const missed = missedOf(counted, since, MOST_COUNTED_OF_MANY);
      return missed ? [[id, missed] as const] : [];
    }),
  );
}

/** The maximum number of subscriptions of which countMissedOfFirst counts the missed events. */
export const MOST_SUBSCRIPTIONS = 100;

/** Counts as countMissedOf does, for the first MOST_SUBSCRIPTIONS subscriptions alone. */
export async function countMissedOfFirst(db: Pool | PoolClient, owner: Owner, ids: readonly string[]) {
  const missed = await countMissedOf(db, owner, ids.slice(0, MOST_SUBSCRIPTIONS));
  return [...missed].map(([subscriptionId, counted]) => ({ subscriptionId, ...counted }));
}

/** Says how many events were missed, in a clause: `12 events were missed since …`. */
export function describeMissed({ count, isAtLeast, since }: MissedEvents): string {
  const events = `${isAtLeast ? 'at least ' : ''}${count} ${count === 1 ? 'event was' : 'events were'}`;
  return `${events} missed since ${since.toISOString()}`;
}
