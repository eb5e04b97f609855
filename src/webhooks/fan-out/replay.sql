-- Advances a replay (past events that are sent to one subscription again) by one batch of events: inserts
-- their deliveries and moves the replay's position, both in one statement. Unlike the relay, a replay
-- includes events from before the subscription was created.
--
-- psql -v batch_size=2000 -v max_due=2000 -f replay.sql
\ir match.sql
\ir replayed-events.sql
\ir ../base/store/delivery-state.sql
WITH
-- The running replay that was advanced longest ago. A replay waits while its subscription is disabled, broken
-- or called before writes (phase BEFORE), and then continues at its position.
replay AS MATERIALIZED (
  SELECT r.id, r.position, r.from_at, r.to_at, r.subscription_id, r.includes_delivered, r.event_ids
  FROM hookgraph.replays r
  JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
  WHERE r.state = 'RUNNING'
    AND NOT r.is_snapshot
    AND s.status = 'ENABLED'
    AND s.phase = 'AFTER'
    -- The replay waits until all captures (recorded changes that are not events yet) of its period, tenant
    -- and node type have become events. Otherwise it would move past their ids and never send them.
    AND (r.event_ids IS NOT NULL OR NOT EXISTS (
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
        AND c.id < hookgraph.id_at(r.to_at + interval '1 ms')))
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
  -- If the clock of the database went back, replays whose last update has a time in the future come first.
  ORDER BY r.updated_at > now() DESC, r.updated_at
  LIMIT 1
  FOR UPDATE OF r SKIP LOCKED
),
:replayed_events,
-- The deliveries to create.
matches AS (
  SELECT event_id, replay_id, subscription_id, topic_id, tenant, typename, node_key
  FROM replayed_events
  WHERE is_sent
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
