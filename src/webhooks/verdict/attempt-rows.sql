-- Inserts the rows of the CTE `finished_attempts`, which the including statement defines, into `attempts`. No
-- other statement inserts attempts.
SELECT $$
INSERT INTO hookgraph.attempts (
  delivery_id, subscription_id, subscription_version, number, test, counted, outcome, stage, message,
  started_at, duration_ms, timings, request_url, request_headers, request_body,
  response_status, response_headers, response_body, recording)
SELECT
  delivery_id, subscription_id, version, number, test, counted, outcome, stage, message,
  started_at, duration_ms, timings, url, request_headers, request_body,
  status, response_headers, response_body, recording
FROM finished_attempts
$$ AS new_attempts \gset
