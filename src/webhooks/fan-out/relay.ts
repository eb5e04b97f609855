// New events -> a delivery for each subscription that asked for them. One statement: all of a batch or nothing.
import type { Pool, PoolClient } from 'pg';
import { FITS_ENVIRONMENT, FITS_TOPIC, SETS_OFF_NO_OTHER } from './match.js';

export interface Relayed {
  /** Events taken from the queue. */
  events: number;
  deliveries: number;
  /** Subscriptions that have something due now. */
  subscriptionIds: string[];
  /** Events without a tenant: nobody hears of them. */
  ownerless: number;
}

/** Takes up to `limit` events, only those of the last `sinceMs` if given. Several relays share the queue; one that rolls back or dies leaves its batch as it was. */
export async function relayOnce(db: Pool | PoolClient, limit = 1000, sinceMs: number | null = null): Promise<Relayed> {
  const { rows } = await db.query<Relayed>({ name: 'hookgraph.relay', text: RELAY, values: [limit, sinceMs] });
  return rows[0] as Relayed;
}

// - A queue row is taken by its deletion, whatever its id: a cursor over ids would skip a transaction that commits late.
// - LATERAL … OFFSET 0 keeps the planner to one index probe per row, with and without statistics.
// - A tenant that went with its parent is the one that the parent's own deletion recorded, in the same transaction; an older event
//   won't do: the parent may have moved to another tenant since. Ambiguous: none.
// - created_at <= occurred_at: what was recorded before the subscription was created isn't sent to it, also if it commits later.
// - A before-hook was asked already, and is never told.
const RELAY = `
WITH q AS MATERIALIZED (
  DELETE FROM hookgraph.event_queue WHERE event_id = ANY (ARRAY(
    SELECT event_id FROM hookgraph.event_queue WHERE event_id >= coalesce(hookgraph.id_at(now() - $2::float8 * interval '1 ms'), 0)
    ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED))
  RETURNING event_id),
e AS MATERIALIZED (
  SELECT e.id, e.occurred_at, e.environment, e.typename, e.node_key, e.operation, e.changed, e.before, e.after,
    coalesce(e.tenant, parent.tenant) AS tenant, e.tenant IS NULL AND parent.tenant IS NOT NULL AS filled
  FROM q CROSS JOIN LATERAL (SELECT * FROM hookgraph.events e WHERE e.id = q.event_id OFFSET 0) e
  LEFT JOIN LATERAL (
    WITH RECURSIVE up AS (
      SELECT e.parent_typename AS typename, e.parent_key AS key, NULL::text AS tenant WHERE e.tenant IS NULL AND e.parent_key IS NOT NULL
      UNION
      SELECT p.parent_typename, p.parent_key, p.tenant FROM up CROSS JOIN LATERAL (
        SELECT * FROM hookgraph.events p
        WHERE p.typename = up.typename AND p.node_key = up.key AND p.xid = e.xid AND p.operation = 'deleted' OFFSET 0) p
      WHERE up.tenant IS NULL)
    SELECT min(tenant) AS tenant FROM up HAVING min(tenant) = max(tenant)) parent ON true),
filled AS (
  UPDATE hookgraph.events x SET tenant = e.tenant FROM e
  WHERE e.filled AND x.id = e.id AND x.id = ANY (ARRAY(SELECT id FROM e WHERE filled))),
d AS (
  INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, state, reason)
  SELECT e.id, s.id, t.id, e.tenant, e.typename, e.node_key,
    CASE s.status WHEN 'ENABLED' THEN 'PENDING' WHEN 'DISABLED' THEN 'SKIPPED' ELSE 'HELD' END,
    CASE s.status WHEN 'DISABLED' THEN 'DISABLED' WHEN 'HELD' THEN 'BROKEN' END
  FROM e
  JOIN hookgraph.topics t ON ${FITS_TOPIC}
  CROSS JOIN LATERAL (
    SELECT s.id, s.status FROM hookgraph.subscriptions s
    WHERE s.tenant = e.tenant AND s.topic_id = t.id AND s.phase = 'AFTER' AND s.deleted_at IS NULL AND s.created_at <= e.occurred_at
      AND ${FITS_ENVIRONMENT}
    OFFSET 0) s
  WHERE ${SETS_OFF_NO_OTHER}
  ORDER BY e.id
  ON CONFLICT (event_id, subscription_id) WHERE kind = 'LIVE' DO NOTHING
  RETURNING subscription_id, state)
SELECT (SELECT count(*) FROM q)::int AS events, (SELECT count(*) FROM d)::int AS deliveries,
  (SELECT count(*) FROM e WHERE tenant IS NULL)::int AS ownerless,
  ARRAY(SELECT DISTINCT subscription_id FROM d WHERE state = 'PENDING') AS "subscriptionIds"`;
