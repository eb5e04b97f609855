-- A row that could link two rows, but refers to one of them only, links nothing.

-- The lists of columns of which one list must be set, so that a row is a link; null or empty: each row is. Old versions leave it null.
ALTER TABLE hookgraph.links ADD other_ends jsonb;

-- Returns the rows at the ends of links that each transaction added or removed, as they are now. Links that a transaction added and removed
-- again don't count, nor do rows with a null in each of other_ends. `id` is that of the first of these changes of links.
CREATE OR REPLACE FUNCTION hookgraph.linked_rows(ids bigint[], xids xid8[], typenames text[], befores jsonb[], afters jsonb[])
RETURNS TABLE (id bigint, xid xid8, typename text, node_key text, tenant text, environment text, fields text[], document jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  source record;
  ends jsonb;
  present jsonb;
BEGIN
  FOR source IN SELECT DISTINCT n.typename, n.rows_function FROM hookgraph.links l JOIN hookgraph.node_types n ON n.typename = l.typename
    WHERE l.link_typename = ANY (typenames) AND n.rows_function IS NOT NULL ORDER BY n.typename LOOP
    SELECT coalesce(jsonb_agg(e), '[]') INTO ends FROM (
      SELECT s.xid::text AS xid, s.key, min(s.id) AS id, array_agg(DISTINCT s.field) AS fields FROM (
        SELECT c.xid, l.field, hookgraph.pointed_key(m.document, l.columns) AS key, min(c.id) AS id
        FROM unnest(ids, xids, typenames, befores, afters) AS c (id, xid, typename, before, after)
        JOIN hookgraph.links l ON l.typename = source.typename AND l.link_typename = c.typename
        CROSS JOIN LATERAL (VALUES (c.before, -1), (c.after, 1)) m (document, step)
        WHERE m.document IS NOT NULL AND (coalesce(l.other_ends, '[]') = '[]' OR EXISTS (
          SELECT FROM jsonb_array_elements(l.other_ends) o
          WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(o) c (name) WHERE m.document -> c.name = 'null')))
        GROUP BY c.xid, l.field, 3, hookgraph.pointed_key(m.document, l.identity_columns)
        HAVING sum(m.step) <> 0) s
      WHERE s.key IS NOT NULL
      GROUP BY s.xid, s.key) e;
    BEGIN
      EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''key'', node_key, ''tenant'', tenant, ''environment'', environment,
        ''document'', document)), ''[]'') FROM hookgraph.%I($1)', source.rows_function)
        INTO present USING ARRAY(SELECT DISTINCT e ->> 'key' FROM jsonb_array_elements(ends) e);
    EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR plpgsql_error THEN
      -- A column was dropped or renamed since migrate, or a host's expression failed: it must not stop the relay.
      RAISE LOG 'hookgraph: changed links of % are not announced: %', source.typename, SQLERRM;
      CONTINUE;
    END;
    RETURN QUERY
    SELECT e.id, e.xid::xid8, source.typename, e.key, p.tenant, p.environment, e.fields, p.document
    FROM jsonb_to_recordset(ends) AS e (xid text, key text, id bigint, fields text[])
    JOIN jsonb_to_recordset(present) AS p (key text, tenant text, environment text, document jsonb) ON p.key = e.key;
  END LOOP;
END $$;
