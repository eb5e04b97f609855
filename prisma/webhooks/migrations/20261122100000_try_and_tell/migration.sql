-- Tests, errors and groups of subscriptions.

-- A test's attempt is told like any other, but never counts towards switching its subscription off.
ALTER TABLE hookgraph.attempts ADD COLUMN test boolean NOT NULL DEFAULT false;
DROP INDEX hookgraph.attempts_failed;
CREATE INDEX attempts_failed ON hookgraph.attempts (subscription_id, id) WHERE outcome = 'FAILED' AND NOT test;
CREATE INDEX attempts_in_error ON hookgraph.attempts (subscription_id, id) WHERE outcome IN ('FAILED', 'HELD');

-- The inverse of id_at: when a row with this id was made, to the millisecond.
CREATE FUNCTION hookgraph.time_of(id bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT to_timestamp(((id >> 20) + 1577836800000) / 1000.0) $$;

-- An error is an attempt that nobody has dismissed; attempts themselves are never edited.
-- No foreign key: it would be in the way of dropping a partition.
CREATE TABLE hookgraph.dismissals (
  attempt_id bigint PRIMARY KEY,
  dismissed_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE INDEX subscriptions_of_integration ON hookgraph.subscriptions (integration_id, tenant, owner, created_at, id)
  WHERE deleted_at IS NULL AND integration_id IS NOT NULL;

-- The last node of a type that was deleted: what a test of a `deleted` topic sends.
CREATE INDEX events_deleted ON hookgraph.events (tenant, typename, id) WHERE operation = 'deleted';
