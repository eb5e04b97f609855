-- Writes the results of a batch of attempts: ends their leases, sets the next states of their deliveries, and
-- records the attempts. A result is ignored unless the queue still has its lease token: it may have been
-- written before, or another worker may have claimed the delivery since.
--
-- psql -v ids='{}' -v tokens='{}' -v states='{}' -v reasons='{}' -v waits_ms='{}' -v outcomes='{}'
--   -v stages='{}' -v messages='{}' -v started_at='{}' -v durations_ms='{}' -v query_us='{}'
--   -v render_us='{}' -v auth_us='{}' -v send_us='{}' -v first_byte_us='{}' -v statuses='{}' -v versions='{}'
--   -v exchanges='{}' -v places='{}' -v uncounted='{}' -v exchange_entries='{}' -v exchange_errors='{}'
--   -f write-attempts.sql
\ir ../base/store/delivery-state.sql
\ir attempt-rows.sql
WITH
-- The results whose lease token is still in the queue, with the ctid of the queue row as `place` and
-- its subscription as `queue`. OFFSET 0 forces one index probe per result, although the statistics of
-- open_deliveries often say that the table is empty.
results AS MATERIALIZED (
  SELECT r.*, o.place, o.queue
  FROM unnest(
    :'ids'::bigint[], :'tokens'::bigint[], :'states'::text[], :'reasons'::text[], :'waits_ms'::float8[],
    :'outcomes'::text[], :'stages'::text[], :'messages'::text[], :'started_at'::timestamptz[],
    :'durations_ms'::float8[], :'query_us'::int[], :'render_us'::int[], :'auth_us'::int[], :'send_us'::int[],
    :'first_byte_us'::int[], :'statuses'::int[], :'versions'::int[], :'exchanges'::int[], :'places'::int[],
    :'uncounted'::int[]
  ) AS r (
    id, token, state, reason, wait_ms, outcome, stage, message, started_at, duration_ms, query_us, render_us,
    auth_us, send_us, first_byte_us, status, version, exchange, position, uncounted)
  CROSS JOIN LATERAL (
    SELECT o.ctid AS place, o.subscription_id AS queue
    FROM hookgraph.open_deliveries o
    WHERE o.delivery_id = r.id AND o.lease_token = r.token
    OFFSET 0
  ) o
),
:ended_attempts,
:new_exchanges,
-- The attempts of these results; a delivery that was put back has none.
finished_attempts AS (
  SELECT
    delivery_id, subscription_id, version, attempt_count AS number, false AS test,
    uncounted IS NULL AS counted, outcome, stage, message, started_at, duration_ms, query_us, render_us,
    auth_us, send_us, first_byte_us, status, exchange, position AS place
  FROM moved_deliveries
  WHERE outcome IS NOT NULL
)
:new_attempts;
