-- Advances a replay (past events that are sent to one subscription again) by one batch of events: inserts
-- their deliveries and moves the replay's position, both in one statement. Unlike the relay, a replay
-- includes events from before the subscription was created.
--
-- psql -v batch_size=2000 -v max_due=2000 -f replay.sql
\ir match.sql
\ir ../base/store/delivery-state.sql
WITH
-- The running replay that was advanced longest ago. A replay waits while its subscription is disabled, broken
-- or called before writes (phase BEFORE), and then continues at its position.
replay AS MATERIALIZED (
  SELECT r.id, r.position, r.from_at, r.to_at, r.subscription_id, r.includes_delivered
  FROM hookgraph.replays r
  JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
  WHERE r.state = 'RUNNING'
    AND s.status = 'ENABLED'
    AND s.phase = 'AFTER'
    -- The replay waits until all captures (recorded changes that are not events yet) of its period, tenant
    -- and node type have become events. Otherwise it would move past their ids and never send them.
    AND NOT EXISTS (
      SELECT
      FROM hookgraph.captures c
      JOIN hookgraph.topics t ON t.typename = c.typename
        OR EXISTS (
          SELECT
          FROM hookgraph.tenant_sources m
          WHERE m.members_function IS NOT NULL
            AND m.typename = t.typename
            AND m.child_typename = c.typename)
        OR EXISTS (
          SELECT
          FROM hookgraph.links l
          WHERE l.typename = t.typename AND l.link_typename = c.typename)
      WHERE t.id = s.topic_id
        AND coalesce(c.tenant, s.tenant) = s.tenant
        AND c.id > r.position
        AND c.id < hookgraph.id_at(r.to_at + interval '1 ms'))
    -- Limits the due deliveries of the subscription, so that new events wait behind few replayed events.
    AND (
      SELECT count(*)
      FROM (
        SELECT 1
        FROM hookgraph.open_deliveries o
        WHERE o.subscription_id = r.subscription_id
          AND o.held_for IS NULL
          AND o.due_at <= now()
        LIMIT :max_due
      ) due) < :max_due
  -- A time in the future is older than any other: the clock of the database has gone back since.
  ORDER BY r.updated_at > now() DESC, r.updated_at
  LIMIT 1
  FOR UPDATE OF r SKIP LOCKED
),
-- The next events of the replay's period, of all tenants and types.
batch_events AS MATERIALIZED (
  SELECT e.*
  FROM replay r
  CROSS JOIN LATERAL (
    SELECT *
    FROM hookgraph.events e
    WHERE e.id > r.position
      AND e.id < hookgraph.id_at(r.to_at + interval '1 ms')
    ORDER BY e.id
    LIMIT :batch_size
  ) e
),
-- The events that match the subscription's current topic and environments. Unless the replay includes
-- delivered events, only those that the subscription missed.
matches AS (
  SELECT
    e.id AS event_id, r.id AS replay_id, s.id AS subscription_id, t.id AS topic_id,
    s.tenant, e.typename, e.node_key
  FROM replay r
  JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
  JOIN hookgraph.topics t ON t.id = s.topic_id
  JOIN batch_events e ON e.tenant = s.tenant
    AND :fits_topic
    AND :fits_environment
    AND :fits_fold
    AND e.occurred_at BETWEEN r.from_at AND r.to_at
  WHERE :starts_no_loop
    AND (r.includes_delivered OR :is_missed)
),
:new_replay_deliveries
UPDATE hookgraph.replays x
SET
  position = coalesce((SELECT max(id) FROM batch_events), x.position),
  delivery_count = x.delivery_count + (SELECT count(*) FROM new_deliveries),
  state = CASE WHEN (SELECT count(*) FROM batch_events) < :batch_size THEN 'DONE' ELSE x.state END,
  updated_at = clock_timestamp()
FROM replay r
WHERE x.id = r.id
RETURNING x.subscription_id AS "subscriptionId", (SELECT count(*) FROM new_deliveries)::int AS deliveries;
