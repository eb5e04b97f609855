-- Lets `webhookChanges` read events in the order of their transactions: src/webhooks/base/store/changes.sql. Several changes of a row by one
-- transaction are read as the folded one. The index locks no table that the application's writes touch; only the relay waits while it is built.
CREATE INDEX events_by_transaction ON hookgraph.events ((coalesce(folded_xid, xid)), id) WHERE fold IS DISTINCT FROM 'PART';
