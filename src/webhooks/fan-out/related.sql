-- Records an event for each node to which changed rows are related, and queues it for the relay, which
-- matches it with the subscriptions that read these rows. `nodes`: JSON, see related-steps.ts.
--
-- psql -v nodes='[]' -f related.sql
WITH
-- event_id: the last change of a row that leads to the node.
nodes AS MATERIALIZED (
  SELECT *
  FROM jsonb_to_recordset(:'nodes'::jsonb) AS n (
    event_id bigint, xid xid8, tenant text, typename text, node_key text, environment text, changed text[],
    document jsonb)
),
-- A node that the same transaction created was announced as created. A transaction of more than a day may
-- have events with lower ids; then the node is announced as updated, too.
new_events AS MATERIALIZED (
  SELECT hookgraph.next_id() AS id, n.*, c.occurred_at, c.context
  FROM nodes n
  CROSS JOIN LATERAL (
    SELECT coalesce(e.occurred_at, hookgraph.time_of(e.id)) AS occurred_at, e.context
    FROM hookgraph.events e
    WHERE e.id = n.event_id
    OFFSET 0
  ) c
  WHERE NOT EXISTS (
    SELECT
    FROM hookgraph.events e
    WHERE hookgraph.node_hash(e.typename, e.node_key) = hookgraph.node_hash(n.typename, n.node_key)
      AND e.typename = n.typename
      AND e.node_key = n.node_key
      AND e.id >= n.event_id - (86400000::bigint << 20)
      AND e.operation = 'created'
      AND coalesce(e.folded_xid, e.xid) = n.xid
    OFFSET 0)
),
-- An id of now, so that the event comes after all that were recorded of its node. Like a folded event it has
-- the xid 0, and the transaction in folded_xid.
inserted_events AS (
  INSERT INTO hookgraph.events (
    id, xid, occurred_at, tenant, environment, typename, node_key, operation, changed, before, after, context,
    fold, folded_xid)
  SELECT
    id, '0', occurred_at, tenant, environment, typename, node_key, 'updated', changed, document, document,
    context, 'RELATED', xid
  FROM new_events
  ORDER BY id
)
INSERT INTO hookgraph.event_queue (event_id)
SELECT id
FROM new_events
RETURNING event_id;
