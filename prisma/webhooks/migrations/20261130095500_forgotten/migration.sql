-- Until which id history was deleted, so that the audit takes what is missing before it for forgotten, not for lost. The tenant is empty for
-- all tenants. Locks nothing that exists.
CREATE TABLE hookgraph.forgotten (
  history text NOT NULL CHECK (history IN ('events', 'deliveries', 'attempts')),
  tenant text NOT NULL DEFAULT '',
  before_id bigint NOT NULL,
  PRIMARY KEY (history, tenant)
);

-- What was deleted before this table existed: all before the oldest row. Each minimum is one look-up in a primary key.
INSERT INTO hookgraph.forgotten (history, before_id)
SELECT history, before_id
FROM (
  SELECT 'events' AS history, (SELECT min(id) FROM hookgraph.events) AS before_id
  UNION ALL SELECT 'deliveries', (SELECT min(id) FROM hookgraph.deliveries)
  UNION ALL SELECT 'attempts', (SELECT min(id) FROM hookgraph.attempts)
) oldest
WHERE before_id IS NOT NULL;
