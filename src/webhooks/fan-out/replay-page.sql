-- Lists the events that a replay would send of the next batch of events, without sending them.
--
-- psql -v subscription_id=00000000-0000-0000-0000-000000000000 -v from_at=2026-01-01Z -v to_at=2026-01-02Z
--   -v position=0 -v includes_delivered=false -v event_ids='{}' -v batch_size=2000 -f replay-page.sql
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
:replayed_events
SELECT
  (SELECT count(*) FROM batch_events)::int AS found,
  (SELECT max(id) FROM batch_events) AS last,
  ARRAY(SELECT event_id FROM replayed_events WHERE is_sent ORDER BY event_id) AS "eventIds";
