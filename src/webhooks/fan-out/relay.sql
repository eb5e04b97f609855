-- Turns captures (changes that triggers recorded) into events, and into a delivery for each matching
-- subscription. The queue is read by deleting its rows; a cursor over ids would miss transactions that commit
-- late. Captures are deleted and events inserted in one statement, so no event is recorded twice. LATERAL …
-- OFFSET 0 makes the planner use one index probe per row, even without statistics.
--
-- A batch with more than max_deliveries deliveries makes none: fan-out.sql makes them, a part at a time.
--
-- psql -v batch_size=1000 -v since_xid=0 -v max_deliveries=5000 -v split_xid=7 -f relay.sql
\ir match.sql
\ir fold.sql
\ir links.sql
\ir tenants.sql
\ir record-events.sql
\ir ../base/store/delivery-state.sql
WITH
-- Events recorded without a tenant, to which an operator has since assigned one; and events that triggers of
-- older versions inserted into `events` directly.
queued_events AS MATERIALIZED (
  DELETE FROM hookgraph.event_queue
  WHERE event_id = ANY (ARRAY(
    SELECT event_id
    FROM hookgraph.event_queue
    ORDER BY event_id
    LIMIT :batch_size
    FOR UPDATE SKIP LOCKED))
  RETURNING event_id
),
:batch_captures,
-- The captures of this batch, deleted from the queue.
captures AS MATERIALIZED (
  DELETE FROM hookgraph.captures
  WHERE ctid = ANY (ARRAY(SELECT place FROM batch))
  RETURNING *
),
:linked_rows,
-- The captures, the rows that gained or lost a link, and the queued events, as rows of the same columns. A
-- link that isn't a node itself makes no event.
changes AS MATERIALIZED (
  SELECT
    true AS is_new, id, xid, hookgraph.time_of(id)::timestamptz(3) AS occurred_at,
    tenant, parent_typename, parent_key, environment, typename, node_key,
    operation, changed, before, after, context, depth,
    NULL AS fold, NULL::xid8 AS folded_xid, false AS is_link
  FROM captures
  WHERE typename <> ALL (ARRAY(SELECT link_typename FROM hookgraph.links WHERE is_internal))
  UNION ALL
  SELECT
    true, ((id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575), xid,
    hookgraph.time_of(id)::timestamptz(3),
    tenant, NULL, NULL, environment, typename, node_key,
    'updated', fields, document, document, context, 32767, NULL, NULL, true
  FROM linked_rows
  UNION ALL
  SELECT
    false, id, xid, coalesce(occurred_at, hookgraph.time_of(id)),
    tenant, parent_typename, parent_key, environment, typename, node_key,
    operation, changed, hookgraph.row_of(layout_id, before), hookgraph.row_of(layout_id, after), context,
    32767, fold, folded_xid, false
  FROM queued_events
  CROSS JOIN LATERAL (
    SELECT *
    FROM hookgraph.events e
    WHERE e.id = queued_events.event_id
    OFFSET 0
  ) e
),
:inherited_tenants,
:folded_changes,
-- The changed rows whose tenants are decided by other rows, which point to them, as arrays in one row. If
-- there are no such changes, the CTE has no row.
tenantless_rows AS MATERIALIZED (
  SELECT
    array_agg(id) AS ids, array_agg(xid) AS xids, array_agg(typename) AS typenames,
    array_agg(node_key) AS keys, array_agg(operation) AS operations
  FROM (
    SELECT id, xid, typename, node_key, operation
    FROM changes
    WHERE tenant IS NULL AND parent_key IS NULL
    UNION ALL
    SELECT id, xid, typename, node_key, operation
    FROM folded_changes
    WHERE tenant IS NULL AND parent_key IS NULL
  ) c
  HAVING count(*) > 0
),
-- The tenants of tenantless_rows, read from the rows that point to them. A row with several tenants becomes
-- one event per tenant: the first event has the capture's id, each other event a new id with the same
-- millisecond.
child_tenants AS MATERIALIZED (
  SELECT d.id, d.tenant, row_number() OVER (PARTITION BY d.id ORDER BY d.tenant COLLATE "C") AS tenant_number
  FROM tenantless_rows
  CROSS JOIN LATERAL hookgraph.tenants_by_children(ids, xids, typenames, keys, operations) d
),
-- The changed rows that make another row visible to a tenant or end its visibility, e.g. a membership of a
-- user in an organization, as arrays in one row. If there are no such changes, the CTE has no row.
membership_changes AS MATERIALIZED (
  SELECT
    array_agg(c.id) AS ids, array_agg(c.xid) AS xids, array_agg(c.typename) AS typenames,
    array_agg(coalesce(c.tenant, p.tenant)) AS tenants
  FROM changes c
  JOIN hookgraph.tenant_sources s ON s.members_function IS NOT NULL
    AND s.child_typename = c.typename
    AND (c.operation <> 'updated' OR c.changed && s.child_columns)
  LEFT JOIN inherited_tenants p ON c.tenant IS NULL
    AND p.xid = c.xid
    AND p.typename = c.parent_typename
    AND p.node_key = c.parent_key
  WHERE c.is_new AND NOT c.is_link
  HAVING count(*) > 0
),
-- The rows that a tenant gained or lost because of membership_changes, each to become a `created` or
-- `deleted` event.
members AS MATERIALIZED (
  SELECT m.*
  FROM membership_changes
  CROSS JOIN LATERAL hookgraph.told_by_memberships(ids, xids, typenames, tenants) m
),
-- All events of the batch. hides_before: the row's old values must not be recorded, because other rows decide
-- its tenant, and it may have belonged to another tenant before the change. A folded event has the xid 0, so
-- that only the changes themselves are found by the xid of their transaction.
batch_events AS MATERIALIZED (
  SELECT
    c.is_new OR coalesce(d.tenant_number > 1, false) AS is_new,
    CASE
      WHEN d.tenant_number > 1 THEN ((c.id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575)
      ELSE c.id END AS id,
    c.xid, c.occurred_at, coalesce(c.tenant, p.tenant, d.tenant) AS tenant, c.parent_typename, c.parent_key,
    c.environment, c.typename, c.node_key, c.operation, c.changed, c.before, c.after, c.context,
    CASE
      WHEN (c.id IN (SELECT unnest(ids) FROM repeated_changes)) IS TRUE THEN 'PART'
      ELSE c.fold END AS fold,
    c.folded_xid,
    c.tenant IS NULL AND coalesce(p.tenant, d.tenant) IS NOT NULL AS has_found_tenant,
    d.id IS NOT NULL AND c.operation = 'updated' AS hides_before,
    NULL::integer AS layout_id
  FROM changes c
  LEFT JOIN inherited_tenants p ON c.tenant IS NULL
    AND p.xid = c.xid
    AND p.typename = c.parent_typename
    AND p.node_key = c.parent_key
  LEFT JOIN child_tenants d ON c.tenant IS NULL AND d.id = c.id
  UNION ALL
  SELECT
    true,
    CASE
      WHEN d.tenant_number > 1 THEN ((c.id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575)
      ELSE c.id END,
    '0', c.occurred_at, coalesce(c.tenant, d.tenant), c.parent_typename, c.parent_key,
    c.environment, c.typename, c.node_key, c.operation, c.changed, c.before, c.after, c.context,
    'WHOLE', c.xid, false, d.id IS NOT NULL AND c.operation = 'updated', NULL
  FROM folded_changes c
  LEFT JOIN child_tenants d ON c.tenant IS NULL AND d.id = c.id
  UNION ALL
  SELECT
    true, ((m.id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575),
    c.xid, c.occurred_at, m.tenant, NULL, NULL, m.environment, m.typename, m.node_key, m.operation, NULL,
    CASE m.operation WHEN 'deleted' THEN m.document END,
    CASE m.operation WHEN 'created' THEN m.document END,
    c.context, NULL, NULL, false, false, NULL
  FROM members m
  JOIN changes c ON c.id = m.id
),
:recorded_events,
-- Queues changes of rows that may be related to nodes which a subscription is about; related.ts finds these
-- nodes. If there is no such subscription, one lookup in an empty index decides this for the whole batch.
related_changes AS (
  INSERT INTO hookgraph.related_changes (event_id, xid)
  SELECT e.id, coalesce(e.folded_xid, e.xid)
  FROM batch_events e
  WHERE (SELECT EXISTS (
      SELECT
      FROM hookgraph.subscriptions
      WHERE related_types IS NOT NULL AND deleted_at IS NULL))
    AND (e.is_new OR e.has_found_tenant)
    AND e.fold IS DISTINCT FROM 'PART'
    AND EXISTS (
      SELECT
      FROM hookgraph.subscriptions s
      WHERE s.tenant = e.tenant
        AND s.related_types IS NOT NULL
        AND s.deleted_at IS NULL
        AND e.typename = ANY (s.related_types)
      OFFSET 0)
  ON CONFLICT DO NOTHING
),
-- Sets the tenant of queued events whose tenant was found.
completed_events AS (
  UPDATE hookgraph.events x
  SET tenant = e.tenant
  FROM batch_events e
  WHERE e.has_found_tenant
    AND NOT e.is_new
    AND x.id = e.id
    AND x.id = ANY (ARRAY(SELECT id FROM batch_events WHERE has_found_tenant AND NOT is_new))
),
:batch_topics,
-- The subscriptions to which each event is sent. A change recorded before a subscription was created is not
-- sent to it, even if it commits later (is_later). A subscription with the phase BEFORE was called before the
-- write, and gets no delivery afterwards. LIMIT ends the search as soon as the batch is too large.
found_matches AS MATERIALIZED (
  SELECT
    e.id AS event_id, s.id AS subscription_id, s.status, s.is_ordered, t.id AS topic_id, e.tenant, e.typename,
    e.node_key
  FROM batch_events e
  JOIN batch_topics t ON :fits_topic
  CROSS JOIN LATERAL (
    SELECT s.id, s.status, s.ordering IS NOT NULL AS is_ordered
    FROM hookgraph.subscriptions s
    WHERE s.tenant = e.tenant
      AND s.topic_id = t.id
      AND s.phase = 'AFTER'
      AND s.deleted_at IS NULL
      AND :is_later
      AND :fits_environment
      AND :fits_fold
    OFFSET 0
  ) s
  WHERE :starts_no_loop
  LIMIT :max_deliveries + 1
),
-- The matches, if the batch is not too large.
matches AS (
  SELECT *
  FROM found_matches
  WHERE (SELECT count(*) FROM found_matches) <= :max_deliveries
),
:new_live_deliveries,
-- The events, if the batch is too large; fan-out.sql makes their deliveries.
large_events AS (
  INSERT INTO hookgraph.fan_outs (event_id, tenant)
  SELECT id, tenant
  FROM batch_events e
  WHERE (SELECT count(*) FROM found_matches) > :max_deliveries
    AND tenant IS NOT NULL
    AND EXISTS (SELECT FROM batch_topics t WHERE t.typename = e.typename AND t.operation = e.operation)
  ON CONFLICT DO NOTHING
  RETURNING event_id
),
:touched_rows
SELECT
  ((SELECT count(*) FROM captures) + (SELECT count(*) FROM queued_events))::int AS events,
  (SELECT count(*) FROM new_deliveries)::int AS deliveries,
  (SELECT count(*) FROM large_events)::int AS deferred,
  (SELECT count(*) FROM batch_events WHERE tenant IS NULL AND xid <> '0')::int AS ownerless,
  ARRAY(
    SELECT typename || ' ' || left(node_key, 100)
    FROM batch_events
    WHERE tenant IS NULL AND xid <> '0'
    ORDER BY id
    LIMIT 5
  ) AS "ownerlessNodes",
  ARRAY(
    SELECT subscription_id
    FROM new_deliveries
    WHERE state = 'PENDING'
    GROUP BY 1
    ORDER BY min(id)
  ) AS "subscriptionIds",
  (SELECT count(*) FROM head) + (SELECT count(*) FROM queued_events) >= :batch_size
    OR EXISTS (SELECT FROM split) AS "isFull",
  EXISTS (SELECT FROM split)
    AND (SELECT count(*) FROM whole_rows) < :batch_size
    AND (SELECT count(*) FROM taken_rows) = (SELECT count(*) FROM whole_rows) AS "isSplit",
  (SELECT size FROM touched_rows) AS touched,
  (SELECT xid::text FROM cut_transactions WHERE is_large LIMIT 1) AS "largeXid";
