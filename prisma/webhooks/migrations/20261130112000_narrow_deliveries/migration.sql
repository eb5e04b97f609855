-- A delivery of the kind LIVE no longer repeats the node of its event, nor the time that its id has, at which it was created and due first:
-- src/webhooks/base/store/delivery-state.sql. Rows of before stay as they are.
ALTER TABLE hookgraph.deliveries
  ALTER COLUMN typename DROP NOT NULL,
  ALTER COLUMN node_key DROP NOT NULL,
  ALTER COLUMN created_at DROP NOT NULL,
  ALTER COLUMN due_at DROP NOT NULL,
  -- Versions of before the queue table still fail here, as they would make deliveries that nobody sends.
  ADD CONSTRAINT deliveries_due_at CHECK (num_nulls(due_at) <= num_nulls(created_at)) NOT VALID,
  -- The relay fills pages, and the results of a batch write each of their rows once more: with half of a page free, they stay on it.
  SET (fillfactor = 50);

-- The node of a delivery whose row in `deliveries` doesn't have it, so that a claim reads no event. Null: the event has it.
ALTER TABLE hookgraph.open_deliveries ADD typename text, ADD node_key text;

-- The deliveries with all their values, for statements written by hand.
CREATE VIEW hookgraph.whole_deliveries AS
  SELECT d.id, d.event_id, d.subscription_id, d.topic_id, d.kind,
    coalesce(d.typename, (SELECT e.typename FROM hookgraph.events e WHERE e.id = d.event_id)) AS typename,
    coalesce(d.node_key, (SELECT e.node_key FROM hookgraph.events e WHERE e.id = d.event_id)) AS node_key,
    d.state, d.reason, coalesce(d.due_at, hookgraph.time_of(d.id))::timestamptz(3) AS due_at, d.attempt_count, coalesce(d.created_at, hookgraph.time_of(d.id))::timestamptz(3) AS created_at, d.updated_at,
    d.replay_id
  FROM hookgraph.deliveries d;
