-- Lets `webhookChanges` read events in the order of their transactions: src/webhooks/base/store/changes.sql. Several changes of a row by one
-- transaction are read as the folded one. The index locks no table that the application's writes touch; only the relay waits while it is built.
CREATE INDEX events_by_transaction ON hookgraph.events ((coalesce(folded_xid, xid)), id) WHERE fold IS DISTINCT FROM 'PART';

-- The time before which events may have been deleted; one row, or none before the first deletion. A reader of changes that continues from an
-- earlier moment must read everything again.
CREATE TABLE hookgraph.history_start (
  id integer PRIMARY KEY CHECK (id = 1),
  events_from timestamptz(3) NOT NULL
);
