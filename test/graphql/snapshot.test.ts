// Tests that one query reads a single snapshot: changes that happen while it reads are not in its answer.
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { type TestApp, testApp } from '../support/app.js';
import { until } from '../support/until.js';

let t: TestApp;
let subscription: { id: string; databaseId: string };
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());
beforeEach(async () => {
  const { webhookSubscription } = await t.value(
    `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "environment/created" } callbackUrl: "https://8.8.8.8/hook" }) {
      webhookSubscription { id databaseId } } }`,
  );
  subscription = webhookSubscription;
  await t.value('mutation { createEnvironment(environment: { name: "One" }) { errors { message } } }');
  await relayOnce(t.database.pool);
});

/** Runs a query that waits for the table halfway, and changes the database while it waits. */
async function askDuring(table: string, query: string, change: (client: PoolClient) => Promise<unknown>) {
  const client = await t.database.pool.connect();
  try {
    await client.query(`BEGIN; LOCK TABLE hookgraph.${table} IN ACCESS EXCLUSIVE MODE`);
    const asked = t.ask(query, { id: subscription.id });
    await until('the query waits for the table', async () => {
      const { rows } = await t.database.pool.query(`SELECT FROM pg_locks WHERE NOT granted AND relation = 'hookgraph.${table}'::regclass`);
      return rows.length > 0;
    });
    await change(client);
    await client.query('COMMIT');
    const { data, errors } = await asked;
    expect(errors).toBeUndefined();
    return data;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const deliver = async (client: PoolClient) => {
  await client.query(
    `WITH d AS (UPDATE hookgraph.deliveries SET state = 'DELIVERED', attempt_count = 1 WHERE subscription_id = $1 RETURNING *)
     INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms)
     SELECT id, subscription_id, 1, 1, 'DELIVERED', now(), 1 FROM d`,
    [subscription.databaseId],
  );
};

it.each([
  [
    'a list',
    'query ($id: ID) { found: webhookDeliveries(webhookSubscriptionId: $id) { nodes { state attemptCount attempts { number } } } }',
  ],
  [
    'a subscription',
    'query ($id: ID!) { s: webhookSubscription(id: $id) { found: deliveries { nodes { state attemptCount attempts { number } } } } }',
  ],
])('a delivery is delivered while %s reads: its state fits its attempts', async (_, query) => {
  const data = await askDuring('attempts', query, deliver);
  expect((data.s ?? data).found.nodes).toEqual([{ state: 'PENDING', attemptCount: 0, attempts: [] }]);
  const after = await t.ask(query, { id: subscription.id });
  expect((after.data.s ?? after.data).found.nodes).toEqual([{ state: 'DELIVERED', attemptCount: 1, attempts: [{ number: 1 }] }]);
});

it('a subscription is disabled while a query reads it: its deliveries are as they were', async () => {
  const query = `query ($id: ID!) { subscription: webhookSubscription(id: $id) { disabled deliveries { nodes { state } } }
    webhookAuditLog(webhookSubscriptionId: $id) { nodes { action } } }`;
  const data = await askDuring('deliveries', query, (client) =>
    client.query(
      `WITH s AS (UPDATE hookgraph.subscriptions SET disabled_at = now() WHERE id = $1), d AS (
         UPDATE hookgraph.deliveries SET state = 'HELD', reason = 'DISABLED' WHERE subscription_id = $1 AND state = 'PENDING')
       INSERT INTO hookgraph.audit_log (subscription_id, tenant, owner, action, user_id) SELECT id, tenant, owner, 'DISABLED', owner FROM hookgraph.subscriptions WHERE id = $1`,
      [subscription.databaseId],
    ),
  );
  expect(data).toEqual({
    subscription: { disabled: false, deliveries: { nodes: [{ state: 'PENDING' }] } },
    webhookAuditLog: { nodes: [{ action: 'CREATED' }] },
  });
});

it('why-not reads the attempts of the moment of the state', async () => {
  const query =
    'query ($id: ID!) { why: webhookWhyNot(webhookSubscriptionId: $id) { findings { code delivery { state attempts { number } } } } }';
  const { why } = await askDuring('attempts', query, deliver);
  expect(why.findings[0]).toEqual({ code: 'NOT_CLAIMED', delivery: { state: 'PENDING', attempts: [] } });
});

it('keeps no connection when a query has ended, also when a statement failed', async () => {
  const { pool } = t.app.webhooks.engine;
  const client = await t.database.pool.connect();
  try {
    await client.query('BEGIN; LOCK TABLE hookgraph.attempts IN ACCESS EXCLUSIVE MODE');
    const asked = t.ask('{ webhookDeliveries { nodes { attempts { number } topic { key } } } }');
    await until('it is cancelled', async () => {
      const { rows } = await t.database.pool.query(
        `SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'hookgraph.attempts'::regclass`,
      );
      return rows.length > 0;
    });
    const { data, errors } = await asked;
    expect({ data, errors: errors?.length }).toMatchObject({ data: null, errors: 1 });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
  await until('no connection is in use', () => pool.totalCount === pool.idleCount);
  expect((await t.ask('{ webhookDeliveries { nodes { state } } }')).errors).toBeUndefined();
});
