// Rows of the engine's own tables, for tests of single stages: a topic, subscriptions, deliveries.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

async function insertTopic(pool: Pool, key = 'thing/created'): Promise<string> {
  const { rows } = await pool.query(
    `INSERT INTO hookgraph.topics (key, version, typename, operation) VALUES ($1, '1.1', 'Thing', 'created')
     ON CONFLICT (key, version) DO UPDATE SET key = excluded.key RETURNING id`,
    [key],
  );
  return rows[0].id;
}

export async function insertSubscription(pool: Pool, { tenant = 'org', callbackUrl = 'https://receiver.example/' } = {}): Promise<string> {
  const id = randomUUID();
  await pool.query(`INSERT INTO hookgraph.subscriptions (id, tenant, owner, topic_id) VALUES ($1, $2, 'user', $3)`, [
    id,
    tenant,
    await insertTopic(pool),
  ]);
  const definition = {
    callbackUrl,
    contentType: 'JSON',
    query: null,
    validationTemplate: null,
    template: null,
    errorTemplate: null,
    headerNames: [],
    retry: null,
  };
  await pool.query(
    `INSERT INTO hookgraph.subscription_versions (subscription_id, number, definition, created_by) VALUES ($1, 1, $2, 'user')`,
    [id, definition],
  );
  return id;
}

/** `dueInMs`: when, from now; negative is overdue. */
export async function insertDeliveries(
  pool: Pool,
  subscriptionId: string,
  count: number,
  { dueInMs = -1000, state = 'PENDING', attemptCount = 0 } = {},
) {
  const { rows } = await pool.query<{ id: string }>(
    `WITH e AS (
       INSERT INTO hookgraph.events (tenant, typename, node_key, operation, after)
       SELECT 'org', 'Thing', i::text, 'created', jsonb_build_object('id', i) FROM generate_series(1, $2) i RETURNING id, node_key
     )
     INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, state, due_at, attempt_count)
     SELECT e.id, x.id, x.topic_id, x.tenant, 'Thing', e.node_key, $4, now() + $3 * interval '1 ms', $5
     FROM e, hookgraph.subscriptions x WHERE x.id = $1 RETURNING id`,
    [subscriptionId, count, dueInMs, state, attemptCount],
  );
  return rows.map((row) => row.id);
}

export async function deliveriesOf(pool: Pool, subscriptionId: string) {
  const { rows } = await pool.query(
    `SELECT id, state, reason, attempt_count AS "attemptCount", lease_token AS "leaseToken", extract(epoch FROM due_at - now())::float AS "dueInSeconds"
     FROM hookgraph.deliveries WHERE subscription_id = $1 ORDER BY id`,
    [subscriptionId],
  );
  return rows;
}
