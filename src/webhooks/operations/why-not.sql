-- Reads the newest events of the node type of a subscription's topic. Returns with each event its newest
-- delivery to the subscription (a replay creates another delivery of the same event), and which of the
-- subscription's conditions (topic, environment) the event meets.
--
-- psql -v subscription_id=00000000-0000-0000-0000-000000000000 -v tenant=acme -v typename=User -v node_key=
--   -v since=2026-01-01 -v max_events=10000 -v max_findings=20 -f why-not.sql
\ir ../fan-out/match.sql
SELECT
  e.id, d.id AS "deliveryId", o.lease_until AS "leasedUntil",
  coalesce(:fits_topic, false) AS "fitsTopic",
  :fits_environment AS "fitsEnvironment",
  :starts_no_loop AS "startsNoLoop",
  NOT :is_later AS "isOlder",
  NOT :fits_fold AS "isOtherRelated",
  e.is_captured OR EXISTS (SELECT 1 FROM hookgraph.event_queue q WHERE q.event_id = e.id)
    OR EXISTS (SELECT 1 FROM hookgraph.fan_outs f WHERE f.event_id = e.id) AS "isQueued",
  e.occurred_at AS "occurredAt", e.typename, e.node_key AS "nodeKey", e.operation, e.changed,
  NULL::jsonb AS before, NULL::jsonb AS after
FROM hookgraph.subscriptions s
JOIN hookgraph.topics t ON t.id = s.topic_id
CROSS JOIN LATERAL (
  SELECT *
  FROM (
    SELECT *
    FROM hookgraph.recorded e
    WHERE e.id >= hookgraph.id_at(greatest(:'since'::timestamptz, '2020-01-01Z'))
      AND (:'node_key'::text IS NULL OR (
        hookgraph.node_hash(e.typename, e.node_key) = hookgraph.node_hash(:'typename', :'node_key')
        AND e.typename = :'typename'
        AND e.node_key = :'node_key'))
    ORDER BY e.id DESC
    LIMIT :max_events
  ) e
  WHERE e.tenant = :'tenant' AND e.typename = :'typename' AND (:fits_fold OR e.fold = 'RELATED')
  ORDER BY e.id DESC
  LIMIT :max_findings
) e
:newest_delivery
WHERE s.id = :'subscription_id'
ORDER BY e.id DESC;
