// Inserts rows into the engine's own tables for tests of single stages: topics, subscriptions, deliveries.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { EMPTY_DEFINITION } from '../../src/webhooks/base/definition.js';

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
  await pool.query(
    `INSERT INTO hookgraph.subscription_versions (subscription_id, number, definition, created_by) VALUES ($1, 1, $2, 'user')`,
    [id, { ...EMPTY_DEFINITION, callbackUrl }],
  );
  return id;
}

const OPEN =
  'INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for) SELECT id, subscription_id, coalesce(due_at, hookgraph.time_of(id)), reason';

/** Inserts deliveries. `dueInMs`: milliseconds until they are due; negative for overdue deliveries. */
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
     ), d AS (
       INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, state, reason, due_at, attempt_count)
       SELECT e.id, x.id, x.topic_id, x.tenant, 'Thing', e.node_key, $4, CASE $4 WHEN 'HELD' THEN 'NODE' END, now() + $3 * interval '1 ms', $5
       FROM e, hookgraph.subscriptions x WHERE x.id = $1 RETURNING *
     ), o AS (${OPEN} FROM d WHERE state IN ('PENDING', 'RETRYING', 'HELD'))
     SELECT id FROM d`,
    [subscriptionId, count, dueInMs, state, attemptCount],
  );
  return rows.map((row) => row.id);
}

/**
 * Returns the deliveries whose state contradicts open_deliveries. The only such deliveries that are correct are those that
 * were cancelled in flight and whose attempt isn't recorded yet.
 */
export async function outOfStep(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `SELECT d.id, d.state, d.reason, d.due_at, o.* FROM hookgraph.deliveries d FULL JOIN hookgraph.open_deliveries o ON o.delivery_id = d.id
     WHERE CASE WHEN d.state IN ('PENDING', 'RETRYING') THEN o.delivery_id IS NULL OR o.held_for IS DISTINCT FROM (CASE d.reason WHEN 'ORDER' THEN 'ORDER' END) OR o.due_at <> d.due_at
       WHEN d.state = 'HELD' THEN o.delivery_id IS NULL OR o.held_for IS DISTINCT FROM d.reason
       ELSE o.delivery_id IS NOT NULL END`,
  );
  return rows;
}

/** Makes every waiting delivery due now. Doesn't touch leased rows, because the worker couldn't record its attempt otherwise. */
export async function makeDue(pool: Pool, subscriptionId: string | null = null): Promise<void> {
  await pool.query(
    `WITH o AS (
       UPDATE hookgraph.open_deliveries SET due_at = now()
       WHERE held_for IS NULL AND lease_until IS NULL AND due_at > now() AND ($1::uuid IS NULL OR subscription_id = $1)
       RETURNING delivery_id, due_at
     )
     UPDATE hookgraph.deliveries d SET due_at = o.due_at FROM o WHERE d.id = o.delivery_id`,
    [subscriptionId],
  );
}

/** Ends the pause of a subscription that is slowed or probed. */
export async function endPause(pool: Pool, subscriptionId: string): Promise<void> {
  await pool.query('UPDATE hookgraph.paces SET resume_at = now() WHERE subscription_id = $1 AND resume_at > now()', [subscriptionId]);
}

/** Inserts an attempt of a delivery, and returns its id. */
export async function insertAttempt(
  pool: Pool,
  deliveryId: string,
  {
    number = 1,
    outcome = 'FAILED',
    stage = 'CONNECT' as string | null,
    message = null as string | null,
    status = null as number | null,
  } = {},
): Promise<string> {
  const { rows } = await pool.query(
    `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, stage, message, started_at, duration_ms,
       request_url, request_headers, request_body, response_status)
     SELECT d.id, d.subscription_id, 1, $2, $3, $4, $5, now(), 1.5, 'https://x/', '{"a": "b"}', '{}', $6
     FROM hookgraph.deliveries d WHERE d.id = $1 RETURNING id`,
    [deliveryId, number, outcome, stage, message, status],
  );
  return rows[0].id;
}

/** Inserts `count` failed attempts; `ago`: their age as an SQL interval. */
export async function insertErrors(pool: Pool, subscriptionId: string, count: number, ago = '30 minutes'): Promise<void> {
  await pool.query(`UPDATE hookgraph.subscriptions SET enabled_at = now() - interval '1 day' WHERE id = $1`, [subscriptionId]);
  await pool.query(
    `INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms)
     SELECT hookgraph.id_at(now() - $3::interval) + i, 1, $1, 1, 1, 'FAILED', now() - $3::interval, 1 FROM generate_series(1, $2) i`,
    [subscriptionId, count, ago],
  );
}

/** Moves the deliveries of a subscription (`null`: of all subscriptions) to this state, and ends their leases. */
export async function moveDeliveries(
  pool: Pool,
  subscriptionId: string | null,
  state: string,
  reason: string | null = null,
): Promise<void> {
  await pool.query(`DELETE FROM hookgraph.open_deliveries WHERE $1::uuid IS NULL OR subscription_id = $1`, [subscriptionId]);
  await pool.query(
    `WITH d AS (UPDATE hookgraph.deliveries SET state = $2, reason = $3 WHERE $1::uuid IS NULL OR subscription_id = $1 RETURNING *)
     ${OPEN} FROM d WHERE state IN ('PENDING', 'RETRYING', 'HELD')`,
    [subscriptionId, state, reason],
  );
}

export async function deliveriesOf(pool: Pool, subscriptionId: string) {
  const { rows } = await pool.query(
    `SELECT d.id, d.state, d.reason, d.attempt_count AS "attemptCount", o.lease_token AS "leaseToken",
       coalesce(d.due_at, hookgraph.time_of(d.id)) AS "dueAt", extract(epoch FROM coalesce(d.due_at, hookgraph.time_of(d.id)) - now())::float AS "dueInSeconds"
     FROM hookgraph.deliveries d LEFT JOIN hookgraph.open_deliveries o ON o.delivery_id = d.id
     WHERE d.subscription_id = $1 ORDER BY d.id`,
    [subscriptionId],
  );
  return rows;
}
