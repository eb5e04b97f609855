-- Writes the results of a batch of attempts: ends their leases, sets the next states of their deliveries, and
-- records the attempts. A result is ignored unless the queue still has its lease token: it may have been
-- written before, or another worker may have claimed the delivery since.
--
-- psql -v ids='{}' -v tokens='{}' -v states='{}' -v reasons='{}' -v waits_ms='{}' -v outcomes='{}'
--   -v stages='{}' -v messages='{}' -v started_at='{}' -v durations_ms='{}' -v timings='{}' -v urls='{}'
--   -v request_headers='{}' -v request_bodies='{}' -v statuses='{}' -v response_headers='{}'
--   -v response_bodies='{}' -v versions='{}' -v recordings='{}' -v request_sets='{}' -v response_sets='{}'
--   -v uncounted='{}' -v shared_request_headers='{}' -v shared_response_headers='{}' -f write-attempts.sql
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
    :'durations_ms'::float8[], :'timings'::jsonb[], :'urls'::text[], :'request_headers'::jsonb[],
    :'request_bodies'::text[], :'statuses'::int[], :'response_headers'::jsonb[], :'response_bodies'::text[],
    :'versions'::int[], :'recordings'::jsonb[], :'request_sets'::int[], :'response_sets'::int[],
    :'uncounted'::int[]
  ) AS r (
    id, token, state, reason, wait_ms, outcome, stage, message, started_at, duration_ms, timings, url,
    request_headers, request_body, status, response_headers, response_body, version, recording,
    request_set, response_set, uncounted)
  CROSS JOIN LATERAL (
    SELECT o.ctid AS place, o.subscription_id AS queue
    FROM hookgraph.open_deliveries o
    WHERE o.delivery_id = r.id AND o.lease_token = r.token
    OFFSET 0
  ) o
),
:ended_attempts,
-- Merges the shared headers of the batch with the differences of each attempt.
finished_attempts AS (
  SELECT
    m.delivery_id, m.subscription_id, m.version, m.attempt_count AS number,
    false AS test, m.uncounted IS NULL AS counted, m.outcome, m.stage, m.message,
    m.started_at, m.duration_ms, m.timings, m.url,
    coalesce(q.headers || m.request_headers, m.request_headers) AS request_headers, m.request_body,
    m.status, coalesce(p.headers || m.response_headers, m.response_headers) AS response_headers,
    m.response_body, m.recording
  FROM moved_deliveries m
  LEFT JOIN unnest(:'shared_request_headers'::jsonb[]) WITH ORDINALITY AS q (headers, n)
    ON q.n = m.request_set
  LEFT JOIN unnest(:'shared_response_headers'::jsonb[]) WITH ORDINALITY AS p (headers, n)
    ON p.n = m.response_set
  WHERE m.outcome IS NOT NULL
)
:new_attempts;
