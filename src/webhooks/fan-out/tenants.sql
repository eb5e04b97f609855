-- Defines the part of relay.sql that finds the tenants of rows whose parents the same transaction deleted.

-- Adds the CTE `inherited_tenants`, from `changes`.
SELECT $$
  -- The parents of rows whose tenant is still unknown. A row gets its tenant from its parent, which the
  -- trigger could not read because the same transaction had deleted it.
  orphans AS MATERIALIZED (
    SELECT xid, parent_typename, parent_key, max(depth) AS depth
    FROM changes
    WHERE tenant IS NULL AND parent_key IS NOT NULL
    GROUP BY 1, 2, 3
  ),
  -- Deletions in the transactions of `orphans` that were not yet events when this statement began, including
  -- those that other relays are relaying now.
  captured_deletions AS MATERIALIZED (
    SELECT c.xid, c.typename, c.node_key, c.parent_typename, c.parent_key, c.tenant
    FROM hookgraph.captures c
    WHERE c.xid = ANY (ARRAY(SELECT xid FROM orphans))
      AND c.depth < (SELECT max(depth) FROM orphans)
      AND c.operation = 'deleted'
  ),
  -- The tenant of each orphan's parent, as recorded with the parent's deletion in the same transaction. Older
  -- events of the parent are ignored, because the parent may have moved to another tenant since. A parent for
  -- which two different tenants are found gets none.
  inherited_tenants AS MATERIALIZED (
    -- Each parent in `orphans` with its own parent, grandparent and so on, until one has a tenant.
    WITH RECURSIVE ancestors AS (
      SELECT
        xid, parent_typename AS typename, parent_key AS node_key,
        parent_typename, parent_key, NULL::text AS tenant
      FROM orphans
      UNION
      SELECT a.xid, a.typename, a.node_key, p.parent_typename, p.parent_key, p.tenant
      FROM ancestors a
      CROSS JOIN LATERAL (
        SELECT e.parent_typename, e.parent_key, e.tenant
        FROM hookgraph.events e
        WHERE hookgraph.node_hash(e.typename, e.node_key)
            = hookgraph.node_hash(a.parent_typename, a.parent_key)
          AND e.typename = a.parent_typename
          AND e.node_key = a.parent_key
          AND e.xid = a.xid
          AND e.operation = 'deleted'
        UNION ALL
        SELECT c.parent_typename, c.parent_key, c.tenant
        FROM captured_deletions c
        WHERE c.typename = a.parent_typename
          AND c.node_key = a.parent_key
          AND c.xid = a.xid
        OFFSET 0
      ) p
      WHERE a.tenant IS NULL
    )
    SELECT xid, typename, node_key, min(tenant) AS tenant
    FROM ancestors
    GROUP BY 1, 2, 3
    HAVING min(tenant) = max(tenant)
  )
$$ AS inherited_tenants \gset
