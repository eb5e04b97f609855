-- Records an event for each node to which changed rows are related, and queues it for the relay, which
-- matches it with the subscriptions that read these rows. `nodes`: JSON, see related-steps.ts.
--
-- psql -v nodes='[]' -f related.sql
WITH
-- `event_id` is the last change of a row that leads to the node.
nodes AS MATERIALIZED (
  SELECT *
  FROM jsonb_to_recordset(:'nodes'::jsonb) AS n (
    event_id bigint, xid xid8, tenant text, typename text, node_key text, environment text, changed text[],
    document jsonb)
),
-- Leaves out nodes that the same transaction created, because they were announced as created. If a
-- transaction takes more than a day, its events may have lower ids; then such a node is announced as updated,
-- too.
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
-- The events get new ids, so that they come after all recorded events of their nodes. Like folded events,
-- they have the xid 0, and their transaction is in folded_xid.
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
