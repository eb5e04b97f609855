-- Finds the newest attempt, before an id, that sent a request about an event to a subscription.
--
-- psql -v event_ids='{}' -v subscription_ids='{}' -v before='{}' -f past-requests.sql
\ir ../fan-out/match.sql
SELECT
  w.number::int, past.attempt_id AS "attemptId", past.delivery_id AS "deliveryId", d.kind,
  -- Whether a request was sent whose record is no longer stored.
  past.attempt_id IS NULL AND EXISTS (
    SELECT
    FROM :deliveries_of_event made
    WHERE made.state IN ('DELIVERED', 'FAILED', 'RETRYING') AND made.id < w.before) AS "isGone"
FROM unnest(:'event_ids'::bigint[], :'subscription_ids'::uuid[], :'before'::bigint[])
  WITH ORDINALITY AS w (event_id, subscription_id, before, number)
CROSS JOIN LATERAL (SELECT w.event_id AS id) e
CROSS JOIN LATERAL (SELECT w.subscription_id AS id) s
LEFT JOIN LATERAL (
  SELECT made.id AS delivery_id, a.id AS attempt_id
  FROM :deliveries_of_event made
  CROSS JOIN LATERAL (
    SELECT a.id
    FROM hookgraph.attempts a
    WHERE a.delivery_id = made.id AND a.id < w.before
      AND (a.exchange_id IS NOT NULL OR a.request_url IS NOT NULL)
    ORDER BY a.id DESC
    LIMIT 1
  ) a
  WHERE made.id < w.before
  ORDER BY a.id DESC
  LIMIT 1
) past ON true
LEFT JOIN hookgraph.deliveries d ON d.id = past.delivery_id
ORDER BY w.number;
