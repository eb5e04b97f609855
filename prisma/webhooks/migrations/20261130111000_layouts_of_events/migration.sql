-- Stores the values of events without the names of their columns: src/webhooks/fan-out/relay.sql. Rows of before stay as they are.

-- Lists of columns, in the order in which Postgres keeps the keys of a jsonb document. The relay adds what it doesn't find; no row goes.
CREATE TABLE hookgraph.layouts (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  typename text NOT NULL,
  columns text[] NOT NULL,
  UNIQUE (typename, columns)
);

-- From when on rows are stored in the form that versions of before this migration can't read: at once in a new installation, otherwise after
-- a day, in which processes of an older version are replaced. One row.
CREATE TABLE hookgraph.compaction (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  since timestamptz NOT NULL
);
INSERT INTO hookgraph.compaction (since)
SELECT CASE WHEN EXISTS (SELECT FROM hookgraph.topics) THEN now() + interval '1 day' ELSE now() END;

-- Which list names the values of `before` and `after`. A document that is an array has the values of these columns; others have all names.
ALTER TABLE hookgraph.events ADD layout_id integer;

-- Whether a document, which has these values, has exactly these columns.
CREATE FUNCTION hookgraph.has_layout(document jsonb, of_document jsonb, columns text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT document ?& columns AND jsonb_array_length(of_document) = cardinality(columns) $$;

-- Returns a stored document with the names of its columns.
CREATE FUNCTION hookgraph.row_of(layout_id integer, document jsonb) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT CASE WHEN jsonb_typeof(document) = 'array' THEN (
  SELECT coalesce(jsonb_object_agg(c.name, document -> (c.place - 1)::integer), '{}')
  FROM hookgraph.layouts l CROSS JOIN unnest(l.columns) WITH ORDINALITY AS c (name, place)
  WHERE l.id = layout_id) ELSE document END
$$;

CREATE OR REPLACE VIEW hookgraph.recorded AS
  SELECT id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed, before, after, context,
    false AS is_captured, fold, folded_xid, layout_id
  FROM hookgraph.events
  UNION ALL
  SELECT id, xid, hookgraph.time_of(id)::timestamptz(3), tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    before, after, context, true, NULL, NULL, NULL
  FROM hookgraph.captures;

-- The functions of 20261129200000_memberships read stored documents, too.
DO $$ DECLARE
  change record;
  old text;
  new text;
BEGIN
  FOR change IN SELECT * FROM (VALUES
    ('hookgraph.told_by_memberships'::regproc, '(e.before,', '(hookgraph.row_of(e.layout_id, e.before),'),
    ('hookgraph.told_by_memberships', '(e.after,', '(hookgraph.row_of(e.layout_id, e.after),'),
    ('hookgraph.tenants_by_children', 'e.before, e.after FROM',
      'hookgraph.row_of(e.layout_id, e.before) AS before, hookgraph.row_of(e.layout_id, e.after) AS after FROM')
  ) c (function, was, is_now) LOOP
    old := pg_get_functiondef(change.function);
    new := replace(old, change.was, change.is_now);
    IF new = old THEN RAISE EXCEPTION '% is not as its migration made it', change.function; END IF;
    EXECUTE new;
  END LOOP;
END $$;
