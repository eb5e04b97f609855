-- Events that match more subscriptions than one batch of the relay may have deliveries. Later statements make their deliveries, a part at
-- a time; `position` is the last subscription that has its delivery.
CREATE TABLE hookgraph.fan_outs (
  event_id bigint PRIMARY KEY,
  tenant text NOT NULL,
  position uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);
CREATE INDEX fan_outs_of_tenant ON hookgraph.fan_outs (tenant, event_id);
