-- Changes of related rows whose nodes can't be found wait for a later try: fan-out/related-queue.ts.

-- The path whose nodes are still to be found, such as Order.items; empty: those of all paths. Then due_at is null, too.
ALTER TABLE hookgraph.related_changes ADD path text NOT NULL DEFAULT '', ADD due_at timestamptz;
ALTER TABLE hookgraph.related_changes DROP CONSTRAINT related_changes_pkey;
ALTER TABLE hookgraph.related_changes ADD PRIMARY KEY (path, event_id);
CREATE INDEX related_changes_due ON hookgraph.related_changes (due_at) WHERE due_at IS NOT NULL;
