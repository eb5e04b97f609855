-- Advances a snapshot (current nodes that are sent to one subscription) by one step: inserts the deliveries
-- of the rows that snapshot.ts has read, and moves the snapshot's position, both in one statement.
--
-- A node of which the subscription got a live delivery since the start is left out: that delivery has the
-- node's state of now. The statement changes nothing while a change that the reading saw, and that may become
-- a live delivery, is not relayed yet.
--
-- psql -v id=7 -v after_key='{1}' -v last_key='{9}' -v keys='{2,9}' -v scanned=8 -v is_last=false
--   -v seen=10:20:10,14 -v seen_at=2026-01-01Z -f snapshot.sql
\ir match.sql
\ir ../base/store/delivery-state.sql
WITH
-- Another worker may have advanced the snapshot since the rows were read; then its position differs.
replay AS MATERIALIZED (
  SELECT r.id, r.position, r.subscription_id
  FROM hookgraph.replays r
  JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
  WHERE r.id = :id::bigint
    AND r.state = 'RUNNING'
    AND r.after_key IS NOT DISTINCT FROM :'after_key'::text[]
    AND s.status = 'ENABLED'
    AND NOT EXISTS (
      SELECT
      FROM hookgraph.captures c
      JOIN hookgraph.topics t ON t.typename = c.typename
        OR EXISTS (
          SELECT
          FROM hookgraph.tenant_sources m
          WHERE m.typename = t.typename AND m.child_typename = c.typename)
        OR EXISTS (
          SELECT
          FROM hookgraph.links l
          WHERE l.typename = t.typename AND l.link_typename = c.typename)
      WHERE t.id = s.topic_id
        AND coalesce(c.tenant, s.tenant) = s.tenant
        AND pg_visible_in_snapshot(c.xid, :'seen'::text::pg_snapshot))
    AND NOT EXISTS (
      SELECT
      FROM hookgraph.fan_outs f
      WHERE f.tenant = s.tenant AND f.event_id < hookgraph.id_at(:'seen_at'::timestamptz + interval '1 ms'))
  FOR UPDATE OF r SKIP LOCKED
),
-- The nodes that were read, except those of which the subscription got a live delivery after the start.
matches AS MATERIALIZED (
  SELECT k.key AS node_key, r.id AS replay_id, s.id AS subscription_id, s.topic_id, t.typename
  FROM replay r
  JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
  JOIN hookgraph.topics t ON t.id = s.topic_id
  CROSS JOIN unnest(:'keys'::text[]) k (key)
  -- OFFSET makes Postgres look up the events per node. If a transaction takes more than a day, its events may
  -- have lower ids; then the node is sent twice.
  WHERE NOT EXISTS (
    SELECT
    FROM hookgraph.events e
    CROSS JOIN LATERAL (
      SELECT id, state, reason
      FROM hookgraph.deliveries
      WHERE event_id = e.id AND subscription_id = s.id AND kind = 'LIVE'
      OFFSET 0
    ) d
    WHERE hookgraph.node_hash(e.typename, e.node_key) = hookgraph.node_hash(t.typename, k.key)
      AND e.typename = t.typename
      AND e.node_key = k.key
      AND e.id >= r.position - (86400000::bigint << 20)
      AND d.id >= r.position
      AND :is_settled
    OFFSET 0)
),
:new_snapshot_deliveries
UPDATE hookgraph.replays x
SET
  after_key = coalesce(:'last_key'::text[], x.after_key),
  scanned = x.scanned + :scanned::int,
  delivery_count = x.delivery_count + (SELECT count(*) FROM new_deliveries),
  state = CASE WHEN :is_last::boolean THEN 'DONE' ELSE x.state END,
  updated_at = clock_timestamp()
FROM replay r
WHERE x.id = r.id
RETURNING (SELECT count(*) FROM new_deliveries)::int AS deliveries;
