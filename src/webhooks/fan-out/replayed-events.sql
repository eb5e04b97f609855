-- Finds the events that a replay sends. replay.sql creates their deliveries, replay-count.sql counts the
-- events.

-- Adds the CTEs `batch_events` and `replayed_events`. `batch_events`: the next events of all tenants and
-- types after the position of the CTE `replay` (id, position, from_at, to_at, subscription_id,
-- includes_delivered, event_ids), or only the events in event_ids. `replayed_events`: those of them that
-- match the subscription's current topic and environments. `is_sent`: whether the replay sends the event,
-- because the subscription missed it, or the replay includes delivered events.
SELECT $$
  batch_events AS MATERIALIZED (
    SELECT e.*
    FROM replay r
    CROSS JOIN LATERAL (
      SELECT *
      FROM hookgraph.events e
      WHERE r.event_ids IS NULL
        AND e.id > r.position
        AND e.id < hookgraph.id_at(r.to_at + interval '1 ms')
      ORDER BY e.id
      LIMIT :batch_size
    ) e
    UNION ALL
    SELECT e.*
    FROM replay r
    CROSS JOIN LATERAL (
      SELECT e.*
      FROM unnest(r.event_ids) AS i (id)
      CROSS JOIN LATERAL (SELECT * FROM hookgraph.events e WHERE e.id = i.id OFFSET 0) e
      WHERE i.id > r.position
      ORDER BY i.id
      LIMIT :batch_size
    ) e
  ),
  replayed_events AS (
    SELECT
      e.id AS event_id, r.id AS replay_id, s.id AS subscription_id, t.id AS topic_id,
      s.tenant, e.typename, e.node_key,
      (r.includes_delivered OR :is_missed) AS is_sent
    FROM replay r
    JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
    JOIN hookgraph.topics t ON t.id = s.topic_id
    JOIN batch_events e ON e.tenant = s.tenant
      AND :fits_topic
      AND :fits_environment
      AND :fits_fold
      AND (r.event_ids IS NOT NULL
        OR coalesce(e.occurred_at, hookgraph.time_of(e.id)) BETWEEN r.from_at AND r.to_at)
    WHERE :starts_no_loop
  )
$$ AS replayed_events \gset
