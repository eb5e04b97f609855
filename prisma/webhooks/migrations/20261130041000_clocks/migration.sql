-- Orders events and subscriptions by their transactions, because the clock of the database can go back.

-- Returns the identifier of this database cluster, within which transactions have an order. A restored database is in another cluster. Null
-- where reading it is not permitted.
CREATE FUNCTION hookgraph.system_number() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT system_identifier FROM pg_catalog.pg_control_system());
EXCEPTION WHEN insufficient_privilege THEN
  RETURN NULL;
END $$;

-- The transaction that created the subscription, those that had committed before, their cluster, and an id of that moment.
-- Existing subscriptions get the values of this migration.
ALTER TABLE hookgraph.subscriptions
  ADD COLUMN created_in bigint DEFAULT hookgraph.system_number(),
  ADD COLUMN created_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  ADD COLUMN created_snapshot pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
  ADD COLUMN created_id bigint;
ALTER TABLE hookgraph.subscriptions ALTER COLUMN created_id SET DEFAULT hookgraph.next_id();

-- The transaction whose changes a folded event (fold = 'WHOLE') has; null for all other events.
ALTER TABLE hookgraph.events ADD COLUMN folded_xid xid8;

CREATE OR REPLACE VIEW hookgraph.recorded AS
  SELECT id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed, before, after, context,
    false AS is_captured, fold, folded_xid
  FROM hookgraph.events
  UNION ALL
  SELECT id, xid, hookgraph.time_of(id)::timestamptz(3), tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    before, after, context, true, NULL, NULL
  FROM hookgraph.captures;

-- The latest time that a worker has read from the clock of the database; one row.
CREATE TABLE hookgraph.clock (
  id integer PRIMARY KEY CHECK (id = 1),
  latest timestamptz NOT NULL
);
INSERT INTO hookgraph.clock (id, latest) VALUES (1, clock_timestamp());
