-- The cleaning of history by the workers: its lease, its switch and what its last run did. One row: base/store/retention.ts.
CREATE TABLE hookgraph.retention (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  is_paused boolean NOT NULL DEFAULT false,
  -- The run in progress. A worker that died in it loses the lease, and the next run continues.
  lease_token bigint,
  lease_until timestamptz(3),
  started_at timestamptz(3),
  ended_at timestamptz(3),
  -- What the run in progress or the last one has deleted so far.
  result jsonb NOT NULL DEFAULT '{}',
  -- The bytes of each kind at the end of the runs: one sample a day, the oldest first.
  sizes jsonb NOT NULL DEFAULT '[]'
);
INSERT INTO hookgraph.retention DEFAULT VALUES;
