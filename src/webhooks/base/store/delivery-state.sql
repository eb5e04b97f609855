-- Writes `deliveries` and `open_deliveries` as parts of longer statements; delivery-state.ts has all other
-- writes of the two tables. Each fragment is a list of CTEs. Its comment names the CTE that the including
-- statement must define before it, and the CTEs that the fragment adds.

-- Creates a delivery per row of the CTE `matches` (event_id, subscription_id, status, is_ordered, topic_id,
-- typename, node_key), and queues it, unless its subscription is disabled: then the delivery is SKIPPED,
-- which is final. A delivery of an ordered subscription waits until ordered-deliveries.ts releases it. Once
-- `compaction.since` has passed, all processes can find the node and the first times in the event, the queue
-- and the id; so they are no longer stored in the delivery. The including statement takes the events out of a
-- queue, so no other process creates their deliveries at the same time. If one did, the unique key would fail
-- the statement, and the retry would find them. ON CONFLICT would write one more WAL record per delivery.
-- Adds the CTEs `compact`, `live_matches`, `new_deliveries` and `queue_rows`.
SELECT $$
  compact AS MATERIALIZED (
    SELECT since <= now() AS is_on
    FROM hookgraph.compaction
  ),
  live_matches AS MATERIALIZED (
    SELECT
      hookgraph.next_id() AS id, event_id, subscription_id, topic_id, typename, node_key,
      CASE
        WHEN status = 'DISABLED' THEN 'SKIPPED'
        WHEN status = 'ENABLED' OR is_ordered THEN 'PENDING'
        ELSE 'HELD' END AS state,
      CASE
        WHEN status = 'DISABLED' THEN 'DISABLED'
        WHEN is_ordered THEN 'ORDER'
        WHEN status = 'HELD' THEN 'BROKEN' END AS reason
    FROM matches m
    WHERE NOT EXISTS (
      SELECT
      FROM hookgraph.deliveries d
      WHERE d.event_id = m.event_id AND d.subscription_id = m.subscription_id AND d.kind = 'LIVE'
      OFFSET 0)
    ORDER BY event_id
  ),
  new_deliveries AS (
    INSERT INTO hookgraph.deliveries (
      id, event_id, subscription_id, topic_id, typename, node_key, created_at, due_at, state, reason)
    SELECT
      id, event_id, subscription_id, topic_id, CASE WHEN NOT c.is_on THEN typename END,
      CASE WHEN NOT c.is_on THEN node_key END, CASE WHEN NOT c.is_on THEN now() END,
      CASE WHEN NOT c.is_on THEN now() END, state, reason
    FROM live_matches
    CROSS JOIN compact c
    RETURNING id, subscription_id, state
  ),
  queue_rows AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for, typename, node_key)
    SELECT id, subscription_id, now(), reason, typename, node_key
    FROM live_matches
    WHERE state <> 'SKIPPED'
  )
$$ AS new_live_deliveries \gset

-- Creates and queues a delivery per row of the CTE `matches` (event_id, replay_id, subscription_id, topic_id,
-- typename, node_key), for a replay of past events. Adds the CTEs `new_deliveries` and `queue_rows`.
SELECT $$
  new_deliveries AS (
    INSERT INTO hookgraph.deliveries (
      event_id, replay_id, subscription_id, topic_id, kind, typename, node_key, due_at)
    SELECT event_id, replay_id, subscription_id, topic_id, 'REPLAY', typename, node_key, now()
    FROM matches
    ORDER BY event_id
    ON CONFLICT (replay_id, event_id) WHERE replay_id IS NOT NULL DO NOTHING
    RETURNING id, subscription_id, due_at
  ),
  queue_rows AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at)
    SELECT id, subscription_id, due_at
    FROM new_deliveries
  )
$$ AS new_replay_deliveries \gset

-- Creates and queues a delivery per row of the CTE `matches` (replay_id, subscription_id, topic_id,
-- typename, node_key), for a snapshot. It has no event. Adds the CTEs `new_deliveries` and `queue_rows`.
SELECT $$
  new_deliveries AS (
    INSERT INTO hookgraph.deliveries (
      replay_id, subscription_id, topic_id, kind, typename, node_key, due_at)
    SELECT replay_id, subscription_id, topic_id, 'SNAPSHOT', typename, node_key, now()
    FROM matches
    RETURNING id, subscription_id, due_at
  ),
  queue_rows AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at)
    SELECT id, subscription_id, due_at
    FROM new_deliveries
  )
$$ AS new_snapshot_deliveries \gset

-- Creates a delivery in a final state per row of the CTE `results` (id, subscription_id, topic_id, kind,
-- typename, node_key, state, reason), for tests and before-hooks, which are never queued. Adds the CTE
-- `ended_deliveries`.
SELECT $$
  ended_deliveries AS (
    INSERT INTO hookgraph.deliveries (
      id, subscription_id, topic_id, kind, typename, node_key, due_at, state, reason, attempt_count)
    SELECT id, subscription_id, topic_id, kind, typename, node_key, now(), state, reason, 1
    FROM results
  )
$$ AS new_ended_deliveries \gset

-- False if the delivery `d` belongs to a cancelled replay of which some deliveries are still to be cancelled.
SELECT $$
  (d.replay_id IS NULL OR d.replay_id NOT IN (
    SELECT x.id
    FROM hookgraph.replays x
    WHERE x.state = 'CANCELLED' AND NOT x.is_cleared))
