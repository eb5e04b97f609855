-- Claims due deliveries of enabled subscriptions, in the order of subscription_ids, and leases them to the
-- calling worker under one token. FOR SHARE SKIP LOCKED skips a subscription that a mutation is changing. A
-- mutation that disables a subscription waits until this claim has committed.
--
-- psql -v subscription_ids='{}' -v counts='{}' -v due_after='{}' -v id_after='{}' -v is_paced=false
--   -v total=100 -v lease_ms=15000 -v token=1 -f claim.sql
\ir ../base/store/delivery-state.sql
WITH
-- The queue rows to lease; `place` is the ctid of a row. OFFSET 0 forces one index probe per subscription,
-- even with stale statistics. `(SELECT …)` hides the lengths of the arrays from the planner, which would
-- otherwise make a new plan at every claim. synchronous_commit is off, because a lease need not survive a
-- crash of Postgres.
claims AS MATERIALIZED (
  SELECT o.ctid AS place, x.id, x.version
  FROM (SELECT set_config('synchronous_commit', 'off', true)) AS setting
  CROSS JOIN unnest(
    (SELECT :'subscription_ids'::uuid[]),
    (SELECT :'counts'::int[]),
    (SELECT :'due_after'::timestamptz[]),
    (SELECT :'id_after'::bigint[])
  ) AS want (id, count, due_after, id_after)
  CROSS JOIN LATERAL (
    SELECT x.id, x.version
    FROM hookgraph.subscriptions x
    WHERE x.id = want.id AND x.status = 'ENABLED' AND x.paced = :is_paced
    OFFSET 0
    FOR SHARE SKIP LOCKED
  ) x
  CROSS JOIN LATERAL (
    SELECT o.ctid
    FROM hookgraph.open_deliveries o
    WHERE o.subscription_id = want.id
      AND o.held_for IS NULL
      AND o.due_at <= now()
      AND (o.due_at, o.delivery_id) > (want.due_after, want.id_after)
      AND (o.lease_until IS NULL OR o.lease_until < now())
    ORDER BY o.due_at, o.delivery_id
    LIMIT want.count
    FOR UPDATE SKIP LOCKED
  ) o
  LIMIT :total
),
:new_leases
-- The node is null when only the event has it. claim.ts then reads it from there, because a subquery here
-- would open each partition of `events` at every claim.
-- Of the last three columns, the first is true for a delivery to send, false when the delivery has ended or
-- its replay was cancelled, and null when the delivery no longer exists. Unless it is true, claim.ts ends the
-- delivery and deletes its queue row. The second is true for a delivery that has waited for the operator. The
-- third is the last pause, in milliseconds, of a delivery whose query was too slow.
SELECT
  l.delivery_id, l.subscription_id, x.version, d.kind,
  coalesce(d.typename, l.typename), coalesce(d.node_key, l.node_key),
  d.attempt_count, l.due_at::text,
  greatest(extract(epoch FROM now() - coalesce(d.created_at, hookgraph.time_of(d.id))), 0)::float8 * 1000,
  d.event_id, d.replay_id, d.state IN ('PENDING', 'RETRYING') AND :is_wanted, d.reason = 'OPERATOR',
  CASE d.reason WHEN 'SLOW' THEN extract(epoch FROM d.due_at - d.updated_at)::float8 * 1000 END
FROM leases l
LEFT JOIN LATERAL (
  SELECT *
  FROM hookgraph.deliveries d
  WHERE d.id = l.delivery_id
  OFFSET 0
) d ON true
JOIN (SELECT DISTINCT id, version FROM claims) x ON x.id = l.subscription_id;
