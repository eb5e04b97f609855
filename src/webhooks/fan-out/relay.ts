// Turns captured changes into events and into one delivery for each matching subscription. One statement relays a whole batch or nothing.
import type { Pool, PoolClient } from 'pg';
import { FITS_ENVIRONMENT, FITS_TOPIC, SETS_OFF_NO_OTHER } from './match.js';

export interface Relayed {
  /** Number of captures taken from the queue. */
  events: number;
  deliveries: number;
  /** Subscriptions that have deliveries due now. */
  subscriptionIds: string[];
  /** Number of events without a tenant. They reach nobody until an operator assigns one. */
  ownerless: number;
  /** Type and key of the first events without a tenant. */
  ownerlessNodes: string[];
}

/**
 * Relays up to `limit` captures, only of transactions from `sinceXid` on if given. Several relays share the queue; a relay that rolls
 * back or dies leaves its batch in the queue.
 */
export async function relayOnce(db: Pool | PoolClient, limit = 1000, sinceXid = '0'): Promise<Relayed> {
  const { rows } = await db.query<Relayed>({ name: 'hookgraph.relay', text: RELAY, values: [limit, sinceXid] });
  return rows[0] as Relayed;
}

/** The id of the next transaction: every transaction that begins later has this id or a higher one. */
export async function nextXid(db: Pool | PoolClient): Promise<string> {
  const { rows } = await db.query<{ xid: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS xid');
  return (rows[0] as { xid: string }).xid;
}

// - A capture is taken by deleting it, whatever its id: a cursor over ids would skip a transaction that commits late.
// - `old`: events that triggers of older versions wrote and queued themselves.
// - LATERAL … OFFSET 0 makes the planner use one index probe per row, with and without statistics.
// - A row deleted together with its parent takes the tenant that the parent's deletion recorded in the same transaction. An older event
//   can't serve, because the parent may have moved to another tenant since; two candidates mean no tenant. `gone` holds the deletions that
//   are not events yet, of this batch and of other relays' batches.
// - `decided`: tenants of rows whose tenant other rows decide. The first tenant's event has the capture's id, each further event
//   an id of the same millisecond. Deleting captures and inserting events is one statement, so no event is made twice.
// - `members`: events of rows whose memberships were created or deleted in this batch.
// - A row whose tenant other rows decide may have belonged to another tenant when it changed, so its old values are dropped, except those
//   that a lifecycle topic matches on.
// - `told`: the topics of this batch. The planner assumes that the queue is empty, and would compare every event with every topic.
// - created_at <= occurred_at: a change recorded before the subscription was created is not sent to it, even if it commits later.
// - A before-hook was called before the write, and gets no delivery afterwards.
const RELAY = `
WITH old AS MATERIALIZED (
  DELETE FROM hookgraph.event_queue WHERE event_id = ANY (ARRAY(
    SELECT event_id FROM hookgraph.event_queue ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED))
  RETURNING event_id),
q AS MATERIALIZED (
  DELETE FROM hookgraph.captures WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM hookgraph.captures WHERE xid >= $2::text::xid8
    ORDER BY xid, depth, id LIMIT $1 - (SELECT count(*) FROM old) FOR UPDATE SKIP LOCKED))
  RETURNING *),
taken AS MATERIALIZED (
  SELECT true AS is_new, id, xid, hookgraph.time_of(id)::timestamptz(3) AS occurred_at, tenant, parent_typename, parent_key, environment, typename,
    node_key, operation, changed, before, after, context, depth FROM q
  UNION ALL
  SELECT false, id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename,
    node_key, operation, changed, before, after, context, 32767
  FROM old CROSS JOIN LATERAL (SELECT * FROM hookgraph.events e WHERE e.id = old.event_id OFFSET 0) e),
orphaned AS MATERIALIZED (
  SELECT xid, parent_typename, parent_key, max(depth) AS depth FROM taken WHERE tenant IS NULL AND parent_key IS NOT NULL GROUP BY 1, 2, 3),
gone AS MATERIALIZED (
  SELECT c.xid, c.typename, c.node_key, c.parent_typename, c.parent_key, c.tenant FROM hookgraph.captures c
  WHERE c.xid = ANY (ARRAY(SELECT xid FROM orphaned)) AND c.depth < (SELECT max(depth) FROM orphaned) AND c.operation = 'deleted'),
parents AS MATERIALIZED (
  WITH RECURSIVE up AS (
    SELECT xid, parent_typename AS typename, parent_key AS node_key, parent_typename, parent_key, NULL::text AS tenant FROM orphaned
    UNION
    SELECT up.xid, up.typename, up.node_key, p.parent_typename, p.parent_key, p.tenant FROM up CROSS JOIN LATERAL (
      SELECT e.parent_typename, e.parent_key, e.tenant FROM hookgraph.events e
      WHERE e.typename = up.parent_typename AND e.node_key = up.parent_key AND e.xid = up.xid AND e.operation = 'deleted'
      UNION ALL
      SELECT g.parent_typename, g.parent_key, g.tenant FROM gone g
      WHERE g.typename = up.parent_typename AND g.node_key = up.parent_key AND g.xid = up.xid OFFSET 0) p
    WHERE up.tenant IS NULL)
  SELECT xid, typename, node_key, min(tenant) AS tenant FROM up GROUP BY 1, 2, 3 HAVING min(tenant) = max(tenant)),
late AS MATERIALIZED (
  SELECT array_agg(id) AS ids, array_agg(xid) AS xids, array_agg(typename) AS typenames, array_agg(node_key) AS keys, array_agg(operation) AS operations
  FROM taken WHERE tenant IS NULL AND parent_key IS NULL HAVING count(*) > 0),
decided AS MATERIALIZED (
  SELECT d.id, d.tenant, row_number() OVER (PARTITION BY d.id ORDER BY d.tenant COLLATE "C") AS place
  FROM late CROSS JOIN LATERAL hookgraph.tenants_by_children(ids, xids, typenames, keys, operations) d),
came_or_went AS MATERIALIZED (
  SELECT array_agg(t.id) AS ids, array_agg(t.xid) AS xids, array_agg(t.typename) AS typenames, array_agg(coalesce(t.tenant, p.tenant)) AS tenants
  FROM taken t JOIN hookgraph.tenant_sources s ON s.members_function IS NOT NULL AND s.child_typename = t.typename
    AND (t.operation <> 'updated' OR t.changed && s.child_columns)
  LEFT JOIN parents p ON t.tenant IS NULL AND p.xid = t.xid AND p.typename = t.parent_typename AND p.node_key = t.parent_key
  WHERE t.is_new HAVING count(*) > 0),
members AS MATERIALIZED (SELECT m.* FROM came_or_went CROSS JOIN LATERAL hookgraph.told_by_memberships(ids, xids, typenames, tenants) m),
e AS MATERIALIZED (
  SELECT t.is_new OR coalesce(d.place > 1, false) AS is_new,
    CASE WHEN d.place > 1 THEN ((t.id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575) ELSE t.id END AS id,
    t.xid, t.occurred_at, coalesce(t.tenant, p.tenant, d.tenant) AS tenant, t.parent_typename, t.parent_key, t.environment, t.typename,
    t.node_key, t.operation, t.changed, t.before, t.after, t.context, t.tenant IS NULL AND coalesce(p.tenant, d.tenant) IS NOT NULL AS filled,
    d.id IS NOT NULL AND t.operation = 'updated' AS forgets_before
  FROM taken t LEFT JOIN parents p ON t.tenant IS NULL AND p.xid = t.xid AND p.typename = t.parent_typename AND p.node_key = t.parent_key
  LEFT JOIN decided d ON t.tenant IS NULL AND d.id = t.id
  UNION ALL
  SELECT true, ((m.id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575), t.xid, t.occurred_at, m.tenant, NULL, NULL, m.environment,
    m.typename, m.node_key, m.operation, NULL, CASE m.operation WHEN 'deleted' THEN m.document END, CASE m.operation WHEN 'created' THEN m.document END,
    t.context, false, false
  FROM members m JOIN taken t ON t.id = m.id),
written AS (
  INSERT INTO hookgraph.events (id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    before, after, context)
  SELECT id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    CASE WHEN forgets_before THEN (
      SELECT jsonb_object_agg(t.column_name, t.from_value) FROM hookgraph.topics t
      WHERE t.typename = e.typename AND t.column_name = ANY (e.changed) AND t.to_value = e.after ->> t.column_name
        AND t.from_value = e.before ->> t.column_name) ELSE before END,
    after, context
  FROM e WHERE is_new),
filled AS (
  UPDATE hookgraph.events x SET tenant = e.tenant FROM e
  WHERE e.filled AND NOT e.is_new AND x.id = e.id AND x.id = ANY (ARRAY(SELECT id FROM e WHERE filled AND NOT is_new))),
kinds AS MATERIALIZED (SELECT DISTINCT typename, operation FROM e),
told AS MATERIALIZED (SELECT t.* FROM kinds CROSS JOIN hookgraph.topics t WHERE t.typename = kinds.typename AND t.operation = kinds.operation),
d AS (
  INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, due_at, state, reason)
  SELECT e.id, s.id, t.id, e.tenant, e.typename, e.node_key, now(),
    CASE s.status WHEN 'ENABLED' THEN 'PENDING' WHEN 'DISABLED' THEN 'SKIPPED' ELSE 'HELD' END,
    CASE s.status WHEN 'DISABLED' THEN 'DISABLED' WHEN 'HELD' THEN 'BROKEN' END
  FROM e
  JOIN told t ON ${FITS_TOPIC}
  CROSS JOIN LATERAL (
    SELECT s.id, s.status FROM hookgraph.subscriptions s
    WHERE s.tenant = e.tenant AND s.topic_id = t.id AND s.phase = 'AFTER' AND s.deleted_at IS NULL AND s.created_at <= e.occurred_at
      AND ${FITS_ENVIRONMENT}
    OFFSET 0) s
  WHERE ${SETS_OFF_NO_OTHER}
  ORDER BY e.id
  ON CONFLICT (event_id, subscription_id) WHERE kind = 'LIVE' DO NOTHING
  RETURNING id, subscription_id, due_at, state, reason),
opened AS (
  INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for)
  SELECT id, subscription_id, due_at, reason FROM d WHERE state <> 'SKIPPED')
SELECT (SELECT count(*) FROM taken)::int AS events, (SELECT count(*) FROM d)::int AS deliveries,
  (SELECT count(*) FROM e WHERE tenant IS NULL)::int AS ownerless,
  ARRAY(SELECT typename || ' ' || left(node_key, 100) FROM e WHERE tenant IS NULL ORDER BY id LIMIT 5) AS "ownerlessNodes",
  ARRAY(SELECT subscription_id FROM d WHERE state = 'PENDING' GROUP BY 1 ORDER BY min(id)) AS "subscriptionIds"`;
