-- A replay sends what its subscription missed or, if it includes delivered events, all events of its period. Replays from before sent all.
ALTER TABLE hookgraph.replays ADD COLUMN includes_delivered boolean NOT NULL DEFAULT true;
ALTER TABLE hookgraph.replays ALTER COLUMN includes_delivered DROP DEFAULT;

-- Finds what was resent as new. Indexes exist for LIVE and REPLAY.
CREATE INDEX deliveries_resent ON hookgraph.deliveries (subscription_id, event_id) WHERE kind = 'RESEND';
