-- Finds rows without a delivery among the next rows of the queue, one step of the audit.
--
-- psql -v after_id=0 -v batch_size=1000 -v max_findings=20 -f queue.sql
WITH
-- The next rows of the queue.
batch AS MATERIALIZED (
  SELECT o.delivery_id, o.subscription_id
  FROM hookgraph.open_deliveries o
  WHERE o.delivery_id > :after_id
  ORDER BY o.delivery_id
  LIMIT :batch_size
),
-- Those without a delivery.
orphans AS MATERIALIZED (
  SELECT *
  FROM batch b
  WHERE NOT EXISTS (
    SELECT
    FROM hookgraph.deliveries d
    WHERE d.id = b.delivery_id
    OFFSET 0)
)
SELECT
  (SELECT count(*) FROM batch)::int AS found,
  (SELECT max(delivery_id) FROM batch) AS last,
  (SELECT count(*) FROM orphans)::int AS "findingCount",
  (SELECT coalesce(jsonb_agg(f), '[]') FROM (
    SELECT
      'QUEUED_WITHOUT_DELIVERY' AS kind, NULL AS "eventId", subscription_id AS "subscriptionId",
      delivery_id::text AS "deliveryId"
    FROM orphans
    ORDER BY delivery_id
    LIMIT :max_findings) f) AS findings;
