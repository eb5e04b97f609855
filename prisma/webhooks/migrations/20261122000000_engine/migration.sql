-- The engine's tables. The runner creates the schema "hookgraph" and keeps its ledger there.
-- Everything is qualified: the customer's search_path is never trusted.

CREATE SEQUENCE hookgraph.id_sequence CACHE 1;

-- Ids that sort by time: 41 bits of milliseconds since 2020-01-01 UTC, then 20 bits of a sequence.
-- Partitions and "within the last hour" are ranges of ids.
CREATE FUNCTION hookgraph.id_at(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ((extract(epoch FROM at) * 1000)::bigint - 1577836800000) << 20 $$;
CREATE FUNCTION hookgraph.next_id() RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT (((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1577836800000) << 20) | (nextval('hookgraph.id_sequence') & 1048575) $$;

CREATE TABLE hookgraph.topics (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key text NOT NULL,
  version text NOT NULL,
  typename text NOT NULL,
  -- The rule that turns an event into this topic: its operation and, for a lifecycle topic,
  -- the column whose change to to_value (from from_value, where given) counts.
  operation text NOT NULL CHECK (operation IN ('created', 'updated', 'deleted')),
  column_name text,
  from_value text,
  to_value text,
  description text NOT NULL DEFAULT '',
  retired_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  UNIQUE (key, version)
);

CREATE TABLE hookgraph.events (
  id bigint NOT NULL DEFAULT hookgraph.next_id(),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  occurred_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- Null only for a row whose owner on a parent row went in the same transaction; the relay fills it in.
  tenant text,
  -- Set only then: the parent whose `deleted` event of the same transaction knows the tenant.
  parent_typename text,
  parent_key text,
  environment text,
  typename text NOT NULL,
  node_key text NOT NULL,
  operation text NOT NULL CHECK (operation IN ('created', 'updated', 'deleted')),
  changed text[],
  before jsonb,
  after jsonb,
  -- Text, not jsonb: whatever a session put into hookgraph.context must not fail its write.
  context text,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE hookgraph.events_default PARTITION OF hookgraph.events DEFAULT;
CREATE INDEX events_of_node ON hookgraph.events (typename, node_key, id);

CREATE TABLE hookgraph.event_queue (event_id bigint PRIMARY KEY)
  WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE hookgraph.subscriptions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant text NOT NULL,
  owner text NOT NULL,
  name text,
  topic_id uuid NOT NULL REFERENCES hookgraph.topics (id),
  version integer NOT NULL DEFAULT 1,
  integration_id text,
  environment_ids text[],
  disabled_at timestamptz(3),
  disabled_reason text,
  disabled_message text,
  broken_at timestamptz(3),
  broken_reason text,
  deleted_at timestamptz(3),
  -- Errors before this moment no longer count towards switching the subscription off.
  enabled_at timestamptz(3) NOT NULL DEFAULT now(),
  status text NOT NULL GENERATED ALWAYS AS (CASE WHEN deleted_at IS NOT NULL THEN 'DELETED' WHEN disabled_at IS NOT NULL THEN 'DISABLED' WHEN broken_at IS NOT NULL THEN 'HELD' ELSE 'ENABLED' END) STORED,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX subscriptions_match ON hookgraph.subscriptions (tenant, topic_id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_of_owner ON hookgraph.subscriptions (tenant, owner, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE hookgraph.subscription_versions (
  subscription_id uuid NOT NULL REFERENCES hookgraph.subscriptions (id),
  number integer NOT NULL,
  definition jsonb NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (subscription_id, number)
);

CREATE TABLE hookgraph.secrets (
  subscription_id uuid NOT NULL REFERENCES hookgraph.subscriptions (id),
  field text NOT NULL,
  ciphertext bytea NOT NULL,
  fingerprint text NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (subscription_id, field)
);

CREATE TABLE hookgraph.encryption_keys (
  fingerprint text PRIMARY KEY,
  activated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE hookgraph.deliveries (
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  event_id bigint,
  -- No foreign key: it would halve the relay, and a subscription is never deleted, only marked so.
  subscription_id uuid NOT NULL,
  topic_id uuid NOT NULL,
  tenant text NOT NULL,
  kind text NOT NULL DEFAULT 'LIVE' CHECK (kind IN ('LIVE', 'TEST', 'REPLAY', 'SNAPSHOT', 'BEFORE')),
  typename text NOT NULL,
  node_key text NOT NULL,
  state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'SKIPPED', 'DELIVERED', 'RETRYING', 'HELD', 'FAILED', 'CANCELLED')),
  -- Why it is held, skipped or cancelled: see base/delivery-state.ts.
  reason text,
  due_at timestamptz(3) NOT NULL DEFAULT now(),
  lease_until timestamptz(3),
  lease_token bigint,
  attempt_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX deliveries_once ON hookgraph.deliveries (event_id, subscription_id) WHERE kind = 'LIVE';
CREATE INDEX deliveries_due ON hookgraph.deliveries (subscription_id, due_at, id) WHERE state IN ('PENDING', 'RETRYING');
CREATE INDEX deliveries_held ON hookgraph.deliveries (subscription_id, reason) WHERE state = 'HELD';
CREATE INDEX deliveries_of_subscription ON hookgraph.deliveries (subscription_id, id);
CREATE INDEX deliveries_of_tenant ON hookgraph.deliveries (tenant, id);

CREATE TABLE hookgraph.attempts (
  id bigint NOT NULL DEFAULT hookgraph.next_id(),
  delivery_id bigint NOT NULL,
  subscription_id uuid NOT NULL,
  subscription_version integer NOT NULL,
  number integer NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('DELIVERED', 'SKIPPED', 'HELD', 'FAILED')),
  stage text,
  message text,
  started_at timestamptz(3) NOT NULL,
  duration_ms double precision NOT NULL,
  timings jsonb,
  request_url text,
  request_headers jsonb,
  request_body text,
  response_status integer,
  response_headers jsonb,
  response_body text,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE hookgraph.attempts_default PARTITION OF hookgraph.attempts DEFAULT;
CREATE INDEX attempts_of_delivery ON hookgraph.attempts (delivery_id, id);
CREATE INDEX attempts_failed ON hookgraph.attempts (subscription_id, id) WHERE outcome = 'FAILED';

-- Makes this week's and the next three weeks' partitions of both tables; says how many it made.
-- A week that already has rows in the DEFAULT partition stays there: a row is never in the way of a row.
-- ATTACH, not CREATE … PARTITION OF: that would wait for every open writer, and all other writers behind it.
-- What can't be locked within a second is left for the next run.
CREATE FUNCTION hookgraph.ensure_partitions() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE parent text; week timestamptz; lower_id bigint; upper_id bigint; child text; held boolean; made integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('hookgraph.ensure_partitions')) THEN RETURN 0; END IF;
  FOREACH parent IN ARRAY ARRAY['events', 'attempts'] LOOP
    FOR i IN 0..3 LOOP
      week := date_trunc('week', now(), 'UTC') + i * interval '7 days';
      lower_id := hookgraph.id_at(week);
      upper_id := hookgraph.id_at(week + interval '7 days');
      child := parent || '_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD');
      CONTINUE WHEN to_regclass(format('hookgraph.%I', child)) IS NOT NULL;
      BEGIN
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM hookgraph.%I WHERE id >= %s AND id < %s)', parent || '_default', lower_id, upper_id) INTO held;
        CONTINUE WHEN held;
        EXECUTE format('CREATE TABLE hookgraph.%I (LIKE hookgraph.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
        EXECUTE format('ALTER TABLE hookgraph.%I ATTACH PARTITION hookgraph.%I FOR VALUES FROM (%s) TO (%s)', parent, child, lower_id, upper_id);
        made := made + 1;
      EXCEPTION WHEN lock_not_available OR check_violation THEN
        EXIT;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
