-- Defines the parts of relay.sql that choose a batch and fold it: all changes that a transaction made to a
-- row are in one batch, and become one event.

-- The row that a capture `c` changes. A transaction's links and the rows at their ends count as one row (see
-- `l`, linked_types).
SELECT $$
  CROSS JOIN LATERAL (
    SELECT
      CASE WHEN c.typename = ANY (l.names) THEN '' ELSE c.typename END AS typename,
      CASE WHEN c.typename = ANY (l.names) THEN '' ELSE c.node_key END AS node_key
  ) r
$$ AS changed_row \gset

-- Adds the CTE `batch`, the captures to relay: the head of the queue and, if the head has only a part of a
-- transaction, that transaction's further changes of the same rows. A row stays in the queue if another relay
-- has locked one of its changes, because this statement's snapshot still contains the changes that the other
-- relay takes. A transaction that is much larger than a batch (`cut_transactions.is_large`) is not relayed
-- until a statement with its id as split_xid has relayed its rows with several changes. relay.ts then adds it
-- to `split_transactions`.
SELECT $$
  head AS MATERIALIZED (
    SELECT ctid AS place, xid
    FROM hookgraph.captures
    WHERE :'split_xid'::text IS NULL AND xid >= :'since_xid'::text::xid8
    ORDER BY xid, depth, id
    LIMIT :batch_size - (SELECT count(*) FROM queued_events)
    FOR UPDATE SKIP LOCKED
  ),
  head_transactions AS MATERIALIZED (
    SELECT xid, count(*) AS size
    FROM head
    GROUP BY xid
    HAVING xid <> ALL (ARRAY(SELECT xid FROM hookgraph.split_transactions))
  ),
  -- Whether `head` has all captures of its transactions, as usual. One count decides this for all
  -- transactions.
  is_head_whole AS MATERIALIZED (
    SELECT count(*) <= (SELECT count(*) FROM head) AS answer
    FROM (
      SELECT
      FROM hookgraph.captures
      WHERE xid >= (SELECT xid FROM head_transactions ORDER BY xid LIMIT 1)
        AND xid <= (SELECT xid FROM head_transactions ORDER BY xid DESC LIMIT 1)
      ORDER BY xid, depth, id
      LIMIT (SELECT count(*) + 1 FROM head)
    ) c
  ),
  cut_transactions AS MATERIALIZED (
    SELECT h.xid, c.size > greatest(:batch_size, 1000) AS is_large
    FROM head_transactions h
    CROSS JOIN LATERAL (
      SELECT count(*) AS size
      FROM (
        SELECT
        FROM hookgraph.captures
        WHERE xid = h.xid
        ORDER BY xid, depth, id
        LIMIT greatest(:batch_size, 1000) + 1
      ) c
    ) c
    WHERE NOT (SELECT answer FROM is_head_whole) AND c.size > h.size
  ),
  -- Only one relay at a time takes rows out of a large transaction.
  split AS MATERIALIZED (
    SELECT :'split_xid'::text::xid8 AS xid
    WHERE :'split_xid'::text IS NOT NULL
      AND pg_try_advisory_xact_lock(hashtextextended('hookgraph.split ' || :'split_xid'::text, 0))
  ),
  -- The types whose changes, in a transaction that changes links, must be taken together: a link and the rows
  -- at its ends. In a transaction with very many changes of links, a row may be announced several times.
  linked_types AS MATERIALIZED (
    SELECT
      t.xid,
      ARRAY(SELECT typename FROM hookgraph.links UNION SELECT link_typename FROM hookgraph.links) AS names
    FROM (
      SELECT xid
      FROM cut_transactions
      WHERE NOT is_large
      UNION ALL
      SELECT xid
      FROM split
    ) t
    CROSS JOIN LATERAL (
      SELECT count(*) AS size
      FROM (
        SELECT
        FROM hookgraph.captures
        WHERE xid = t.xid AND typename = ANY (ARRAY(SELECT link_typename FROM hookgraph.links))
        LIMIT 50001
      ) c
    ) c
    WHERE c.size BETWEEN 1 AND 50000
  ),
  -- The rows whose changes must all be taken, with the number of changes of each.
  whole_rows AS MATERIALIZED (
    SELECT t.xid, r.typename, r.node_key, count(*) AS size
    FROM cut_transactions t
    LEFT JOIN linked_types l USING (xid)
    CROSS JOIN LATERAL (
      SELECT ctid AS place, typename, node_key
      FROM hookgraph.captures
      WHERE xid = t.xid
      OFFSET 0
    ) c
    :changed_row
    WHERE NOT t.is_large
    GROUP BY 1, 2, 3
    HAVING bool_or(c.place = ANY (ARRAY(SELECT place FROM head)))
    UNION ALL
    (SELECT t.xid, r.typename, r.node_key, count(*)
    FROM split t
    LEFT JOIN linked_types l USING (xid)
    CROSS JOIN LATERAL (
      SELECT typename, node_key
      FROM hookgraph.captures
      WHERE xid = t.xid
      OFFSET 0
    ) c
    :changed_row
    GROUP BY 1, 2, 3
    HAVING count(*) > 1
    LIMIT :batch_size)
  ),
  changes_of_rows AS MATERIALIZED (
    SELECT c.ctid AS place, c.xid, r.typename, r.node_key
    FROM hookgraph.captures c
    LEFT JOIN linked_types l USING (xid)
    :changed_row
    WHERE (SELECT count(*) FROM whole_rows) > 0
      AND c.xid = ANY (ARRAY(SELECT xid FROM whole_rows))
      AND (c.xid, r.typename, r.node_key) IN (SELECT xid, typename, node_key FROM whole_rows)
    FOR UPDATE OF c SKIP LOCKED
  ),
  taken_rows AS MATERIALIZED (
    SELECT array_agg(c.place) AS places
    FROM whole_rows r
    JOIN changes_of_rows c USING (xid, typename, node_key)
    GROUP BY xid, typename, node_key, r.size
    HAVING count(*) = r.size
  ),
  batch AS MATERIALIZED (
    SELECT place
    FROM head
    WHERE xid <> ALL (ARRAY(SELECT xid FROM cut_transactions))
    UNION ALL
    SELECT unnest(places)
    FROM taken_rows
  )
