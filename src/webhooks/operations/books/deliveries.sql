-- Checks the next deliveries, one step of the audit: each has its event and subscription, in the same tenant,
-- and its state agrees with its row of the queue and with its attempts. Returns one row: the number of
-- deliveries, and those that contradict.
--
-- psql -v after_id=0 -v until_id=9223372036854775807 -v batch_size=1000 -v tenant=acme -v owner=ada
--   -v max_findings=20 -f deliveries.sql
WITH
-- The next deliveries, of all tenants.
batch AS MATERIALIZED (
  SELECT *
  FROM hookgraph.deliveries d
  WHERE d.id > :after_id AND d.id < :until_id
  ORDER BY d.id
  LIMIT :batch_size
),
-- The deliveries of the tenant, with the first fault of each.
checked AS MATERIALIZED (
  SELECT
    d.id, d.event_id, d.subscription_id,
    CASE
      WHEN s.id IS NULL THEN 'WITHOUT_SUBSCRIPTION'
      WHEN d.kind IN ('LIVE', 'REPLAY', 'RESEND') AND e.id IS NULL AND coalesce(d.event_id >= f.events, true)
        THEN 'WITHOUT_EVENT'
      WHEN s.tenant <> d.tenant OR (e.id IS NOT NULL AND e.tenant IS DISTINCT FROM s.tenant)
        THEN 'OTHER_TENANT'
      -- A waiting delivery of an ordered subscription has the reason ORDER. A delivery that was cancelled
      -- during its attempt keeps its queue row until the attempt is written.
      WHEN CASE
        WHEN d.state IN ('PENDING', 'RETRYING') THEN
          o.delivery_id IS NULL
          OR o.held_for IS DISTINCT FROM CASE d.reason WHEN 'ORDER' THEN 'ORDER' END
          OR o.due_at <> d.due_at
        WHEN d.state = 'HELD' THEN o.delivery_id IS NULL OR o.held_for IS DISTINCT FROM d.reason
        ELSE o.delivery_id IS NOT NULL AND (d.state <> 'CANCELLED' OR o.lease_token IS NULL) END
        THEN 'CONTRADICTS_QUEUE'
      -- Attempts may be missing only where history was deleted.
      WHEN a.count > d.attempt_count
        OR (d.id >= f.attempts AND a.count < d.attempt_count)
        OR (d.state = 'PENDING' AND d.attempt_count > 0)
        OR (d.state = 'RETRYING' AND d.attempt_count = 0)
        OR (a.number = d.attempt_count AND a.outcome <> x.outcome)
        OR (d.id >= f.attempts AND a.count = 0 AND x.outcome IS NOT NULL)
        THEN 'CONTRADICTS_ATTEMPTS' END AS kind
  FROM batch d
  LEFT JOIN hookgraph.subscriptions s ON s.id = d.subscription_id
  CROSS JOIN LATERAL (
    SELECT
      coalesce(max(before_id) FILTER (WHERE history = 'events'), 0) AS events,
      coalesce(max(before_id) FILTER (WHERE history = 'attempts'), 0) AS attempts
    FROM hookgraph.forgotten
    WHERE tenant IN ('', s.tenant)
  ) f
  -- OFFSET 0 makes Postgres look up each row by an index.
  LEFT JOIN LATERAL (
    SELECT id, tenant
    FROM hookgraph.events e
    WHERE e.id = d.event_id
    OFFSET 0
  ) e ON true
  LEFT JOIN LATERAL (
    SELECT delivery_id, held_for, due_at, lease_token
    FROM hookgraph.open_deliveries o
    WHERE o.delivery_id = d.id
    OFFSET 0
  ) o ON true
  CROSS JOIN LATERAL (
    SELECT
      count(*) AS count, max(number) AS number,
      (array_agg(outcome ORDER BY number DESC, id DESC))[1] AS outcome
    FROM hookgraph.attempts
    WHERE delivery_id = d.id
  ) a
  -- The outcome that the last attempt must have in this state. A test fails where an ordinary delivery would
  -- be held.
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN d.state = 'DELIVERED' THEN 'DELIVERED'
      WHEN d.state = 'SKIPPED' AND d.reason = 'VALIDATION' THEN 'SKIPPED'
      WHEN d.state = 'HELD' AND d.reason = 'NODE' THEN 'HELD'
      WHEN d.state = 'FAILED' AND d.kind NOT IN ('TEST', 'BEFORE') THEN 'FAILED' END AS outcome
  ) x
  WHERE (:'tenant'::text IS NULL OR s.tenant = :'tenant')
    AND (:'owner'::text IS NULL OR s.owner = :'owner')
)
SELECT
  (SELECT count(*) FROM batch)::int AS found,
  (SELECT max(id) FROM batch) AS last,
  (SELECT count(*) FROM checked)::int AS deliveries,
  (SELECT count(*) FROM checked WHERE kind IS NOT NULL)::int AS "findingCount",
  (SELECT coalesce(jsonb_agg(f), '[]') FROM (
    SELECT
      kind, event_id::text AS "eventId", subscription_id AS "subscriptionId", id::text AS "deliveryId"
    FROM checked
    WHERE kind IS NOT NULL
    ORDER BY id
    LIMIT :max_findings) f) AS findings;
