-- Counts finished attempts by subscription and slot of five minutes, for charts. A task of the workers adds to it every minute, outside of
-- the statements that record attempts: base/store/attempt-stats.sql.
CREATE TABLE hookgraph.attempt_stats (
  subscription_id uuid NOT NULL,
  slot timestamptz(3) NOT NULL,
  delivered integer NOT NULL,
  failed integer NOT NULL,
  skipped integer NOT NULL,
  held integer NOT NULL,
  -- A histogram of the durations of delivered and failed attempts: item i counts durations from 2^((i-1)/4) to 2^(i/4) milliseconds.
  durations integer[] NOT NULL,
  PRIMARY KEY (subscription_id, slot)
) WITH (fillfactor = 70);

-- The attempts with smaller ids are counted. One row; it moves in the transaction that counts, so that no attempt is counted twice.
CREATE TABLE hookgraph.attempt_stats_position (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  position bigint NOT NULL
);
INSERT INTO hookgraph.attempt_stats_position (position) VALUES (0);
