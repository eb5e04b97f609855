// Starts everything that a run needs: organizations with subscriptions and a receiver, an API and workers behind a proxy, and writers. A
// whole world also has subscriptions to SNS, before-hooks, and a second host.
import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { type FreezingProxy, startFreezingProxy } from '../support/freezing-proxy.js';
import { until } from '../support/until.js';
import { type GatedWriters, startGatedWriters } from './gated-writers.js';
import { type Host, makeHost } from './host.js';
import { type Product, startProcess } from './processes.js';
import { createRandom, type Random } from './random.js';
import { HOOK, type Receivers, startReceivers } from './receivers.js';
import { startWriters, type Writers } from './writers.js';

export interface Subscription {
  /** The record id. */
  id: string;
  globalId: string;
  organization: Organization;
  topic: string;
  path: string;
}

export interface Organization {
  id: string;
  name: string;
  token: string;
}

/** The database of a run. A member is `null` when the run can't do this to its database, because others use the database, too. */
export interface Server {
  url: string;
  /** Ends Postgres as `kill -9` does, and starts it again. */
  crash: (() => Promise<void>) | null;
  /**
   * Makes a streaming replica, waits for `between`, ends the primary, and promotes the replica. `dies`: ends the primary like `kill -9`;
   * otherwise the primary stops when the replica has everything, so that nothing is lost. Changes `url`.
   */
  failOver: ((dies: boolean, between: () => Promise<void>) => Promise<void>) | null;
}

