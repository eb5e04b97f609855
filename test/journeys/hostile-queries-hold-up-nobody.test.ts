// Promise: the costly requests and stored queries of one organization don't make those of another organization wait.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import type { Working } from '../../src/webhooks/index.js';
import { type ServedApp, servedApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { startRequestLoad } from '../support/request-load.js';
import { until } from '../support/until.js';

let t: ServedApp;
let receiver: Receiver;
let working: Working | undefined;
/** An admin of the organization with most of the sample data. */
let hostile: Viewer;
let ordinary: Viewer;
beforeAll(async () => {
  [t, receiver] = await Promise.all([
    servedApp(
      { HOOKGRAPH_RATE_LIMIT: '0', HOOKGRAPH_STOP_TIMEOUT_MS: '200', HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' },
      { sampleData: true },
    ),
    startReceiver(),
  ]);
  [hostile, ordinary] = [t.admin, t.stranger];
});
afterAll(async () => {
  await working?.stop();
  await t?.close();
  await receiver?.close();
});

/** A page of a hundred objects with one field under many names: a single statement, but much work for the thread. */
const page = (aliases: number) =>
  `scenarioSessions(first: 100) { nodes { ${Array.from({ length: aliases }, (_, index) => `a${index}: databaseId`).join(' ')} } }`;
const QUICK = '{ users(first: 5) { nodes { firstName } } }';

/**
 * Number of ordinary requests or deliveries beside the hostile ones. The tests count the hostile work that is done meanwhile instead of
 * measuring time, so that they don't depend on the speed of the machine.
 */
const COUNT = 10;
/** Number of hostile deliveries. */
const HOSTILE = 60;

async function tokenFor(viewer: Viewer): Promise<string> {
  return (await t.value('mutation { createApiToken(apiToken: { name: "x", scope: READ }) { token } }', {}, viewer)).token;
}

it('answers one organization’s requests out of turn while another one sends the costliest that are allowed', async () => {
  const url = `${t.api.url}/api/v3/graphql`;
  const [hostileToken, token] = await Promise.all([tokenFor(hostile), tokenFor(ordinary)]);
  const costly = startRequestLoad({ url, token: hostileToken, query: `{ ${page(490)} }`, concurrency: 20 });
  await until('the first of them is answered', () => costly.answers.length > 0, { everyMs: 5 });
  const quick = startRequestLoad({ url, token, query: QUICK, concurrency: 2, pauseMs: 2 });
  await until('it answers', () => quick.answers.length > 0, { everyMs: 5 });
  const before = costly.answers.length;
  await until('the others are answered', () => quick.answers.length > COUNT, { everyMs: 5 });
  const meanwhile = costly.answers.length - before;
  await Promise.all([quick.stop(), costly.stop()]);
  for (const { status, head } of quick.answers) expect([status, head]).toEqual([200, expect.stringMatching(/^\{"data":/)]);
  // Without turns, each ordinary request would wait for the twenty hostile requests before it.
  expect(meanwhile).toBeLessThanOrEqual(COUNT);
});

it('delivers to one organization out of turn while another one’s stored queries are the costliest that are allowed', async () => {
  const subscribe = (query: string, path: string, as: Viewer) =>
    t.value(
      `mutation ($s: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $s) { errors { message } webhookSubscription { id } } }`,
      { s: { topic: { key: 'user/created' }, callbackUrl: `${receiver.url}${path}`, query } },
      as,
    );
  const made = await Promise.all([
    subscribe(`query ($nodeId: ID!) { node(id: $nodeId) { id } ${page(95)} }`, '/hostile', hostile),
    subscribe('query ($nodeId: ID!) { node(id: $nodeId) { ... on User { lastName } } }', '/ordinary', ordinary),
  ]);
  expect(made).toMatchObject([{ errors: [] }, { errors: [] }]);
  working = await t.app.webhooks.work();
  const insert = (viewer: Viewer, count: number) =>
    t.database.pool.query(
      `INSERT INTO users (organization_id, first_name, last_name) SELECT $1, 'New', 'N' || n FROM generate_series(1, $2) n`,
      [viewer.organizationId, count],
    );
  const received = (path: string) => receiver.requests.filter((request) => request.path === path).length;
  const deliver = async (count: number) => {
    const before = received('/ordinary');
    await insert(ordinary, count);
    await until('they are delivered', () => received('/ordinary') === before + count, { everyMs: 5 });
  };
  await deliver(1);
  await insert(hostile, HOSTILE);
  await until('the first of them is sent', () => received('/hostile') > 0, { everyMs: 5 });
  const before = received('/hostile');
  await deliver(COUNT);
  // Without turns, nearly all hostile deliveries would be sent first.
  expect(received('/hostile') - before).toBeLessThan(HOSTILE / 2);
  // Work beyond the organization's share waits or is put back: no attempt failed, and nothing is held.
  const { rows } = await t.database.pool.query(
    `SELECT DISTINCT d.state, a.outcome FROM hookgraph.deliveries d LEFT JOIN hookgraph.attempts a ON a.delivery_id = d.id
     WHERE d.state <> 'DELIVERED' OR a.outcome <> 'DELIVERED'`,
  );
  expect(rows).toEqual([{ state: 'PENDING', outcome: null }]);
});
