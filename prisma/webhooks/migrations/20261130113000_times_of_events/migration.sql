-- An event no longer repeats the time that its id has. Rows of before, and those of which the time differs, have it.
ALTER TABLE hookgraph.events ALTER COLUMN occurred_at DROP NOT NULL;

CREATE OR REPLACE VIEW hookgraph.recorded AS
  SELECT id, xid, coalesce(occurred_at, hookgraph.time_of(id))::timestamptz(3) AS occurred_at, tenant, parent_typename, parent_key, environment,
    typename, node_key, operation, changed, before, after, context, false AS is_captured, fold, folded_xid, layout_id
  FROM hookgraph.events
  UNION ALL
  SELECT id, xid, hookgraph.time_of(id)::timestamptz(3), tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    before, after, context, true, NULL, NULL, NULL
  FROM hookgraph.captures;
