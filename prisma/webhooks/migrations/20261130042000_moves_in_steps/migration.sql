-- Lets large moves of deliveries go on in steps, also after the process that began them has died.

-- How often the held deliveries of the subscription were released, because its definition was changed or its owner asked for it.
ALTER TABLE hookgraph.subscriptions ADD COLUMN releases integer NOT NULL DEFAULT 0;
-- The subscription's `releases` when the delivery was held for the reason NODE: a smaller number is due for release.
ALTER TABLE hookgraph.open_deliveries ADD COLUMN held_number integer NOT NULL DEFAULT 0;
DROP INDEX hookgraph.open_deliveries_held;
CREATE INDEX open_deliveries_held ON hookgraph.open_deliveries (subscription_id, held_for, held_number) WHERE held_for IS NOT NULL;

-- Whether the deliveries of a cancelled replay are cancelled, too.
ALTER TABLE hookgraph.replays ADD COLUMN is_cleared boolean NOT NULL DEFAULT false;
CREATE INDEX replays_uncleared ON hookgraph.replays (id) WHERE state = 'CANCELLED' AND NOT is_cleared;
