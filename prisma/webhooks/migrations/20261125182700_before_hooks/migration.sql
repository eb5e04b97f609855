-- Before-hooks: subscriptions that are asked while a write waits, and never told of it afterwards.

-- Follows from the definition's `before`; a column, so that the relay and the gate match by it.
ALTER TABLE hookgraph.subscriptions ADD COLUMN phase text NOT NULL DEFAULT 'AFTER' CHECK (phase IN ('AFTER', 'BEFORE'));
-- Every write through the host's mutations looks here: small, and mostly empty.
CREATE INDEX subscriptions_before ON hookgraph.subscriptions (tenant, topic_id) WHERE phase = 'BEFORE' AND deleted_at IS NULL;
