-- A membership that comes or goes is news of the row that it points to: created to one tenant, deleted to another.

-- Set for such types alone: in this schema, keys -> the rows as they are now.
ALTER TABLE hookgraph.tenant_sources ADD members_function text;

-- The key of the row that the columns of a pointing row name, as capture writes it; null where one of them is null.
CREATE FUNCTION hookgraph.pointed_key(document jsonb, columns text[]) RETURNS text LANGUAGE sql STABLE AS $$
SELECT CASE WHEN cardinality(columns) = 1 THEN document ->> columns[1]
  ELSE '[' || (SELECT CASE WHEN bool_and(document ->> c IS NOT NULL) THEN string_agg(to_json(document ->> c)::text, ',' ORDER BY ord) END
    FROM unnest(columns) WITH ORDINALITY AS u (c, ord)) || ']' END
$$;

-- Captures of memberships in a relay's hands -> what is to be told of the rows that they point to, each by the first capture of its
-- transaction that says so. A tenant's first membership makes it `created`, its last one `deleted`, counted from those that there are now,
-- less what came after. Unless the row itself was created or deleted in the same transaction: its own event goes to each tenant.
-- - Memberships of the same transaction count wherever they are: captures still, or events of about the same time, where a batch ended
--   between them or a relay that had these died after another had filed the rest.
-- - Of what other relays, or later batches, will file, only that counts which makes us tell more: it may be filed at the same moment.
-- - The row as it was then: what the next change of it found. Where there is none, and the row is gone, nothing is told: its own deletion
--   was. Whoever lost it learns no value of that very transaction; where its change is filed already, what changed is left out.
-- STABLE: it sees the captures that the relay's statement takes.
CREATE FUNCTION hookgraph.told_by_memberships(ids bigint[], xids xid8[], typenames text[], tenants text[])
RETURNS TABLE (id bigint, xid xid8, typename text, node_key text, operation text, tenant text, environment text, document jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
  source record;
  keys text[];
  present jsonb;
  members jsonb;
  is_short boolean;
  first text;
  around constant bigint := 10000::bigint << 20;
BEGIN
  FOR source IN SELECT s.* FROM hookgraph.tenant_sources s
    WHERE s.members_function IS NOT NULL AND s.child_typename = ANY (typenames) ORDER BY s.typename LOOP
    first := source.child_columns[1];
    is_short := cardinality(source.child_columns) = 1;
    keys := ARRAY(
      SELECT DISTINCT k.key FROM hookgraph.captures c CROSS JOIN LATERAL (VALUES
        (hookgraph.pointed_key(c.before, source.child_columns)), (hookgraph.pointed_key(c.after, source.child_columns))) k (key)
      WHERE c.xid = ANY (xids) AND c.id = ANY (ids) AND c.typename = source.child_typename AND k.key IS NOT NULL);
    BEGIN
      EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''key'', p.node_key, ''tenant'', p.tenant, ''n'', p.n)), ''[]'')
        FROM (SELECT node_key, tenant, count(*) AS n FROM hookgraph.%I($1) GROUP BY 1, 2) p', source.function_name) INTO present USING keys;
      EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''key'', node_key, ''environment'', environment, ''document'', document)), ''[]'')
        FROM hookgraph.%I($1)', source.members_function) INTO members USING keys;
    EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR plpgsql_error THEN
      -- A column was dropped or renamed since migrate, or a host's expression failed: it must not stop the relay.
      RAISE LOG 'hookgraph: no news of % by its rows of %: %', source.typename, source.child_typename, SQLERRM;
      CONTINUE;
    END;
    RETURN QUERY
    WITH hand AS MATERIALIZED (SELECT DISTINCT h.id, h.xid, h.tenant FROM unnest(ids, xids, typenames, tenants) AS h (id, xid, typename, tenant)
      WHERE h.typename = source.child_typename),
    own AS MATERIALIZED (
      SELECT c.id, c.xid, c.node_key AS key, c.operation, c.before FROM hookgraph.captures c
      WHERE c.typename = source.typename AND c.node_key IN (SELECT unnest(keys))),
    seen AS MATERIALIZED (
      SELECT c.id, c.xid, c.tenant, k.before, k.after FROM hookgraph.captures c CROSS JOIN LATERAL (
        SELECT CASE WHEN is_short THEN c.before ->> first ELSE hookgraph.pointed_key(c.before, source.child_columns) END AS before,
          CASE WHEN is_short THEN c.after ->> first ELSE hookgraph.pointed_key(c.after, source.child_columns) END AS after OFFSET 0) k
      WHERE c.typename = source.child_typename AND (k.before IN (SELECT unnest(keys)) OR k.after IN (SELECT unnest(keys)))
      UNION ALL
      SELECT e.id, e.xid, e.tenant, hookgraph.pointed_key(e.before, source.child_columns),
        hookgraph.pointed_key(e.after, source.child_columns) FROM hookgraph.events e
      WHERE e.id >= (SELECT min(h.id) FROM hand h) - around AND e.id <= (SELECT max(h.id) FROM hand h) + around
        AND e.typename = source.child_typename AND e.xid = ANY (ARRAY(SELECT h.xid FROM hand h))),
    moves AS MATERIALIZED (
      SELECT s.id, s.xid, coalesce(h.tenant, s.tenant) AS tenant, h.id IS NOT NULL AS in_hand, m.key, m.step
      FROM seen s LEFT JOIN hand h ON h.id = s.id CROSS JOIN LATERAL (VALUES (s.before, -1), (s.after, 1)) m (key, step)
      WHERE s.before IS DISTINCT FROM s.after AND m.key IN (SELECT unnest(keys)) AND coalesce(h.tenant, s.tenant) IS NOT NULL),
    sums AS MATERIALIZED (
      SELECT m.xid, m.key, m.tenant, sum(m.step) AS step, bool_or(m.in_hand) AS in_hand,
        min(m.id) FILTER (WHERE m.step = 1) AS came, min(m.id) FILTER (WHERE m.step = -1) AS went
      FROM moves m GROUP BY 1, 2, 3 HAVING sum(m.step) <> 0),
    news AS MATERIALIZED (
      SELECT CASE WHEN s.step > 0 THEN s.came ELSE s.went END AS id, s.xid, s.key, s.tenant, s.step,
        CASE WHEN s.step > 0 THEN 'created' ELSE 'deleted' END AS operation
      FROM sums s WHERE s.in_hand),
    later AS MATERIALIZED (
      SELECT n.xid, n.key, n.tenant, sum(CASE WHEN l.in_hand AND n.step < 0 THEN l.step ELSE greatest(l.step, 0) END) AS step
      FROM news n JOIN sums l ON l.key = n.key AND l.tenant = n.tenant AND CASE WHEN l.in_hand THEN l.xid > n.xid ELSE l.xid <> n.xid END
      GROUP BY 1, 2, 3),
    counts AS MATERIALIZED (SELECT a.* FROM jsonb_to_recordset(present) AS a (key text, tenant text, n int)),
    known AS MATERIALIZED (SELECT DISTINCT ON (m.key) m.* FROM jsonb_to_recordset(members) AS m (key text, environment text, document jsonb)),
    was AS MATERIALIZED (
      SELECT DISTINCT ON (n.xid, n.key, n.operation) n.xid, n.key, n.operation, o.before
      FROM news n JOIN own o ON o.key = n.key AND CASE WHEN n.step < 0 THEN o.xid >= n.xid ELSE o.xid > n.xid END
      WHERE o.before IS NOT NULL ORDER BY n.xid, n.key, n.operation, o.xid, o.id)
    SELECT n.id, n.xid, source.typename, n.key, n.operation, n.tenant, k.environment,
      coalesce(w.before, k.document) - CASE WHEN n.step < 0 THEN ARRAY(
        SELECT unnest(e.changed) FROM hookgraph.events e
        WHERE e.typename = source.typename AND e.node_key = n.key AND e.id >= n.id - around AND e.id <= n.id + around
          AND e.xid = n.xid AND e.operation = 'updated') ELSE '{}' END
    FROM news n JOIN hand h ON h.id = n.id
    LEFT JOIN counts c ON c.key = n.key AND c.tenant = n.tenant
    LEFT JOIN later l ON l.xid = n.xid AND l.key = n.key AND l.tenant = n.tenant
    LEFT JOIN known k ON k.key = n.key
    LEFT JOIN was w ON w.xid = n.xid AND w.key = n.key AND w.operation = n.operation
    WHERE coalesce(c.n, 0) - coalesce(l.step, 0) <= greatest(n.step, 0) AND coalesce(w.before, k.document) IS NOT NULL
      AND (n.xid, n.key) NOT IN (SELECT o.xid, o.key FROM own o WHERE o.operation <> 'updated')
      AND (SELECT count(*) FROM hookgraph.events e
        WHERE e.typename = source.typename AND e.node_key = n.key AND e.id >= n.id - around AND e.id <= n.id + around
          AND e.xid = n.xid AND e.tenant = n.tenant AND e.operation = n.operation) = 0;
  END LOOP;
