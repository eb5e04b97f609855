-- Reads the next committed changes of a tenant after the position (xid, id), in the order of their
-- transactions, and how far everything is committed and relayed.
--
-- A transaction is read once it and all transactions with lower ids have ended, so that none is skipped,
-- however late it commits. Transactions in other databases of the server don't count. A transaction of which
-- a change still waits for the relay isn't read, and neither is any after it.
--
-- psql -v tenant=org -v typenames='{Thing}' -v xid=0 -v id=0 -v max_scanned=20000 -v max_rows=26
--   -f changes.sql
WITH
-- The open transactions of this database, including prepared ones. A transaction whose database is unknown,
-- because it has just ended, counts as one of this database.
open_transactions AS MATERIALIZED (
  SELECT x.xid
  FROM pg_snapshot_xip(pg_current_snapshot()) x (xid)
  WHERE NOT EXISTS (
      SELECT
      FROM pg_stat_activity a
      WHERE a.backend_xid::text::numeric = x.xid::text::numeric % 4294967296
        AND a.datname <> current_database())
    AND NOT EXISTS (
      SELECT
      FROM pg_prepared_xacts p
      WHERE p.transaction::text::numeric = x.xid::text::numeric % 4294967296
        AND p.database <> current_database())
),
-- All transactions below this id have ended and are relayed. The condition on `captures` skips the dead index
-- entries of changes that were relayed long ago; below a position that was read before, there are no
-- captures.
frontier AS MATERIALIZED (
  SELECT least(
    coalesce(
      (SELECT xid FROM open_transactions ORDER BY xid LIMIT 1),
      pg_snapshot_xmax(pg_current_snapshot())),
    (SELECT xid FROM hookgraph.captures WHERE xid >= :'xid'::text::xid8 ORDER BY xid, depth, id LIMIT 1)
  ) AS xid
),
-- The next events of all tenants, up to the number that one statement may scan.
scanned AS MATERIALIZED (
  SELECT
    coalesce(e.folded_xid, e.xid) AS xid, e.id,
    coalesce(e.occurred_at, hookgraph.time_of(e.id)) AS occurred_at, e.tenant, e.typename, e.node_key,
    e.operation, e.changed
  FROM hookgraph.events e
  WHERE e.fold IS DISTINCT FROM 'PART'
    -- Leaves out events that only say that a related row changed.
    AND e.fold IS DISTINCT FROM 'RELATED'
    AND (coalesce(e.folded_xid, e.xid), e.id) > (:'xid'::text::xid8, :id::bigint)
    AND coalesce(e.folded_xid, e.xid) < (SELECT xid FROM frontier)
  ORDER BY coalesce(e.folded_xid, e.xid), e.id
  LIMIT :max_scanned
),
-- The scanned events of the tenant and the types.
found AS MATERIALIZED (
  SELECT *
  FROM scanned
  WHERE tenant = :'tenant'::text
    AND (:'typenames'::text[] IS NULL OR typename = ANY (:'typenames'::text[]))
  ORDER BY xid, id
  LIMIT :max_rows
),
-- The last event that was read, and the time since which events are kept. Always one row, even if nothing was
-- found.
reading AS MATERIALIZED (
  SELECT
    frontier.xid::text AS frontier,
    hookgraph.system_number()::text AS system,
    (SELECT hookgraph.time_of(max(before_id))
      FROM hookgraph.forgotten
      WHERE history = 'events' AND tenant IN ('', :'tenant'::text)) AS "eventsFrom",
    clock_timestamp() AS now,
    (SELECT count(*) FROM scanned)::int AS scanned,
    (SELECT ARRAY[xid::text, id::text] FROM scanned ORDER BY scanned.xid DESC, scanned.id DESC LIMIT 1)
      AS last
  FROM frontier
)
SELECT
  r.*, f.xid::text AS xid, f.id, f.occurred_at AS "occurredAt", f.typename, f.node_key AS "nodeKey",
  f.operation, f.changed
FROM reading r
LEFT JOIN found f ON true
ORDER BY f.xid, f.id;