$$ AS is_wanted \gset

-- Leases the queue rows whose ctids are in `claims.place` to the worker that claims them. Adds the CTE
-- `leases`.
SELECT $$
  leases AS (
    UPDATE hookgraph.open_deliveries o
    SET
      lease_until = now() + :lease_ms * interval '1 ms',
      lease_token = :token
    WHERE o.ctid = ANY (ARRAY(SELECT place FROM claims))
    RETURNING o.delivery_id, o.subscription_id, o.due_at, o.typename, o.node_key
  )
$$ AS new_leases \gset

-- Ends the leases of the CTE `results` (id, token, place: ctid of the queue row, queue: its subscription,
-- state, reason, wait_ms, outcome, version), sets the next states of their deliveries, and queues the
-- deliveries that are not final. Adds the CTEs `ended_leases`, `moved_deliveries` (with the columns of
-- `results`) and `requeued_rows`.
-- - A delivery that was cancelled during the attempt stays cancelled.
-- - A delivery whose subscription is no longer enabled is held instead of retried. The status is read by a
--   subquery, which runs only for deliveries that would be due again.
-- - A delivery that waits for the operator (reason OPERATOR), or whose query is too slow (SLOW), waits about
--   twice as long as the last time, at most 5 minutes. Its last pause is the time from updated_at to due_at.
--   If no other delivery of its subscription is due within 30 seconds, one that waits for the operator waits
--   at most 30 seconds, so that one of them notices soon that the fault is corrected; put-back.ts then makes
--   the others due.
-- - A delivery that is held for the reason NODE has the number of the subscription's last release, or one
--   less if the attempt was made with an older version of its definition: then it is released again.
-- - IS TRUE makes the planner hash the ids instead of comparing all pairs.
SELECT $$
  ended_leases AS (
    DELETE FROM hookgraph.open_deliveries o
    WHERE o.ctid = ANY (ARRAY(SELECT place FROM results))
      AND o.lease_token = ANY (ARRAY(SELECT DISTINCT token FROM results))
    RETURNING o.delivery_id
  ),
  moved_deliveries AS (
    UPDATE hookgraph.deliveries d
    SET
      state = CASE
        WHEN d.state NOT IN ('PENDING', 'RETRYING') THEN d.state
        WHEN coalesce(r.state, d.state) IN ('PENDING', 'RETRYING')
          AND (SELECT x.status FROM hookgraph.subscriptions x WHERE x.id = d.subscription_id) <> 'ENABLED'
          THEN 'HELD'
        ELSE coalesce(r.state, d.state) END,
      reason = CASE
        WHEN d.state NOT IN ('PENDING', 'RETRYING') THEN d.reason
        WHEN coalesce(r.state, d.state) IN ('PENDING', 'RETRYING')
          AND (SELECT x.status FROM hookgraph.subscriptions x WHERE x.id = d.subscription_id) <> 'ENABLED'
          THEN CASE (SELECT x.status FROM hookgraph.subscriptions x WHERE x.id = d.subscription_id)
            WHEN 'HELD' THEN 'BROKEN' ELSE 'DISABLED' END
        ELSE r.reason END,
      due_at = CASE
        WHEN r.wait_ms IS NULL THEN d.due_at
        WHEN r.reason IN ('OPERATOR', 'SLOW') AND d.reason = r.reason THEN now() + greatest(
          r.wait_ms * interval '1 ms',
          least((d.due_at - d.updated_at) * (1.5 + random()), CASE
            WHEN r.reason = 'OPERATOR'
              AND d.id = (SELECT min(q.id) FROM results q WHERE q.queue = r.queue AND q.reason = 'OPERATOR')
              AND NOT EXISTS (
                SELECT
                FROM hookgraph.open_deliveries o
                WHERE o.subscription_id = r.queue
                  AND o.held_for IS NULL
                  AND o.due_at BETWEEN now() AND now() + interval '30 seconds')
              THEN interval '30 seconds'
            ELSE interval '5 minutes' END))
        ELSE now() + r.wait_ms * interval '1 ms' END,
      attempt_count = d.attempt_count + CASE WHEN r.outcome IS NULL THEN 0 ELSE 1 END,
      updated_at = clock_timestamp()
    FROM results r
    WHERE d.id = r.id
      AND (r.id IN (SELECT delivery_id FROM ended_leases)) IS TRUE
    RETURNING
      d.id AS delivery_id, d.subscription_id, d.attempt_count,
      coalesce(d.due_at, hookgraph.time_of(d.id)) AS due_at,
      d.state AS state_now, d.reason AS reason_now, r.*
  ),
  requeued_rows AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for, held_number)
    SELECT
      delivery_id, subscription_id, due_at, CASE state_now WHEN 'HELD' THEN reason_now END,
      CASE WHEN state_now = 'HELD' AND reason_now = 'NODE' THEN (
        SELECT x.releases - (x.version <> m.version)::int
        FROM hookgraph.subscriptions x
        WHERE x.id = m.subscription_id) ELSE 0 END
    FROM moved_deliveries m
    WHERE state_now IN ('PENDING', 'RETRYING', 'HELD')
  )
$$ AS ended_attempts \gset
