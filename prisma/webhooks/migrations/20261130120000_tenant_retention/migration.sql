-- How long tenants keep history that is stricter than the installation's: base/store/tenant-retention.ts. Locks nothing that exists.
CREATE TABLE hookgraph.tenant_retention (
  tenant text NOT NULL,
  -- A kind of history, as in the installation's settings. A kind without a row is kept as long as the installation keeps it.
  kind text NOT NULL CHECK (kind IN ('bodies', 'attempts', 'errors', 'events')),
  days integer NOT NULL CHECK (days > 0),
  -- The id up to which the cleaning has read attempts or, for the kind events, events.
  position bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, kind)
);

-- Who changed it. Only ever added to.
CREATE TABLE hookgraph.tenant_retention_changes (
  id bigint PRIMARY KEY DEFAULT hookgraph.next_id(),
  tenant text NOT NULL,
  at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  user_id text NOT NULL,
  token_id text,
  token_name text,
  -- The days of each kind: {"bodies": 3}.
  before jsonb NOT NULL,
  after jsonb NOT NULL
);
CREATE INDEX tenant_retention_changes_of_tenant ON hookgraph.tenant_retention_changes (tenant, id);
CREATE TRIGGER tenant_retention_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hookgraph.tenant_retention_changes
  FOR EACH STATEMENT EXECUTE FUNCTION hookgraph.refuse_to_alter();
ALTER TABLE hookgraph.tenant_retention_changes ENABLE ALWAYS TRIGGER tenant_retention_changes_append_only;
REVOKE UPDATE, DELETE, TRUNCATE ON hookgraph.tenant_retention_changes FROM PUBLIC;
