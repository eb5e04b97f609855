-- Compares events with all subscriptions of an owner to topics about their node types. Returns a row for each
-- pair: its newest delivery, and which of the subscription's conditions the event meets.
--
-- psql -v event_ids='{}' -v tenant=acme -v owner=ada -f decisions.sql
\ir ../fan-out/match.sql
SELECT
  e.id AS "eventId", e.operation, s.id AS "subscriptionId", s.topic_id AS "topicId",
  d.id AS "deliveryId", o.lease_until AS "leasedUntil",
  coalesce(:fits_topic, false) AS "fitsTopic",
  :fits_environment AS "fitsEnvironment",
  :starts_no_loop AS "startsNoLoop",
  NOT :is_later AS "isOlder",
  NOT :fits_fold AS "isOtherRelated",
  e.is_captured OR EXISTS (SELECT 1 FROM hookgraph.event_queue q WHERE q.event_id = e.id)
    OR EXISTS (SELECT 1 FROM hookgraph.fan_outs f WHERE f.event_id = e.id) AS "isQueued"
FROM hookgraph.recorded e
JOIN hookgraph.topics t ON t.typename = e.typename
JOIN hookgraph.subscriptions s ON s.topic_id = t.id
  AND s.tenant = :'tenant'
  AND s.owner = :'owner'
  AND s.deleted_at IS NULL
  AND (:fits_fold OR e.fold = 'RELATED')
:newest_delivery
WHERE e.id = ANY (:'event_ids'::bigint[]) AND e.tenant = :'tenant'
ORDER BY e.id, t.operation = e.operation DESC, s.created_at, s.id;