export interface World {
  random: Random;
  /** Connects to the database directly, not through the proxy, and ignores `statement_timeout` and read-only settings. */
  pool: pg.Pool;
  database: string;
  server: Server;
  proxy: FreezingProxy;
  organizations: Organization[];
  subscriptions: Subscription[];
  receivers: Receivers;
  writers: Writers;
  /** The writers with before-hooks; `null` unless the world is whole. */
  gated: GatedWriters | null;
  /** The paths of the before-hooks. */
  hookPaths: string[];
  /** The second host; `null` unless the world is whole and the system allows one. */
  host: Host | null;
  api: Product;
  workers: Product[];
  startApi(): Promise<void>;
  startWorker(env?: Record<string, string>, inside?: string[]): Promise<Product>;
  /** Directs all new connections to the present server, and closes the open connections of this process. */
  followServer(): void;
  /** Runs a mutation or query of the API as the organization's admin; retries while the API doesn't answer. */
  graphql(organization: Organization, query: string, variables?: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface WorldOptions {
  server: Server;
  seed: number;
  organizations: number;
  workers: number;
  writers: number;
  isWhole: boolean;
}

const TOPICS = ['user/created', 'user/updated', 'user/deleted'];

export async function startWorld({ server, seed, organizations: count, workers, writers, isWhole }: WorldOptions): Promise<World> {
  const random = createRandom(seed);
  const database = new URL(server.url).pathname.slice(1);
  const host = isWhole ? makeHost() : null;
  const address = host?.address ?? '127.0.0.1';
  const direct = await startFreezingProxy(server.url);
  const pool = new pg.Pool({
    connectionString: direct.url,
    max: 8,
    options: '-c statement_timeout=0 -c default_transaction_read_only=off',
  });
  pool.on('error', () => {}).on('connect', (client) => void client.on('error', () => {}));
  const proxy = await startFreezingProxy(server.url, address);
  const env = {
    DATABASE_URL: proxy.url,
    HOOKGRAPH_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    HOOKGRAPH_ALLOWED_NETWORKS: `${address}/32`,
    HOOKGRAPH_BASE_URL: 'http://api.example',
    HOOKGRAPH_DATABASE_SILENCE_MS: '2000',
    HOOKGRAPH_REQUEST_TIMEOUT_MS: '2000',
    HOOKGRAPH_LOG_ATTEMPTS: 'off',
    PORT: '0',
  };
  // `migrate` has activated its own key, with which nothing is encrypted yet.
  await pool.query('DELETE FROM hookgraph.encryption_keys');
  const [receivers, organizations] = [await startReceivers(address), [] as Organization[]];
  for (let i = 0; i < count; i++) organizations.push(await makeOrganization(pool, `org-${i}`));
  const world: World = {
    random,
    pool,
    database,
    server,
    proxy,
    organizations,
    subscriptions: [],
    receivers,
    writers: startWriters({ pool, organizations, random: createRandom(seed + 1), count: writers }),
    gated: null,
    hookPaths: [],
    host,
    api: undefined as unknown as Product,
    workers: [],
    async startApi() {
      world.api = await startProcess('api', env);
    },
    async startWorker(more = {}, inside) {
      const worker = await startProcess('worker', { ...env, ...more }, inside);
      world.workers.push(worker);
      return worker;
    },
    graphql: ({ token }, query, variables = {}) =>
      until(
        'the API answers',
        async () => {
          const response = await fetch(`${world.api.url}/api/v3/graphql`, {
            method: 'POST',
            headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
            body: JSON.stringify({ query, variables }),
            signal: AbortSignal.timeout(20_000),
          }).catch(() => null);
          const answer = (await response?.json().catch(() => null)) as { data?: Record<string, unknown>; errors?: unknown } | null;
          return answer?.errors ? null : answer?.data;
        },
        { everyMs: 200 },
      ),
    followServer() {
      for (const one of [proxy, direct]) one.leadTo(server.url);
      direct.reset();
    },
    async close() {
      await Promise.all([world.writers.stop(), world.gated?.pause()]);
      await Promise.all([world.api, ...world.workers].map((one) => one?.kill('SIGKILL')));
      receivers.close();
      await pool.end();
      await Promise.all([proxy.close(), direct.close()]);
      host?.close();
    },
  };
  try {
    await world.startApi();
    await Promise.all(Array.from({ length: workers }, () => world.startWorker()));
    for (const organization of organizations)
      for (const topic of TOPICS) world.subscriptions.push(await subscribe(world, organization, topic));
    if (isWhole) await complete(world, createRandom(seed + 2));
  } catch (error) {
    await world.close();
    throw error;
  }
  return world;
}

async function makeOrganization(pool: pg.Pool, name: string): Promise<Organization> {
  const token = randomBytes(16).toString('hex');
  const { rows } = await pool.query<{ id: string }>(
    `WITH o AS (INSERT INTO organizations (name, permalink) VALUES ($1, $2) RETURNING id),
     u AS (INSERT INTO users (organization_id, first_name, last_name, admin) SELECT id, 'The', 'Admin', true FROM o RETURNING id, organization_id),
     t AS (INSERT INTO api_tokens (user_id, name, token_hash) SELECT id, 'chaos', $3 FROM u)
     SELECT organization_id AS id FROM u`,
    [name, `chaos-${token}`, createHash('sha256').update(token).digest('hex')],
  );
  return { id: (rows[0] as { id: string }).id, name, token };
}

const SUBSCRIBE = `mutation ($input: WebhookSubscriptionInput) {
  createWebhookSubscription(webhookSubscription: $input) { errors { field message } webhookSubscription { id databaseId } } }`;

/** Adds subscriptions to SNS, before-hooks and their writers. */
async function complete(world: World, random: Random): Promise<void> {
  const { receivers } = world;
  for (const organization of world.organizations) {
    const sns = {
      topicArn: `arn:aws:sns:eu-central-1:123456789012:${organization.name}`,
      endpoint: receivers.url,
      accessKeyId: 'AKIACHAOSCHAOSCHAOS1',
      secretAccessKey: 'secret',
    };
    world.subscriptions.push(await subscribe(world, organization, 'user/created', { path: `/${organization.name}/sns`, input: { sns } }));
    const path = `/${organization.name}${HOOK}`;
    const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }';
    const hook = { query, template: null, phase: 'BEFORE', onFailure: 'REFUSE', timeoutMs: 1000, callbackUrl: `${receivers.url}${path}` };
    await subscribe(world, organization, 'group/created', { path, input: hook });
    world.hookPaths.push(path);
  }
  world.gated = startGatedWriters(world, random);
}

async function subscribe(
  world: World,
  organization: Organization,
  topic: string,
  { path, input: more }: { path: string; input: object } = { path: `/${organization.name}/${topic.replace('/', '-')}`, input: {} },
): Promise<Subscription> {
  const input = {
    topic: { key: topic },
    ...('sns' in more ? {} : { callbackUrl: `${world.receivers.url}${path}` }),
    query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { lastName } } }',
    template: '{"organization": "{{ data.node.lastName | split: " " | first }}"}',
    ...more,
  };
  const { createWebhookSubscription: saved } = (await world.graphql(organization, SUBSCRIBE, { input })) as {
    createWebhookSubscription: { errors: unknown[]; webhookSubscription: { id: string; databaseId: string } };
  };
  if (saved.errors.length > 0) throw new Error(JSON.stringify(saved.errors));
  return { id: saved.webhookSubscription.databaseId, globalId: saved.webhookSubscription.id, organization, topic, path };
}
