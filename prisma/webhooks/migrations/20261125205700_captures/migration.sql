-- What writers record: rows that wait for the relay, which turns them into events. All that a writer pays for is here, so there is
-- one index, and it grows at its end; no partitions, no checks. The triggers of before write events and event_queue themselves:
-- transactions that are under way, and writers until the triggers are attached anew, go on doing so, and the relay takes both.
CREATE TABLE hookgraph.captures (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- How many parents up its tenant is: of one transaction, parents become events before their children.
  depth smallint NOT NULL,
  id bigint NOT NULL DEFAULT hookgraph.next_id(),
  -- Null only for a row whose owner on a parent row went in the same transaction; then the parent is named, and the relay finds it.
  tenant text,
  parent_typename text,
  parent_key text,
  environment text,
  typename text NOT NULL,
  node_key text NOT NULL,
  operation text NOT NULL,
  changed text[],
  before jsonb,
  after jsonb,
  -- Text, not jsonb: whatever a session put into hookgraph.context must not fail its write.
  context text,
  PRIMARY KEY (xid, depth, id)
) WITH (
  -- Never truncated: that takes a lock that writers would wait for.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_cost_delay = 0, toast.vacuum_truncate = off
);
-- Here for a moment only: compressed when it becomes an event.
ALTER TABLE hookgraph.captures ALTER before SET STORAGE EXTERNAL, ALTER after SET STORAGE EXTERNAL, ALTER context SET STORAGE EXTERNAL;

-- All that was recorded, relayed or not. Reads the whole queue: for questions, not for the journey.
CREATE VIEW hookgraph.recorded AS
  SELECT id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed, before, after, context,
    false AS is_captured
  FROM hookgraph.events
  UNION ALL
  SELECT id, xid, hookgraph.time_of(id)::timestamptz(3), tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    before, after, context, true
  FROM hookgraph.captures;

-- The same answers; with numeric they took a third longer, and every row pays for one of each.
CREATE OR REPLACE FUNCTION hookgraph.next_id() RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT (((date_part('epoch', clock_timestamp()) * 1000)::bigint - 1577836800000) << 20) | (nextval('hookgraph.id_sequence') & 1048575) $$;
CREATE OR REPLACE FUNCTION hookgraph.time_of(id bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT to_timestamp(((id >> 20) + 1577836800000) / 1000.0::float8) $$;
