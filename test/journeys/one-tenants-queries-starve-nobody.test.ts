// Promise: one organization's hundred slow queries wait, each with the reason, while another's deliveries arrive without delay.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Working } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: TestApp;
let receiver: Receiver;
let working: Working | undefined;
beforeAll(async () => {
  [t, receiver] = await Promise.all([
    testApp({ HOOKGRAPH_QUERY_TIMEOUT_MS: '1500', HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' }),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await working?.stop();
  await t.close();
  await receiver.close();
});

async function subscribe(query: string, path: string, as = t.admin): Promise<string> {
  const { data } = await t.ask(
    `mutation ($s: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $s) { errors { message } webhookSubscription { databaseId } } }`,
    { s: { topic: { key: 'user/created' }, callbackUrl: `${receiver.url}${path}`, query } },
    as,
  );
  expect(data.createWebhookSubscription.errors).toEqual([]);
  return data.createWebhookSubscription.webhookSubscription.databaseId;
}

const insertUsers = (organizationId: string, count: number) =>
  t.database.pool.query(
    `INSERT INTO users (organization_id, first_name, last_name) SELECT $1, 'New', 'N' || n FROM generate_series(1, $2) n`,
    [organizationId, count],
  );

const NAME = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { lastName } } }';
/** Reads five slow lists in parallel. */
const SLOW =
  'query ($nodeId: ID!) { node(id: $nodeId) { id } a: groups { nodes { id } } b: groups { nodes { name } } c: groups { totalCount } }';

it('goes on delivering to one organization while another one’s queries take for ever', async () => {
  const { pool } = t.database;
  // Starts the worker first, because it would refuse to start after a view has taken a table's place.
  working = await t.app.webhooks.work();
  // Waits, because relaying the sample data's memberships reads the groups.
  await until('the sample data is relayed', async () => (await pool.query('SELECT 1 FROM hookgraph.captures LIMIT 1')).rowCount === 0);
  // A view with pg_sleep stands in for a large table without a suitable index.
  await pool.query(`INSERT INTO groups (organization_id, name) VALUES ('${t.admin.organizationId}', 'Slow')`);
  await pool.query(`ALTER TABLE groups RENAME TO quick_groups;
    CREATE VIEW groups AS SELECT g.* FROM pg_sleep(30) CROSS JOIN quick_groups g`);
  const slow = await subscribe(SLOW, '/slow');
  await subscribe(NAME, '/quick', t.stranger);

  await insertUsers(t.admin.organizationId, 100);
  const sleeping = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%groups%' AND wait_event = 'PgSleep'`;
  const count = async () => (await pool.query(sleeping)).rows[0].count as number;
  await until('slow queries are under way', async () => (await count()) > 0);

  let most = 0;
  const quick = () => receiver.requests.filter(({ path }) => path === '/quick').length;
  for (let round = 1; round <= 5; round++) {
    await insertUsers(t.stranger.organizationId, 10);
    await until('the others are told', async () => {
      most = Math.max(most, await count());
      return quick() === round * 10;
    });
  }
  // If the deliveries had to wait for the hundred slow queries, of which nine run at a time, most of these would have ended.
  const { rowCount: ended } = await pool.query('SELECT 1 FROM hookgraph.attempts WHERE subscription_id = $1', [slow]);
  expect(ended).toBeLessThan(50);
  expect(most).toBeGreaterThan(0);
  // At most nine of the twenty connections run one organization's queries.
  expect(most).toBeLessThanOrEqual(9);

  await until('the first of them wait, because their query is too slow', async () => {
    const { rowCount } = await pool.query(`SELECT 1 FROM hookgraph.deliveries WHERE subscription_id = $1 AND reason = 'SLOW' LIMIT 5`, [
      slow,
    ]);
    return rowCount === 5;
  });
  expect((await pool.query('SELECT 1 FROM hookgraph.attempts WHERE subscription_id = $1', [slow])).rowCount).toBe(0);
  // Waiting deliveries are not charged an attempt: none has failed, and none is lost.
  const { rows } = await pool.query(
    `SELECT count(*)::int AS total, count(*) FILTER (WHERE state <> 'PENDING')::int AS other FROM hookgraph.deliveries WHERE subscription_id = $1`,
    [slow],
  );
  expect(rows[0]).toEqual({ total: 100, other: 0 });
  expect(receiver.requests.filter(({ path }) => path === '/slow')).toEqual([]);

  // Once the queries are fast again, all deliveries go through.
  await pool.query('DROP VIEW groups; ALTER TABLE quick_groups RENAME TO groups');
  await until(
    'nothing is pending',
    async () => (await pool.query(`SELECT 1 FROM hookgraph.deliveries WHERE state = 'PENDING'`)).rowCount === 0,
  );
  const states = await pool.query(`SELECT state, count(*)::int AS count FROM hookgraph.deliveries WHERE subscription_id = $1 GROUP BY 1`, [
    slow,
  ]);
  expect(states.rows).toEqual([{ state: 'DELIVERED', count: 100 }]);
});
