-- Announces a row as updated when a row that links it with others, such as a membership, comes or goes.

-- A field of a type that consists of links: rows of link_typename whose `columns` have the key of the type's row. Links with equal
-- identity_columns are equal. is_internal: the link rows themselves make no events.
CREATE TABLE hookgraph.links (
  typename text NOT NULL,
  field text NOT NULL,
  link_typename text NOT NULL,
  columns text[] NOT NULL,
  identity_columns text[] NOT NULL,
  is_internal boolean NOT NULL,
  PRIMARY KEY (typename, field)
);

-- rows_function: keys -> the rows as they are now. touch_function: sets updated_at of the rows with these keys, and returns the keys of
-- those that another transaction has locked. Both are null for types without links; the second also for types whose updated_at the
-- application sets.
ALTER TABLE hookgraph.node_types ADD rows_function text, ADD touch_function text;

-- Linked rows whose updated_at could not be set yet, because another transaction had locked them.
CREATE TABLE hookgraph.untouched_rows (
  typename text NOT NULL,
  node_key text NOT NULL,
  PRIMARY KEY (typename, node_key)
);

-- Returns the rows at the ends of links that each transaction added or removed, as they are now. Links that a transaction added and removed
-- again don't count. `id` is that of the first of these changes of links.
CREATE FUNCTION hookgraph.linked_rows(ids bigint[], xids xid8[], typenames text[], befores jsonb[], afters jsonb[])
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
        WHERE m.document IS NOT NULL
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

-- Sets updated_at of linked rows to the present time, and of those that were locked before. Never waits for a lock, so no write waits in a
-- circle with it; rows that are locked now are touched by a later call.
CREATE FUNCTION hookgraph.move_updated_at(typenames text[], keys text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  source record;
  locked text[];
  count bigint := 0;
BEGIN
  FOR source IN SELECT n.typename, n.touch_function, array_agg(DISTINCT w.key) AS keys
    FROM (SELECT u.typename, u.key FROM unnest(typenames, keys) AS u (typename, key)
      UNION ALL (SELECT u.typename, u.node_key FROM hookgraph.untouched_rows u LIMIT 1000)) w
    JOIN hookgraph.node_types n ON n.typename = w.typename AND n.touch_function IS NOT NULL GROUP BY 1, 2 ORDER BY 1 LOOP
    BEGIN
      EXECUTE format('SELECT ARRAY(SELECT * FROM hookgraph.%I($1))', source.touch_function) INTO locked USING source.keys;
    EXCEPTION WHEN OTHERS THEN
      RAISE LOG 'hookgraph: updated_at of % is not set after its links changed: %', source.typename, SQLERRM;
      locked := '{}';
    END;
    DELETE FROM hookgraph.untouched_rows u
    WHERE u.typename = source.typename AND u.node_key = ANY (source.keys) AND u.node_key <> ALL (locked);
    INSERT INTO hookgraph.untouched_rows SELECT source.typename, k FROM unnest(locked) k ON CONFLICT DO NOTHING;
    count := count + cardinality(source.keys) - cardinality(locked);
  END LOOP;
  RETURN count;
END $$;
