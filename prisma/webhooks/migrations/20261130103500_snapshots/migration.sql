-- A replay may also send the current nodes of the topic's type: a snapshot, src/webhooks/fan-out/snapshot.sql. `replays` has one row for each
-- replay, so the lock is short.
ALTER TABLE hookgraph.replays
  ADD COLUMN is_snapshot boolean NOT NULL DEFAULT false,
  -- The key, as texts of its parts, up to which rows were read; NULL: none was.
  ADD COLUMN after_key text[],
  -- The number of rows that were read, of all tenants, and about how many the table had at the start.
  ADD COLUMN scanned bigint NOT NULL DEFAULT 0,
  ADD COLUMN estimated bigint NOT NULL DEFAULT 0;
