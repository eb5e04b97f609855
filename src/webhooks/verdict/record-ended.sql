-- Records finished attempts of tests and before-hooks, with deliveries that are final and never queued.
--
-- psql -v ids='{}' -v subscription_ids='{}' -v topic_ids='{}' -v kinds='{}' -v typenames='{}'
--   -v node_keys='{}' -v states='{}' -v reasons='{}' -v versions='{}' -v outcomes='{}' -v stages='{}'
--   -v messages='{}' -v started_at='{}' -v durations_ms='{}' -v query_us='{}' -v render_us='{}'
--   -v auth_us='{}' -v send_us='{}' -v first_byte_us='{}' -v statuses='{}' -v exchanges='{}' -v places='{}'
--   -v exchange_entries='{}' -v exchange_errors='{}' -f record-ended.sql
\ir ../base/store/delivery-state.sql
\ir attempt-rows.sql
WITH
-- The results, one row for each delivery with its only attempt.
results AS MATERIALIZED (
  SELECT *
  FROM unnest(
    :'ids'::bigint[], :'subscription_ids'::uuid[], :'topic_ids'::uuid[], :'kinds'::text[],
    :'typenames'::text[], :'node_keys'::text[], :'states'::text[], :'reasons'::text[], :'versions'::int[],
    :'outcomes'::text[], :'stages'::text[], :'messages'::text[], :'started_at'::timestamptz[],
    :'durations_ms'::float8[], :'query_us'::int[], :'render_us'::int[], :'auth_us'::int[], :'send_us'::int[],
    :'first_byte_us'::int[], :'statuses'::int[], :'exchanges'::int[], :'places'::int[]
  ) AS r (
    id, subscription_id, topic_id, kind, typename, node_key, state, reason, version, outcome, stage,
    message, started_at, duration_ms, query_us, render_us, auth_us, send_us, first_byte_us, status, exchange,
    place)
),
:new_ended_deliveries,
:new_exchanges,
-- Makes the rows of `attempts`. A row with `test = true` never counts towards disabling the subscription.
finished_attempts AS (
  SELECT
    id AS delivery_id, subscription_id, version, 1 AS number, kind = 'TEST' AS test, true AS counted,
    outcome, stage, message, started_at, duration_ms, query_us, render_us, auth_us, send_us, first_byte_us,
    status, exchange, place
  FROM results
)
:new_attempts;
