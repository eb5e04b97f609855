-- Who changed what in a subscription: a row per change, written in its transaction. Only ever added to.
CREATE TABLE hookgraph.audit_log (
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  tenant text NOT NULL,
  -- Of the subscription. No foreign keys: an entry outlives whatever it tells of.
  owner text NOT NULL,
  subscription_id uuid NOT NULL,
  action text NOT NULL CHECK (action IN ('CREATED', 'UPDATED', 'ENABLED', 'DISABLED', 'DELETED', 'TESTED', 'RESENT', 'RELEASED', 'REPLAYED', 'REPLAY_CANCELLED',
    'HELD', 'RESTORED')),
  at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- Either somebody, by their token where the host knows it, or a rule of the engine.
  user_id text,
  token_id text,
  token_name text,
  rule text,
  version_before integer,
  version_after integer,
  -- [{field, before, after}], of a secret [{field, secret: true}].
  changes jsonb NOT NULL DEFAULT '[]',
  message text,
  delivery_id bigint,
  CHECK ((user_id IS NULL) <> (rule IS NULL))
);
CREATE INDEX audit_log_of_owner ON hookgraph.audit_log (tenant, owner, id);
CREATE INDEX audit_log_of_subscription ON hookgraph.audit_log (subscription_id, id);

CREATE FUNCTION hookgraph.refuse_to_alter() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of %.% is refused: it is only ever added to', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hookgraph.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION hookgraph.refuse_to_alter();
-- Also in a session that replays: session_replication_role = replica.
ALTER TABLE hookgraph.audit_log ENABLE ALWAYS TRIGGER audit_log_append_only;
REVOKE UPDATE, DELETE, TRUNCATE ON hookgraph.audit_log FROM PUBLIC;
