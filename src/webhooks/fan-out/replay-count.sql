-- Counts what a replay would do with the next batch of events, without doing it: how many events it sends,
-- and how many matching events the subscription didn't miss, by the state of their deliveries.
--
-- psql -v subscription_id=00000000-0000-0000-0000-000000000000 -v from_at=2026-01-01Z -v to_at=2026-01-02Z
--   -v position=0 -v includes_delivered=false -v event_ids='{}' -v batch_size=2000 -f replay-count.sql
\ir match.sql
\ir replayed-events.sql
WITH
-- The replay as it would be started.
replay AS MATERIALIZED (
  SELECT
    NULL::bigint AS id, :position::bigint AS position, :'from_at'::timestamptz AS from_at,
    :'to_at'::timestamptz AS to_at, :'subscription_id'::uuid AS subscription_id,
    :includes_delivered::boolean AS includes_delivered, :'event_ids'::bigint[] AS event_ids
),
:replayed_events,
-- The matching events, each with its deliveries: whether any was accepted, and whether any is still to come.
judged AS (
  SELECT e.is_sent, d.is_delivered, d.is_open, d.is_skipped
  FROM (SELECT event_id AS id, subscription_id, is_sent FROM replayed_events) e
  JOIN hookgraph.subscriptions s ON s.id = e.subscription_id
  CROSS JOIN LATERAL (
    SELECT
      coalesce(bool_or(made.state = 'DELIVERED'), false) AS is_delivered,
      coalesce(bool_or(made.state IN ('PENDING', 'RETRYING', 'HELD')), false) AS is_open,
      coalesce(bool_or(
        made.state = 'SKIPPED' AND made.reason IN ('VALIDATION', 'COALESCED', 'UNREAD')), false) AS is_skipped
    FROM :deliveries_of_event made
  ) d
)
SELECT
  (SELECT count(*) FROM batch_events)::int AS found,
  (SELECT max(id) FROM batch_events) AS last,
  count(*) FILTER (WHERE is_sent)::int AS sent,
  count(*) FILTER (WHERE is_delivered)::int AS delivered,
  count(*) FILTER (WHERE is_open AND NOT is_delivered)::int AS open,
  count(*) FILTER (WHERE is_skipped AND NOT is_open AND NOT is_delivered)::int AS skipped
FROM judged;
