-- The workers that run, each with the time at which it was last heard of.
CREATE TABLE hookgraph.workers (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  started_at timestamptz(3) NOT NULL DEFAULT now(),
  heard_at timestamptz(3) NOT NULL DEFAULT now()
);
