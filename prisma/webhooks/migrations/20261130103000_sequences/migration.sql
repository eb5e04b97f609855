-- Numbers of the notifications of numbered subscriptions: see src/webhooks/base/store/sequences.ts. No existing table is locked.
CREATE TABLE hookgraph.sequences (
  subscription_id uuid PRIMARY KEY,
  last bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE hookgraph.sequence_numbers (
  subscription_id uuid NOT NULL,
  number bigint NOT NULL,
  delivery_id bigint NOT NULL,
  PRIMARY KEY (subscription_id, number)
);
CREATE UNIQUE INDEX sequence_numbers_of_delivery ON hookgraph.sequence_numbers (delivery_id);
