-- The table `forgotten` says until which event history was deleted, for readers of changes, too.
INSERT INTO hookgraph.forgotten AS f (history, tenant, before_id) SELECT 'events', '', hookgraph.id_at(events_from) FROM hookgraph.history_start
ON CONFLICT (history, tenant) DO UPDATE SET before_id = greatest(f.before_id, excluded.before_id);
DROP TABLE hookgraph.history_start;
