-- What is still to come of a delivery, in a table of its own. While the lease and the state stood in indexes of `deliveries`, each
-- settlement wrote into all of them, and claims went through what had ended. Now a delivery is written twice in place, and what has
-- ended is gone from here.
LOCK TABLE hookgraph.deliveries IN ACCESS EXCLUSIVE MODE;
-- Whoever doesn't know of the table makes no delivery any more: a relay or a replay of before fails, and loses nothing.
ALTER TABLE hookgraph.deliveries ALTER COLUMN due_at DROP DEFAULT;

CREATE TABLE hookgraph.open_deliveries (
  delivery_id bigint PRIMARY KEY,
  subscription_id uuid NOT NULL,
  due_at timestamptz(3) NOT NULL,
  -- Null: due at due_at, unless leased. Else why it is held: see base/delivery-state.ts.
  held_for text,
  lease_until timestamptz(3),
  lease_token bigint
) WITH (
  fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  -- Never truncated: see lease/keep-large.ts.
  vacuum_truncate = off
);
UPDATE hookgraph.deliveries SET reason = 'NODE' WHERE state = 'HELD' AND reason IS NULL;
INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for, lease_until, lease_token)
SELECT id, subscription_id, due_at, CASE WHEN state = 'HELD' THEN reason END, lease_until, lease_token
FROM hookgraph.deliveries WHERE state IN ('PENDING', 'RETRYING', 'HELD') ORDER BY id;
CREATE INDEX open_deliveries_due ON hookgraph.open_deliveries (subscription_id, due_at, delivery_id) WHERE held_for IS NULL;
CREATE INDEX open_deliveries_held ON hookgraph.open_deliveries (subscription_id, held_for) WHERE held_for IS NOT NULL;

DROP INDEX hookgraph.deliveries_due, hookgraph.deliveries_held;
ALTER TABLE hookgraph.deliveries DROP COLUMN lease_until, DROP COLUMN lease_token, SET (fillfactor = 55);
