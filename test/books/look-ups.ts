// SQL statements by which a run finds rows that contradict each other.

export const LEFT = `
  SELECT (SELECT count(*) FROM hookgraph.captures) + (SELECT count(*) FROM hookgraph.event_queue) + (SELECT count(*) FROM hookgraph.fan_outs)
    + (SELECT count(*) FROM hookgraph.forgettings WHERE state = 'RUNNING')
    + (SELECT count(*) FROM hookgraph.replays WHERE state = 'RUNNING' OR (state = 'CANCELLED' AND NOT is_cleared))
    + (SELECT count(*) FROM hookgraph.open_deliveries WHERE held_for IS NULL OR held_for IN ('DISABLED', 'ORDER')) AS left`;

/** Selects the things whose creation was not sent: their delivery was skipped, cancelled by a request to forget, or pruned afterwards. */
export const SKIPPED = `
  SELECT e.node_key FROM hookgraph.events e
  LEFT JOIN hookgraph.deliveries d ON d.event_id = e.id AND d.subscription_id = $1 AND d.kind = 'LIVE'
  WHERE e.typename = 'Thing' AND e.operation = 'created' AND (d.state IN ('SKIPPED', 'CANCELLED') OR d.id IS NULL)`;

export const UNFORGOTTEN = `
  SELECT e.node_key FROM hookgraph.recorded e
  WHERE e.typename = 'Thing' AND NOT EXISTS (SELECT FROM hookgraph.forgettings f WHERE f.node_key = e.node_key) ORDER BY e.id LIMIT 1`;

export const REMEMBERED = `
  SELECT e.id FROM hookgraph.events e JOIN hookgraph.forgettings f ON f.typename = e.typename AND f.node_key = e.node_key
  WHERE e.id < f.id AND num_nonnulls(e.before, e.after, e.context) > 0`;

/** Selects deliveries that were replaced by a later delivery of the same node, although no later delivery exists. */
export const REPLACED_BY_NOTHING = `
  SELECT d.id FROM hookgraph.deliveries d
  WHERE d.reason = 'COALESCED' AND NOT EXISTS (SELECT FROM hookgraph.deliveries later
    WHERE later.subscription_id = d.subscription_id AND later.node_key = d.node_key AND later.event_id > d.event_id)`;

/** Returns the key of the thing in the body of a notification without a query. */
export const keyIn = (body: string): string | undefined => Buffer.from(JSON.parse(body).data.id, 'base64url').toString().split(':')[1];

export const END_CONNECTIONS = `
  SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`;
