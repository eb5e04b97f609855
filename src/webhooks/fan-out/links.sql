-- Defines the parts of relay.sql that announce rows as updated when a link of them comes or goes. A link is a
-- row that refers to several others, e.g. a membership. The table hookgraph.links lists the fields of a type
-- that consist of links.

-- Adds the CTE `linked_rows`: the rows that gained or lost a link. `link_changes` has all captures of links
-- as arrays in one row; if there are no such captures, it has no row.
SELECT $$
  link_changes AS MATERIALIZED (
    SELECT
      array_agg(id) AS ids, array_agg(xid) AS xids, array_agg(typename) AS typenames,
      array_agg(before) AS befores, array_agg(after) AS afters
    FROM captures
    WHERE typename = ANY (ARRAY(SELECT link_typename FROM hookgraph.links))
    HAVING count(*) > 0
  ),
  linked_rows AS MATERIALIZED (
    SELECT r.*, c.context
    FROM link_changes
    CROSS JOIN LATERAL hookgraph.linked_rows(ids, xids, typenames, befores, afters) r
    JOIN captures c ON c.id = r.id
  )
$$ AS linked_rows \gset

-- Adds the CTE `touched_rows`, which updates the time of the last change of these rows, except new ones. It
-- also updates rows that were locked at an earlier try.
SELECT $$
  touched_rows AS MATERIALIZED (
    SELECT hookgraph.move_updated_at(array_agg(typename), array_agg(node_key)) AS size
    FROM linked_rows
    WHERE (xid, typename, node_key) NOT IN (
      SELECT xid, typename, node_key
      FROM changes
      WHERE operation = 'created')
    HAVING count(*) > 0 OR EXISTS (SELECT FROM hookgraph.untouched_rows)
  )
$$ AS touched_rows \gset
