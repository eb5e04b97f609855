-- Replays: what happened once, sent again to one subscription as new deliveries.

CREATE TABLE hookgraph.replays (
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  subscription_id uuid NOT NULL REFERENCES hookgraph.subscriptions (id),
  requested_by text NOT NULL,
  -- Both inclusive.
  from_at timestamptz(3) NOT NULL,
  to_at timestamptz(3) NOT NULL,
  -- The last event that was looked at: whoever dies, it goes on behind it.
  position bigint NOT NULL,
  delivery_count integer NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'DONE', 'CANCELLED')),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX replays_running ON hookgraph.replays (subscription_id) WHERE state = 'RUNNING';
CREATE INDEX replays_of_subscription ON hookgraph.replays (subscription_id, id);

ALTER TABLE hookgraph.deliveries ADD COLUMN replay_id bigint;
-- An event once per replay, however often its step runs.
CREATE UNIQUE INDEX deliveries_of_replay ON hookgraph.deliveries (replay_id, event_id) WHERE replay_id IS NOT NULL;
