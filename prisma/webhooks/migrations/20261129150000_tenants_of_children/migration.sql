-- Rows whose tenants other rows decide: settled by the relay, when the transaction has committed.

-- The announced types of that kind. Kept in step by migrate, so that a relay of any process settles them.
CREATE TABLE hookgraph.tenant_sources (
  typename text PRIMARY KEY,
  -- The announced type whose rows decide, and its columns that point to the row, in the order of its key.
  child_typename text NOT NULL,
  child_columns text[] NOT NULL,
  -- In this schema: keys -> the tenants that the rows as they are now decide.
  function_name text NOT NULL
);

-- Events that reached nobody: few, and asked for by people.
CREATE INDEX events_without_tenant ON hookgraph.events (id) WHERE tenant IS NULL;

-- Events without a tenant -> the tenants of each: those of the rows that point to it now. Of a deleted one, and where there are none, those
-- of the rows that pointed to it in the same transaction. They are captures still, unless a relay that had this row died after another
-- had filed them: then they are events of about the same time.
-- STABLE: it sees the captures that the relay's statement takes. No nested loops: the planner doesn't know how many rows there are.
CREATE FUNCTION hookgraph.tenants_by_children(ids bigint[], xids xid8[], typenames text[], keys text[], operations text[])
RETURNS TABLE (id bigint, tenant text) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
  source record;
  present jsonb;
  around constant bigint := 10000::bigint << 20;
BEGIN
  FOR source IN SELECT s.* FROM hookgraph.tenant_sources s WHERE s.typename = ANY (typenames) ORDER BY s.typename LOOP
    BEGIN
      EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''key'', node_key, ''tenant'', tenant)), ''[]'') FROM hookgraph.%I($1)', source.function_name)
        INTO present USING ARRAY(SELECT DISTINCT l.key FROM unnest(typenames, keys) AS l (typename, key) WHERE l.typename = source.typename);
    EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR plpgsql_error THEN
      -- A column was dropped or renamed since migrate, or a host's expression failed: it must not stop the relay.
      RAISE LOG 'hookgraph: no tenants of % by its rows of %: %', source.typename, source.child_typename, SQLERRM;
      present := '[]';
    END;
    RETURN QUERY
    WITH RECURSIVE late AS MATERIALIZED (
      SELECT l.* FROM unnest(ids, xids, typenames, keys, operations) AS l (id, xid, typename, key, operation) WHERE l.typename = source.typename),
    alive AS MATERIALIZED (SELECT p.key, p.tenant FROM jsonb_to_recordset(present) AS p (key text, tenant text)),
    wanted AS MATERIALIZED (
      SELECT l.id, l.xid, l.key FROM late l WHERE l.operation = 'deleted' OR l.key NOT IN (SELECT a.key FROM alive a)),
    captured AS MATERIALIZED (
      SELECT c.xid, c.typename, c.node_key, c.operation, c.tenant, c.parent_typename, c.parent_key, c.before, c.after FROM hookgraph.captures c
      WHERE c.xid = ANY (ARRAY(SELECT w.xid FROM wanted w))),
    captured_kin AS MATERIALIZED (
      SELECT DISTINCT s.xid, d.key, s.tenant, s.parent_typename, s.parent_key
      FROM captured s CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality(source.child_columns) = 1 THEN x.document ->> source.child_columns[1]
          ELSE '[' || (SELECT string_agg(to_json(x.document ->> c)::text, ',' ORDER BY ord) FROM unnest(source.child_columns) WITH ORDINALITY AS u (c, ord)) || ']'
          END AS key
        FROM (VALUES (s.before), (s.after)) x (document)) d
      WHERE s.typename = source.child_typename AND d.key IS NOT NULL),
    missed AS MATERIALIZED (SELECT w.id, w.xid FROM wanted w WHERE (w.xid, w.key) NOT IN (SELECT k.xid, k.key FROM captured_kin k WHERE k.tenant IS NOT NULL)),
    filed AS MATERIALIZED (
      SELECT e.xid, e.typename, e.node_key, e.operation, e.tenant, e.parent_typename, e.parent_key, e.before, e.after FROM hookgraph.events e
      WHERE e.id >= (SELECT min(m.id) FROM missed m) - around AND e.id <= (SELECT max(m.id) FROM missed m) + around
        AND e.xid = ANY (ARRAY(SELECT m.xid FROM missed m))),
    filed_kin AS MATERIALIZED (
      SELECT DISTINCT s.xid, d.key, s.tenant, s.parent_typename, s.parent_key
      FROM filed s CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality(source.child_columns) = 1 THEN x.document ->> source.child_columns[1]
          ELSE '[' || (SELECT string_agg(to_json(x.document ->> c)::text, ',' ORDER BY ord) FROM unnest(source.child_columns) WITH ORDINALITY AS u (c, ord)) || ']'
          END AS key
        FROM (VALUES (s.before), (s.after)) x (document)) d
      WHERE s.typename = source.child_typename AND d.key IS NOT NULL),
    kin AS MATERIALIZED (SELECT * FROM captured_kin UNION SELECT * FROM filed_kin),
    gone AS MATERIALIZED (
      SELECT c.xid, c.typename, c.node_key, c.tenant, c.parent_typename, c.parent_key FROM captured c WHERE c.operation = 'deleted'
      UNION ALL
      SELECT f.xid, f.typename, f.node_key, f.tenant, f.parent_typename, f.parent_key FROM filed f WHERE f.operation = 'deleted'),
    -- As the relay does: a parent that went in the same transaction says whose it was. Ambiguous: none.
    up AS (
      SELECT DISTINCT k.xid, k.parent_typename AS typename, k.parent_key AS key, k.parent_typename, k.parent_key, NULL::text AS tenant
      FROM kin k WHERE k.tenant IS NULL AND k.parent_key IS NOT NULL
      UNION
      SELECT up.xid, up.typename, up.key, s.parent_typename, s.parent_key, s.tenant
      FROM up JOIN gone s ON s.xid = up.xid AND s.typename = up.parent_typename AND s.node_key = up.parent_key
      WHERE up.tenant IS NULL),
    parents AS (SELECT up.xid, up.typename, up.key, min(up.tenant) AS tenant FROM up GROUP BY 1, 2, 3 HAVING min(up.tenant) = max(up.tenant))
    SELECT l.id, a.tenant FROM late l JOIN alive a ON a.key = l.key
    UNION
    SELECT w.id, coalesce(k.tenant, p.tenant) FROM wanted w JOIN kin k ON k.xid = w.xid AND k.key = w.key
    LEFT JOIN parents p ON k.tenant IS NULL AND p.xid = k.xid AND p.typename = k.parent_typename AND p.key = k.parent_key
    WHERE coalesce(k.tenant, p.tenant) IS NOT NULL;
  END LOOP;
END $$;
