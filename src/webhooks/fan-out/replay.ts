// Advances a replay by one batch: inserts its next deliveries and moves its position, both in one statement.
import type { Pool } from 'pg';
import { FITS_ENVIRONMENT, FITS_TOPIC, SETS_OFF_NO_OTHER } from './match.js';

/** Events that one step looks at, of all tenants. */
const BATCH = 2_000;
/** A replay waits while its subscription has this many due deliveries, so that live events wait behind few replayed ones. */
const MOST_DUE = 2_000;

export interface ReplayStep {
  subscriptionId: string;
  deliveries: number;
}

// - Position and deliveries change together, and an event is unique per replay, so a step may run twice.
// - A replay waits while its subscription is disabled, broken or a before-hook, and skips nothing.
// - Captures of its topic within its time, memberships included, must be relayed first: later they would lie behind the position.
// - Unlike the relay, a replay ignores when the subscription was created: a new subscriber may want past events.
const STEP = `
WITH r AS MATERIALIZED (
  SELECT r.id, r.position, r.from_at, r.to_at, r.subscription_id
  FROM hookgraph.replays r JOIN hookgraph.subscriptions s ON s.id = r.subscription_id
  WHERE r.state = 'RUNNING' AND s.status = 'ENABLED' AND s.phase = 'AFTER'
  AND NOT EXISTS (
    SELECT FROM hookgraph.captures c JOIN hookgraph.topics t ON t.typename = c.typename OR EXISTS (
      SELECT FROM hookgraph.tenant_sources m WHERE m.members_function IS NOT NULL AND m.typename = t.typename AND m.child_typename = c.typename)
    WHERE t.id = s.topic_id AND coalesce(c.tenant, s.tenant) = s.tenant AND c.id > r.position AND c.id < hookgraph.id_at(r.to_at + interval '1 ms'))
  AND (
    SELECT count(*) FROM (
      SELECT 1 FROM hookgraph.open_deliveries o
      WHERE o.subscription_id = r.subscription_id AND o.held_for IS NULL AND o.due_at <= now() LIMIT $2
    ) due) < $2
  ORDER BY r.updated_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED
), e AS MATERIALIZED (
  SELECT e.* FROM r CROSS JOIN LATERAL (
    SELECT * FROM hookgraph.events e WHERE e.id > r.position AND e.id < hookgraph.id_at(r.to_at + interval '1 ms') ORDER BY e.id LIMIT $1) e
), d AS (
  INSERT INTO hookgraph.deliveries (event_id, replay_id, subscription_id, topic_id, tenant, kind, typename, node_key, due_at)
  SELECT e.id, r.id, s.id, t.id, s.tenant, 'REPLAY', e.typename, e.node_key, now()
  FROM r JOIN hookgraph.subscriptions s ON s.id = r.subscription_id JOIN hookgraph.topics t ON t.id = s.topic_id
  JOIN e ON e.tenant = s.tenant AND ${FITS_TOPIC} AND ${FITS_ENVIRONMENT} AND e.occurred_at BETWEEN r.from_at AND r.to_at
  WHERE ${SETS_OFF_NO_OTHER}
  ORDER BY e.id
  ON CONFLICT (replay_id, event_id) WHERE replay_id IS NOT NULL DO NOTHING
  RETURNING id, subscription_id, due_at), opened AS (
  INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at) SELECT id, subscription_id, due_at FROM d)
UPDATE hookgraph.replays x SET position = coalesce((SELECT max(id) FROM e), x.position),
  delivery_count = x.delivery_count + (SELECT count(*) FROM d),
  state = CASE WHEN (SELECT count(*) FROM e) < $1 THEN 'DONE' ELSE x.state END, updated_at = clock_timestamp()
FROM r WHERE x.id = r.id
RETURNING x.subscription_id AS "subscriptionId", (SELECT count(*) FROM d)::int AS deliveries`;

/** Advances one replay by one step; `null` when no replay can go on now. Each replay is advanced by one worker at a time. */
export async function stepReplay(pool: Pool, batch = BATCH, mostDue = MOST_DUE): Promise<ReplayStep | null> {
  const { rows } = await pool.query<ReplayStep>({ name: 'hookgraph-replay', text: STEP, values: [batch, mostDue] });
  return rows[0] ?? null;
}
