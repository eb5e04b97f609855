-- Folds the changes that one transaction makes to one row into one event; see src/webhooks/fan-out/fold.sql.

-- null: the only change of its row in its transaction. 'PART': one of several changes. 'WHOLE': all of these changes, folded; such an event
-- has the xid 0, because the relay finds the changes of a transaction by their xid.
ALTER TABLE hookgraph.events ADD fold text;

-- Whether the subscription gets folded events (WHOLE) instead of each change (PART).
ALTER TABLE hookgraph.subscriptions ADD coalesces boolean NOT NULL DEFAULT true;

-- Transactions with more captures than a batch of the relay, whose rows with several changes are relayed already. Their other captures can
-- be relayed in any number of batches.
CREATE TABLE hookgraph.split_transactions (xid xid8 PRIMARY KEY);

-- The relay knows no announced nodes, so `migrate` stores what it needs of each type.
CREATE TABLE hookgraph.node_types (
  typename text PRIMARY KEY,
  updated_at_column text
);

-- Concatenates arrays; nulls count as empty.
CREATE AGGREGATE hookgraph.concatenated(anycompatiblearray) (SFUNC = array_cat, STYPE = anycompatiblearray, INITCOND = '{}');

-- Returns the columns, out of these, whose values differ. A value that was recorded cut always counts as different, because equal recorded
-- forms don't mean equal values.
CREATE FUNCTION hookgraph.differing(before jsonb, after jsonb, columns text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
SELECT ARRAY(
  SELECT c FROM (SELECT DISTINCT unnest(columns)) u (c)
  WHERE before -> c IS DISTINCT FROM after -> c
    OR (jsonb_typeof(after -> c) = 'string' AND after ->> c ~ '\(cut: [0-9]+ bytes|^\(not computed from large values\)$')
  ORDER BY length(c), c COLLATE "C")
$$;

CREATE OR REPLACE VIEW hookgraph.recorded AS
  SELECT id, xid, occurred_at, tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed, before, after, context,
    false AS is_captured, fold
  FROM hookgraph.events
  UNION ALL
  SELECT id, xid, hookgraph.time_of(id)::timestamptz(3), tenant, parent_typename, parent_key, environment, typename, node_key, operation, changed,
    before, after, context, true, NULL
  FROM hookgraph.captures;
