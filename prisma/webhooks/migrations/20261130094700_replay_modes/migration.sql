-- What a replay sends, and which events. `replays` has one row for each replay, so the lock is short.
ALTER TABLE hookgraph.replays
  -- NEW_PAYLOAD: the query and the templates run again. STORED_PAYLOAD: today's templates read the data of the last request. SENT_BYTES: the body of
  -- the last request.
  ADD COLUMN mode text NOT NULL DEFAULT 'NEW_PAYLOAD' CHECK (mode IN ('NEW_PAYLOAD', 'STORED_PAYLOAD', 'SENT_BYTES')),
  -- Only these events, sorted; NULL: those of the period.
  ADD COLUMN event_ids bigint[];
