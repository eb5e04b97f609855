-- What kept a change from being recorded as announced, while its write went through. A worker logs each and forgets it after an hour.
CREATE TABLE hookgraph.capture_faults (
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  typename text NOT NULL,
  -- schema.name
  source text NOT NULL,
  operation text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  -- When a worker logged it.
  told_at timestamptz(3)
);
