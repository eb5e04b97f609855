-- Defines the part of relay.sql that stores the new events of the CTE `batch_events`. Adds the CTEs
-- `new_events`, `new_layouts` and `inserted_events`.
SELECT $$
  -- The new events, and the layout that names the columns of their rows, if it is known. If hides_before is
  -- set, the only old values recorded are those that a lifecycle topic compares with its from_value.
  new_events AS MATERIALIZED (
    SELECT e.*, o.row AS old_row, v.old_values, v.new_values, l.id AS known_layout_id, l.columns
    FROM batch_events e
    CROSS JOIN LATERAL (
      SELECT CASE WHEN e.hides_before THEN (
        SELECT jsonb_object_agg(t.column_name, t.from_value)
        FROM hookgraph.topics t
        WHERE t.typename = e.typename
          AND t.column_name = ANY (e.changed)
          AND t.to_value = e.after ->> t.column_name
          AND t.from_value = e.before ->> t.column_name) ELSE e.before END AS row
      OFFSET 0
    ) o
    CROSS JOIN LATERAL (
      SELECT
        jsonb_path_query_array(o.row, '$.*') AS old_values,
        jsonb_path_query_array(e.after, '$.*') AS new_values
      OFFSET 0
    ) v
    LEFT JOIN LATERAL (
      SELECT l.id, l.columns
      FROM hookgraph.layouts l
      WHERE l.typename = e.typename
        AND hookgraph.has_layout(coalesce(e.after, o.row), coalesce(v.new_values, v.old_values), l.columns)
        AND (SELECT since <= now() FROM hookgraph.compaction)
      LIMIT 1
    ) l ON true
    WHERE e.is_new
  ),
  -- Adds the layouts that are missing, as long as a type has few of them. Only one relay at a time does this,
  -- so that none waits for another; the other relays store the names of columns with their events.
  new_layouts AS (
    INSERT INTO hookgraph.layouts (typename, columns)
    SELECT DISTINCT e.typename, ARRAY(SELECT jsonb_object_keys(coalesce(e.after, e.old_row)))
    FROM new_events e
    WHERE e.known_layout_id IS NULL
      AND coalesce(e.after, e.old_row) IS NOT NULL
      AND (SELECT since <= now() FROM hookgraph.compaction)
      AND (SELECT count(*) FROM hookgraph.layouts l WHERE l.typename = e.typename) < 20
      AND (SELECT pg_try_advisory_xact_lock(hashtextextended('hookgraph.layouts', 0)))
    ON CONFLICT DO NOTHING
    RETURNING id, typename, columns
  ),
  -- Records the new events. Stores values without their column names if a layout has the names, and no time
  -- if it equals the time in the id.
  inserted_events AS (
    INSERT INTO hookgraph.events (
      id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation,
      changed, before, after, context, fold, folded_xid, layout_id)
    SELECT
      e.id, e.xid,
      CASE
        WHEN e.occurred_at <> hookgraph.time_of(e.id) OR NOT (SELECT since <= now() FROM hookgraph.compaction)
          THEN e.occurred_at END,
      e.tenant, e.parent_typename, e.parent_key, e.environment, e.typename, e.node_key, e.operation,
      e.changed,
      CASE
        WHEN hookgraph.has_layout(e.old_row, e.old_values, l.columns) THEN e.old_values
        ELSE e.old_row END,
      CASE WHEN hookgraph.has_layout(e.after, e.new_values, l.columns) THEN e.new_values ELSE e.after END,
      e.context, e.fold, e.folded_xid, l.id
    FROM new_events e
    LEFT JOIN LATERAL (
      SELECT e.known_layout_id AS id, e.columns
      WHERE e.known_layout_id IS NOT NULL
      UNION ALL
      SELECT n.id, n.columns
      FROM new_layouts n
      WHERE e.known_layout_id IS NULL
        AND n.typename = e.typename
        AND hookgraph.has_layout(
          coalesce(e.after, e.old_row), coalesce(e.new_values, e.old_values), n.columns)
      LIMIT 1
    ) l ON true
    ORDER BY e.id
  )
$$ AS recorded_events \gset