$$ AS batch_captures \gset

-- Adds the CTE `folded_changes`: one event for each row that a transaction changed several times for one
-- tenant, unless these changes cancel each other. Each event has a new id with the millisecond of the last
-- change. If other rows decide the tenant, the row may have belonged to another tenant before the last
-- change. The CTE `repeated_changes` has the ids of the changes.
SELECT $$
  repeated_changes AS MATERIALIZED (
    SELECT array_agg(c.id) AS ids
    FROM changes c
    LEFT JOIN inherited_tenants p ON c.tenant IS NULL
      AND p.xid = c.xid
      AND p.typename = c.parent_typename
      AND p.node_key = c.parent_key
    WHERE c.is_new
    GROUP BY c.xid, c.typename, c.node_key, coalesce(c.tenant, p.tenant)
    HAVING count(*) > 1
  ),
  -- Finds the first and the last state of each row. The order of ids is not enough for that: changes that a
  -- trigger of the application makes within a statement are recorded before the statement's own change. But
  -- more changes start from the first state than end in it (`starts`), and more end in the last state than
  -- start from it (`ends`). The column with the time of the last change is left out, because a change of it
  -- alone is not recorded.
  row_states AS MATERIALIZED (
    SELECT
      s.id,
      max(s.surplus) FILTER (WHERE s.is_start) AS starts,
      -max(s.surplus) FILTER (WHERE NOT s.is_start) AS ends
    FROM (
      SELECT
        c.id, d.is_start,
        sum(CASE WHEN d.is_start THEN 1 ELSE -1 END) OVER (
          PARTITION BY c.xid, c.typename, c.node_key, coalesce(c.tenant, p.tenant),
            jsonb_hash_extended(d.document - coalesce(n.updated_at_column, ''), 0)) AS surplus
      FROM changes c
      LEFT JOIN inherited_tenants p ON c.tenant IS NULL
        AND p.xid = c.xid
        AND p.typename = c.parent_typename
        AND p.node_key = c.parent_key
      LEFT JOIN hookgraph.node_types n ON n.typename = c.typename
      CROSS JOIN LATERAL (VALUES (true, c.before), (false, c.after)) d (is_start, document)
      WHERE (SELECT count(*) FROM repeated_changes) > 0
        AND (c.id IN (SELECT unnest(ids) FROM repeated_changes)) IS TRUE
        AND NOT c.is_link
    ) s
    GROUP BY s.id
  ),
  folds AS MATERIALIZED (
    SELECT
      c.xid, c.typename, c.node_key, coalesce(c.tenant, p.tenant) AS tenant,
      max(c.id) AS last_id, max(c.occurred_at) AS occurred_at,
      (array_agg(c.parent_typename ORDER BY c.id DESC))[1] AS parent_typename,
      (array_agg(c.parent_key ORDER BY c.id DESC))[1] AS parent_key,
      (array_agg(c.environment ORDER BY c.id DESC))[1] AS environment,
      (array_agg(c.context ORDER BY c.id DESC))[1] AS context,
      (array_agg(c.before ORDER BY s.starts > 0 DESC, c.id)
        FILTER (WHERE NOT c.is_link))[1] AS first_before,
      (array_agg(c.before ORDER BY s.ends > 0 DESC, c.id DESC)
        FILTER (WHERE NOT c.is_link))[1] AS last_before,
      (array_agg(c.after ORDER BY s.ends > 0 DESC, c.id DESC)
        FILTER (WHERE NOT c.is_link))[1] AS last_after,
      (array_agg(c.after ORDER BY c.id DESC) FILTER (WHERE c.is_link))[1] AS linked_row,
      bool_and(s.starts <= 0) FILTER (WHERE NOT c.is_link) AS is_circle,
      hookgraph.concatenated(c.changed ORDER BY c.id) FILTER (WHERE NOT c.is_link) AS changed,
      hookgraph.concatenated(c.changed ORDER BY c.id) FILTER (WHERE c.is_link) AS linked_fields,
      bool_and(c.operation = 'updated') AS has_updates_alone
    FROM changes c
    LEFT JOIN row_states s ON s.id = c.id
    LEFT JOIN inherited_tenants p ON c.tenant IS NULL
      AND p.xid = c.xid
      AND p.typename = c.parent_typename
      AND p.node_key = c.parent_key
    WHERE (SELECT count(*) FROM repeated_changes) > 0
      AND (c.id IN (SELECT unnest(ids) FROM repeated_changes)) IS TRUE
    GROUP BY 1, 2, 3, 4
  ),
  -- Changes that form a circle (no first and no last state) lead back to the state where they began. If the
  -- order of ids names two different states of the circle, because of a trigger, only the row's links count
  -- as changed.
  closed_folds AS MATERIALIZED (
    SELECT
      f.*,
      CASE WHEN o.is_open THEN f.linked_row ELSE f.first_before END AS before,
      CASE WHEN o.is_open THEN f.linked_row ELSE f.last_after END AS after
    FROM folds f
    LEFT JOIN hookgraph.node_types n ON n.typename = f.typename
    CROSS JOIN LATERAL (
      SELECT f.is_circle AND f.first_before - coalesce(n.updated_at_column, '')
        IS DISTINCT FROM f.last_after - coalesce(n.updated_at_column, '') AS is_open
    ) o
  ),
  net_changes AS MATERIALIZED (
    SELECT
      f.*,
      CASE
        WHEN before IS NULL THEN 'created'
        WHEN after IS NULL THEN 'deleted'
        ELSE 'updated' END AS operation,
      CASE WHEN before IS NOT NULL AND after IS NOT NULL THEN hookgraph.differing(before, after,
        CASE WHEN has_updates_alone THEN changed
        ELSE ARRAY(
          SELECT k
          FROM jsonb_object_keys(after) k
          WHERE k IS DISTINCT FROM (
            SELECT n.updated_at_column
            FROM hookgraph.node_types n
            WHERE n.typename = f.typename)) END) || linked_fields END AS net_columns
    FROM closed_folds f
  ),
  folded_changes AS MATERIALIZED (
    SELECT
      ((last_id >> 20) << 20) | (nextval('hookgraph.id_sequence') & 1048575) AS id,
      xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key,
      operation, net_columns AS changed,
      CASE WHEN operation = 'deleted' AND tenant IS NULL THEN last_before ELSE before END AS before,
      after, context
    FROM net_changes
    WHERE (before IS NOT NULL OR after IS NOT NULL) AND net_columns IS DISTINCT FROM '{}'
  )
$$ AS folded_changes \gset
