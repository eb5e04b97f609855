-- Makes the next deliveries of events that match too many subscriptions for one batch of the relay. Tenants
-- take turns: those after after_tenant share the deliveries of this statement equally. An event with more
-- matches than its tenant's share continues at its position. SKIP LOCKED skips the events of other workers.
--
-- psql -v after_tenant='' -v max_tenants=50 -v max_deliveries=1000 -f fan-out.sql
\ir match.sql
\ir ../base/store/delivery-state.sql
WITH RECURSIVE
-- The next tenants with such events, found by one index probe each. The last row is null if no tenant is
-- left.
tenants AS (
  SELECT
    (SELECT min(f.tenant) FROM hookgraph.fan_outs f WHERE f.tenant > :'after_tenant'::text) AS tenant,
    1 AS number
  UNION ALL
  SELECT (SELECT min(f.tenant) FROM hookgraph.fan_outs f WHERE f.tenant > t.tenant), t.number + 1
  FROM tenants t
  WHERE t.tenant IS NOT NULL AND t.number < :max_tenants::int
),
-- The number of deliveries that each tenant gets, and the maximum number of matches that one of its events
-- can have.
shares AS MATERIALIZED (
  SELECT t.tenant, greatest(1, :max_deliveries::int / (count(*) OVER ())::int) AS deliveries, size.most
  FROM tenants t
  CROSS JOIN LATERAL (
    SELECT coalesce(max(kind.count), 1)::int AS most
    FROM (
      SELECT count(*)
      FROM hookgraph.subscriptions s
      JOIN hookgraph.topics p ON p.id = s.topic_id
      WHERE s.tenant = t.tenant AND s.phase = 'AFTER' AND s.deleted_at IS NULL
      GROUP BY p.typename, p.operation
    ) kind
  ) size
  WHERE t.tenant IS NOT NULL
),
-- The oldest events of each tenant: as many as its share of deliveries is enough for, and at least one.
large_events AS MATERIALIZED (
  SELECT f.event_id, f.position, s.deliveries
  FROM shares s
  CROSS JOIN LATERAL (
    SELECT f.event_id, f.position
    FROM hookgraph.fan_outs f
    WHERE f.tenant = s.tenant
    ORDER BY f.event_id
    LIMIT greatest(1, s.deliveries / s.most)
    FOR UPDATE SKIP LOCKED
  ) f
),
-- The events themselves.
batch_events AS MATERIALIZED (
  SELECT e.*, l.position, l.deliveries
  FROM large_events l
  CROSS JOIN LATERAL (
    SELECT *
    FROM hookgraph.events e
    WHERE e.id = l.event_id
    OFFSET 0
  ) e
),
:batch_topics,
-- The next subscriptions to which each event is sent, under the conditions of relay.sql.
matches AS MATERIALIZED (
  SELECT
    e.id AS event_id, s.id AS subscription_id, s.status, s.is_ordered, s.topic_id, e.tenant, e.typename,
    e.node_key
  FROM batch_events e
  CROSS JOIN LATERAL (
    SELECT s.id, s.status, s.ordering IS NOT NULL AS is_ordered, t.id AS topic_id
    FROM batch_topics t
    CROSS JOIN LATERAL (
      SELECT s.*
      FROM hookgraph.subscriptions s
      WHERE s.tenant = e.tenant
        AND s.topic_id = t.id
        AND s.phase = 'AFTER'
        AND s.deleted_at IS NULL
        AND :is_later
        AND s.id > e.position
      OFFSET 0
    ) s
    WHERE :fits_topic AND :fits_environment AND :fits_fold
    ORDER BY s.id
    LIMIT e.deliveries
  ) s
  WHERE :starts_no_loop
),
:new_live_deliveries,
-- The number of matches of each event, and its last match.
ends AS MATERIALIZED (
  SELECT
    l.event_id,
    count(m.event_id) >= l.deliveries AS has_more,
    max(m.subscription_id::text COLLATE "C")::uuid AS last
  FROM large_events l
  LEFT JOIN matches m ON m.event_id = l.event_id
  GROUP BY l.event_id, l.deliveries
),
-- Removes the events whose last delivery is made.
ended AS (
  DELETE FROM hookgraph.fan_outs f
  USING ends
  WHERE f.event_id = ends.event_id AND NOT ends.has_more
),
-- Moves the positions of the other events to their last matches.
continued AS (
  UPDATE hookgraph.fan_outs f
  SET position = ends.last
  FROM ends
  WHERE f.event_id = ends.event_id AND ends.has_more
)
SELECT
  (SELECT max(tenant) FROM shares) AS tenant,
  (SELECT count(*) FROM large_events)::int AS events,
  (SELECT count(*) FROM new_deliveries)::int AS deliveries,
  ARRAY(
    SELECT subscription_id
    FROM new_deliveries
    WHERE state = 'PENDING'
    GROUP BY 1
    ORDER BY min(id)
  ) AS "subscriptionIds";
