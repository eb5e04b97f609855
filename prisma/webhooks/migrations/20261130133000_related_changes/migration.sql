-- Subscriptions to updates of a node can also get the changes of related rows: fan-out/related.ts.

-- The related fields that the query reads, such as items and items.price, and the types of these rows. Null: relatedChanges is off.
ALTER TABLE hookgraph.subscriptions ADD related_fields text[], ADD related_types text[];
CREATE INDEX subscriptions_related ON hookgraph.subscriptions (tenant) WHERE related_types IS NOT NULL AND deleted_at IS NULL;

-- Events of which the related nodes are still to be found.
CREATE TABLE hookgraph.related_changes (
  event_id bigint PRIMARY KEY,
  xid xid8 NOT NULL,
  tries smallint NOT NULL DEFAULT 0
);
CREATE INDEX related_changes_of_transaction ON hookgraph.related_changes (xid);
