// Promise: one organization's costly requests and stored queries don't make those of another one wait.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import type { Working } from '../../src/webhooks/index.js';
import { type ServedApp, servedApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { type RequestLoad, startRequestLoad } from '../support/request-load.js';
import { until } from '../support/until.js';

let t: ServedApp;
let receiver: Receiver;
let working: Working | undefined;
/** An admin of the organization with most sample data, and one of the other. */
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

/** A page of a hundred objects, of which one field is asked for under many names: one statement, and much work for the thread. */
const page = (aliases: number) =>
  `scenarioSessions(first: 100) { nodes { ${Array.from({ length: aliases }, (_, index) => `a${index}: databaseId`).join(' ')} } }`;
const QUICK = '{ users(first: 5) { nodes { firstName } } }';

/** Rounds in which a quiet time and a hostile one follow each other, so that both meet the same machine. */
const ROUNDS = 2;
/** Number of measured requests or deliveries in each of these times. */
const PER_TIME = 10;
/**
 * Milliseconds that count as undelayed, because a busy machine delays both times by chance. Without turns, ten requests or deliveries
 * beside this load took more than a minute.
 */
const FLOOR_MS = 1_000;

const p95 = (all: number[]) => all.sort((a, b) => a - b)[Math.ceil(all.length * 0.95) - 1] as number;

function expectUndelayed(quiet: number[], beside: number[]): void {
  expect(quiet).toHaveLength(beside.length);
  expect(p95(beside), `quiet: ${p95(quiet)} ms`).toBeLessThan(Math.max(3 * p95(quiet), FLOOR_MS));
}

async function tokenFor(viewer: Viewer): Promise<string> {
  return (await t.value('mutation { createApiToken(apiToken: { name: "x", scope: READ }) { token } }', {}, viewer)).token;
}

it('answers one organization’s requests as quickly as before while another one sends the costliest that are allowed', async () => {
  const url = `${t.api.url}/api/v3/graphql`;
  const [hostileToken, token] = await Promise.all([tokenFor(hostile), tokenFor(ordinary)]);
  const [quiet, beside]: [number[], number[]] = [[], []];
  const measure = async (into: number[], others?: RequestLoad) => {
    const load = startRequestLoad({ url, token, query: QUICK, concurrency: 2, pauseMs: 2 });
    await until('the requests are answered', () => load.answers.length >= PER_TIME);
    await Promise.all([load.stop(), others?.stop()]);
    for (const { status, head } of load.answers) expect([status, head]).toEqual([200, expect.stringMatching(/^\{"data":/)]);
    into.push(...load.answers.slice(0, PER_TIME).map(({ ms }) => ms));
  };
  for (let round = 0; round < ROUNDS; round++) {
    await measure(quiet);
    const load = startRequestLoad({ url, token: hostileToken, query: `{ ${page(490)} }`, concurrency: 20 });
    await until('the first of them is answered', () => load.answers.length > 0);
    await measure(beside, load);
  }
  expectUndelayed(quiet, beside);
});

it('delivers to one organization as quickly as before while another one’s stored queries are the costliest that are allowed', async () => {
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
  const measure = async (into: number[]) => {
    for (let count = 0; count < PER_TIME; count++) {
      const before = received('/ordinary');
      const since = performance.now();
      await insert(ordinary, 1);
      await until('it is delivered', () => received('/ordinary') > before, { everyMs: 5 });
      into.push(performance.now() - since);
    }
  };
  const [quiet, beside]: [number[], number[]] = [[], []];
  await measure(quiet);
  await insert(hostile, 60);
  await until('the first of them is sent', () => received('/hostile') > 0);
  await measure(beside);
  expectUndelayed(quiet, beside);
  // Work beyond its share waits, or is put back: no attempt failed, and nothing is held.
  const { rows } = await t.database.pool.query(
    `SELECT DISTINCT d.state, a.outcome FROM hookgraph.deliveries d LEFT JOIN hookgraph.attempts a ON a.delivery_id = d.id
     WHERE d.state <> 'DELIVERED' OR a.outcome <> 'DELIVERED'`,
  );
  expect(rows).toEqual([{ state: 'PENDING', outcome: null }]);
});
