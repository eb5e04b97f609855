-- Adds the next attempts to their subscriptions' statistics, and moves the position behind them. Both happen
-- in this one statement, so a run that is killed, or that repeats another run, counts no attempt twice. Tests
-- aren't counted.
--
-- Below the id `until`, no transaction may commit an attempt any more: the position never returns.
--
-- psql -v until=1 -v span_ms=300000 -f attempt-stats.sql
WITH
-- Concurrent runs wait here for each other, and see the position to which the other one has moved.
counted AS MATERIALIZED (
  SELECT position
  FROM hookgraph.attempt_stats_position
  FOR UPDATE
),
-- The ids to count: `span_ms` milliseconds, beginning with the next attempt. If the number of rows were
-- limited instead, Postgres would sort all remaining attempts while it has no statistics about them.
bounds AS MATERIALIZED (
  SELECT
    c.position AS first_id,
    greatest(c.position, least(:until::bigint, (
      SELECT min(a.id) FROM hookgraph.attempts a WHERE a.id >= c.position
    ) + (:span_ms::bigint << 20))) AS end_id
  FROM counted c
),
-- The next attempts, without their wide columns.
batch AS MATERIALIZED (
  SELECT a.id, a.subscription_id, a.outcome, a.duration_ms, a.test
  FROM bounds b
  JOIN hookgraph.attempts a ON a.id >= b.first_id AND a.id < b.end_id
),
-- One row for each subscription, slot, outcome and item of the histogram.
groups AS (
  SELECT
    subscription_id,
    date_bin('5 minutes', hookgraph.time_of(id), '2020-01-01Z') AS slot,
    outcome,
    CASE WHEN outcome IN ('DELIVERED', 'FAILED')
      THEN least(80, 1 + ceil(4 * ln(greatest(1, duration_ms)) / ln(2::float8))) END::int AS item,
    count(*)::int AS count
  FROM batch
  WHERE NOT test
  GROUP BY 1, 2, 3, 4
),
-- One row for each subscription and slot. `items` is the length of its histogram.
sums AS (
  SELECT
    subscription_id, slot,
    coalesce(sum(count) FILTER (WHERE outcome = 'DELIVERED'), 0) AS delivered,
    coalesce(sum(count) FILTER (WHERE outcome = 'FAILED'), 0) AS failed,
    coalesce(sum(count) FILTER (WHERE outcome = 'SKIPPED'), 0) AS skipped,
    coalesce(sum(count) FILTER (WHERE outcome = 'HELD'), 0) AS held,
    coalesce(max(item), 0) AS items
  FROM groups
  GROUP BY 1, 2
),
-- The histograms, one row for each subscription and slot.
histograms AS (
  SELECT n.subscription_id, n.slot, array_agg(coalesce(g.count, 0) ORDER BY i.item) AS durations
  FROM sums n
  CROSS JOIN LATERAL generate_series(1, n.items) AS i (item)
  LEFT JOIN (
    SELECT subscription_id, slot, item, sum(count)::int AS count
    FROM groups
    WHERE item IS NOT NULL
    GROUP BY 1, 2, 3
  ) g ON g.subscription_id = n.subscription_id AND g.slot = n.slot AND g.item = i.item
  GROUP BY 1, 2
),
-- Adds these sums to the counts of earlier batches.
added AS (
  INSERT INTO hookgraph.attempt_stats AS s (
    subscription_id, slot, delivered, failed, skipped, held, durations)
  SELECT
    n.subscription_id, n.slot, n.delivered, n.failed, n.skipped, n.held, coalesce(h.durations, '{}')
  FROM sums n
  LEFT JOIN histograms h ON h.subscription_id = n.subscription_id AND h.slot = n.slot
  ORDER BY n.subscription_id, n.slot
  ON CONFLICT (subscription_id, slot) DO UPDATE SET
    delivered = s.delivered + excluded.delivered,
    failed = s.failed + excluded.failed,
    skipped = s.skipped + excluded.skipped,
    held = s.held + excluded.held,
    durations = ARRAY(
      SELECT coalesce(u.old, 0) + coalesce(u.new, 0)
      FROM unnest(s.durations, excluded.durations) WITH ORDINALITY AS u (old, new, item)
      ORDER BY u.item)
)
UPDATE hookgraph.attempt_stats_position p
SET position = b.end_id
FROM bounds b
RETURNING p.position >= :until AS "isDone", (SELECT count(*) FROM batch)::int AS count;
