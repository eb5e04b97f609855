-- Inserts attempts and their requests and responses. No other statement inserts `attempts` or `exchanges`.

-- Inserts the rows of `exchanges` whose contents are the parameters. Inserts none if the CTE `results` is
-- empty, because then the batch was written before. Adds the CTE `exchange_rows`, with the id of each row by
-- its number.
SELECT $$
exchange_rows AS MATERIALIZED (
  SELECT hookgraph.next_id() AS id, e.number, e.entries, e.is_error
  FROM unnest(:'exchange_entries'::bytea[], :'exchange_errors'::boolean[]) WITH ORDINALITY
    AS e (entries, is_error, number)
  WHERE EXISTS (SELECT FROM results)
),
new_exchanges AS (
  INSERT INTO hookgraph.exchanges (id, is_error, entries)
  SELECT id, is_error, entries
  FROM exchange_rows
)
$$ AS new_exchanges \gset

-- Inserts the rows of the CTE `finished_attempts`, which the including statement defines, into `attempts`.
SELECT $$
INSERT INTO hookgraph.attempts (
  delivery_id, subscription_id, subscription_version, number, test, counted, outcome, stage, message,
  started_at, duration_ms, query_us, render_us, auth_us, send_us, first_byte_us, response_status,
  exchange_id, place)
SELECT
  f.delivery_id, f.subscription_id, f.version, f.number, f.test, f.counted, f.outcome, f.stage, f.message,
  f.started_at, f.duration_ms, f.query_us, f.render_us, f.auth_us, f.send_us, f.first_byte_us, f.status,
  e.id, f.place
FROM finished_attempts f
LEFT JOIN exchange_rows e ON e.number = f.exchange
$$ AS new_attempts \gset
