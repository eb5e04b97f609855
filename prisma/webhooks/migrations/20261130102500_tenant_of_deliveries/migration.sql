-- The tenant of a delivery is its subscription's; new rows no longer repeat it. Nothing reads the column.
ALTER TABLE hookgraph.deliveries ALTER COLUMN tenant DROP NOT NULL;