END $$;

-- As before, but: a change of a row with memberships is told neither to a tenant that has it since that very transaction, which hears
-- `created`, nor to one that lost it, which hears `deleted`.
CREATE OR REPLACE FUNCTION hookgraph.tenants_by_children(ids bigint[], xids xid8[], typenames text[], keys text[], operations text[])
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
    alive AS MATERIALIZED (SELECT p.key, p.tenant, count(*) AS n FROM jsonb_to_recordset(present) AS p (key text, tenant text) GROUP BY 1, 2),
    wanted AS MATERIALIZED (
      SELECT l.id, l.xid, l.key, l.operation = 'updated' AND source.members_function IS NOT NULL AS is_alone FROM late l
      WHERE l.operation = 'deleted' OR l.key NOT IN (SELECT a.key FROM alive a) OR (l.operation = 'updated' AND source.members_function IS NOT NULL)),
    captured AS MATERIALIZED (
      SELECT c.xid, c.typename, c.node_key, c.operation, c.tenant, c.parent_typename, c.parent_key, c.before, c.after FROM hookgraph.captures c
      WHERE c.xid = ANY (ARRAY(SELECT w.xid FROM wanted w))),
    captured_kin AS MATERIALIZED (
      SELECT DISTINCT s.xid, d.key, s.tenant, s.parent_typename, s.parent_key
      FROM captured s CROSS JOIN LATERAL (VALUES
        (hookgraph.pointed_key(s.before, source.child_columns)), (hookgraph.pointed_key(s.after, source.child_columns))) d (key)
      WHERE s.typename = source.child_typename AND d.key IS NOT NULL),
    missed AS MATERIALIZED (SELECT w.id, w.xid FROM wanted w WHERE NOT w.is_alone AND (w.xid, w.key) NOT IN (SELECT k.xid, k.key FROM captured_kin k WHERE k.tenant IS NOT NULL)),
    filed AS MATERIALIZED (
      SELECT e.xid, e.typename, e.node_key, e.operation, e.tenant, e.parent_typename, e.parent_key, e.before, e.after FROM hookgraph.events e
      WHERE e.id >= (SELECT min(m.id) FROM missed m) - around AND e.id <= (SELECT max(m.id) FROM missed m) + around
        AND e.xid = ANY (ARRAY(SELECT m.xid FROM missed m))),
    filed_kin AS MATERIALIZED (
      SELECT DISTINCT s.xid, d.key, s.tenant, s.parent_typename, s.parent_key
      FROM filed s CROSS JOIN LATERAL (VALUES
        (hookgraph.pointed_key(s.before, source.child_columns)), (hookgraph.pointed_key(s.after, source.child_columns))) d (key)
      WHERE s.typename = source.child_typename AND d.key IS NOT NULL),
    newcomers AS MATERIALIZED (
      SELECT s.xid, m.key, s.tenant, sum(m.step) AS n FROM captured s CROSS JOIN LATERAL (VALUES
        (hookgraph.pointed_key(s.before, source.child_columns), -1), (hookgraph.pointed_key(s.after, source.child_columns), 1)) m (key, step)
      WHERE source.members_function IS NOT NULL AND s.typename = source.child_typename GROUP BY 1, 2, 3),
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
    LEFT JOIN newcomers c ON c.xid = l.xid AND c.key = l.key AND c.tenant = a.tenant
    WHERE l.operation <> 'updated' OR coalesce(c.n, 0) < a.n
    UNION
    SELECT w.id, coalesce(k.tenant, p.tenant) FROM wanted w JOIN kin k ON k.xid = w.xid AND k.key = w.key
    LEFT JOIN parents p ON k.tenant IS NULL AND p.xid = k.xid AND p.typename = k.parent_typename AND p.key = k.parent_key
    WHERE NOT w.is_alone AND coalesce(k.tenant, p.tenant) IS NOT NULL;
  END LOOP;
END $$;
