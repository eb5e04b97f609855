-- Requests to blank what is stored about a node, which workers carry out in steps: base/store/forgettings.ts. The rows are kept, as a
-- record of who asked for it, when, and how much was blanked.
CREATE TABLE hookgraph.forgettings (
  -- Events and deliveries with smaller ids are blanked.
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  tenant text NOT NULL,
  typename text NOT NULL,
  node_key text NOT NULL,
  requested_by text NOT NULL,
  token_id text,
  state text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'DONE')),
  event_position bigint NOT NULL DEFAULT 0,
  -- Null until the events are blanked; then the subscription whose deliveries are looked at, and the last one of them.
  subscription_position uuid,
  delivery_position bigint NOT NULL DEFAULT 0,
  -- Whether an attempt was in progress in this pass, so that another pass must follow.
  is_busy boolean NOT NULL DEFAULT false,
  events integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  due_at timestamptz(3) NOT NULL DEFAULT now(),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX forgettings_of_tenant ON hookgraph.forgettings (tenant, id);
CREATE INDEX forgettings_running ON hookgraph.forgettings (id) WHERE state = 'RUNNING';
