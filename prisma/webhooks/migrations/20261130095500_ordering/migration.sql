-- Deliveries of ordered subscriptions: see src/webhooks/base/store/ordered-deliveries.ts.

-- PER_NODE or LATEST_ONLY; null: in any order. Adding it rewrites no row, and locks the table for a moment.
ALTER TABLE hookgraph.subscriptions ADD ordering text;
CREATE INDEX subscriptions_ordered ON hookgraph.subscriptions (id) WHERE ordering IS NOT NULL AND deleted_at IS NULL;

-- The open deliveries of ordered subscriptions, by node. `frontier`: not null while an earlier delivery of the node may still come.
CREATE TABLE hookgraph.ordered_deliveries (
  subscription_id uuid NOT NULL,
  node_key text NOT NULL,
  event_id bigint NOT NULL,
  delivery_id bigint NOT NULL,
  frontier xid8,
  PRIMARY KEY (subscription_id, node_key, event_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE UNIQUE INDEX ordered_deliveries_of_delivery ON hookgraph.ordered_deliveries (delivery_id);
CREATE INDEX ordered_deliveries_unsettled ON hookgraph.ordered_deliveries (subscription_id, event_id) WHERE frontier IS NOT NULL;

-- Which later delivery replaced a skipped one of a subscription with the ordering LATEST_ONLY.
CREATE TABLE hookgraph.replaced_deliveries (
  delivery_id bigint PRIMARY KEY,
  successor_id bigint NOT NULL
);
