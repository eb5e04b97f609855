// Defines the faults of a run. Each fault begins, lasts, ends and leaves the world as it found it; the books are checked afterwards.
import { setTimeout as wait } from 'node:timers/promises';
import { moveClock } from '../support/move-clock.js';
import { until } from '../support/until.js';
import { untilQuiet } from './books.js';
import type { Product } from './processes.js';
import { pick } from './random.js';
import type { Mood } from './receivers.js';
import type { Subscription, World } from './world.js';

export interface Fault {
  what: string;
  /** Whether the fault affects the whole server, so that the run needs its own Postgres. */
  needsServer?: true;
  run(world: World, lastsMs: number): Promise<void>;
}

/** Ends all sessions of the database, so that new sessions get its new settings. */
const endSessions = ({ pool }: World) =>
  pool
    .query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
    .catch(() => {});

async function withSetting(world: World, setting: string, value: string, lastsMs: number): Promise<void> {
  await world.pool.query(`ALTER DATABASE "${world.database}" SET ${setting} = '${value}'`);
  await endSessions(world);
  await wait(lastsMs);
  await until('the setting is reset', () =>
    world.pool.query(`ALTER DATABASE "${world.database}" RESET ${setting}`).then(
      () => true,
      () => false,
    ),
  );
  await endSessions(world);
}

async function withMood(world: World, mood: Mood, lastsMs: number): Promise<void> {
  const hit = world.subscriptions.filter(() => world.random(3) === 0);
  for (const { path } of hit.length > 0 ? hit : world.subscriptions) world.receivers.moods.set(path, mood);
  for (const path of world.hookPaths.filter(() => world.random(3) === 0)) world.receivers.moods.set(path, mood);
  await wait(lastsMs);
  world.receivers.moods.clear();
}

const UPDATE = `mutation ($id: ID!, $disabled: Boolean!) {
  updateWebhookSubscription(webhookSubscription: { id: $id, disabled: $disabled }) { errors { message } webhookSubscription { status } } }`;

const setDisabled = async (world: World, { organization, globalId }: Subscription, disabled: boolean) => {
  const { updateWebhookSubscription: saved } = (await world.graphql(organization, UPDATE, { id: globalId, disabled })) as {
    updateWebhookSubscription: { errors: unknown[]; webhookSubscription: { status: string } | null };
  };
  const status = saved.webhookSubscription?.status;
  if (saved.errors.length > 0 || (disabled && status !== 'DISABLED')) throw new Error(`Saving answered ${JSON.stringify(saved)}`);
};

/** Enables the subscriptions that a rule disabled during an outage of their receiver, as their owner would. */
export async function enableAll(world: World): Promise<void> {
  const { rows } = await world.pool.query<{ id: string }>('SELECT id FROM hookgraph.subscriptions WHERE disabled_at IS NOT NULL');
  for (const { id } of rows) {
    const subscription = world.subscriptions.find((one) => one.id === id);
    if (subscription) await setDisabled(world, subscription, false);
  }
}

async function replaceWorker(world: World, signal: NodeJS.Signals): Promise<void> {
  const worker = world.workers.splice(world.random(world.workers.length), 1)[0];
  await worker?.kill(signal);
  await world.startWorker();
}

const LONGER_THAN_A_LEASE_MS = 20_000;

/** Ends a worker that a fault has added. */
async function endExtra({ workers }: World, worker: Product): Promise<void> {
  if (worker.hasEnded()) throw new Error(`A worker has ended:\n${worker.output()}`);
  workers.splice(workers.indexOf(worker), 1);
  await worker.kill('SIGTERM');
}

async function failOver(world: World, dies: boolean, lastsMs: number): Promise<void> {
  const { server, pool, receivers, writers, gated } = world;
  const sinceMs = performance.now();
  const before = new Set(writers.created);
  await server.failOver?.(dies, () => wait(lastsMs));
  world.followServer();
  await wait(lastsMs);
  if (!dies) return;
  await Promise.all([writers.pause(), gated?.pause()]);
  await enableAll(world);
  await untilQuiet(world);
  // Rows that were committed and not replicated are lost with their events and deliveries. Their notifications may have been received.
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM unnest($1::uuid[]) AS c (id) WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = c.id)
       AND NOT EXISTS (SELECT FROM hookgraph.events e WHERE e.typename = 'User' AND e.node_key = c.id::text)`,
    [[...writers.created].filter((id) => !before.has(id))],
  );
  for (const { id } of rows) writers.created.delete(id);
  const known = await pool.query<{ id: string }>('SELECT id::text FROM hookgraph.deliveries');
  const ids = new Set(known.rows.map(({ id }) => id));
  receivers.requests.splice(0, Infinity, ...receivers.requests.filter((request) => request.atMs < sinceMs || ids.has(request.deliveryId)));
  const groups = await pool.query<{ name: string }>('SELECT name FROM groups');
  const names = new Set(groups.rows.map(({ name }) => name));
  for (const name of gated?.created ?? []) if (!names.has(name)) gated?.created.delete(name);
}

/** Moves the stored times instead of the clock, because libfaketime is missing. Pauses the writers meanwhile. */
async function jump(world: World, seconds: number): Promise<void> {
  await world.writers.pause();
  const workers = world.workers.splice(0);
  await Promise.all(workers.map((worker) => worker.kill('SIGTERM')));
  await moveClock(world.pool, seconds);
  const ids = BigInt(-seconds * 1000) << 20n;
  for (const request of world.receivers.requests) request.deliveryId = String(BigInt(request.deliveryId) + ids);
  await Promise.all(workers.map(() => world.startWorker()));
  world.writers.resume();
}

export const FAULTS: Record<string, Fault> = {
  'kill-worker': { what: 'kill -9 of a worker', run: (world) => replaceWorker(world, 'SIGKILL') },
  'stop-worker': { what: 'SIGTERM of a worker', run: (world) => replaceWorker(world, 'SIGTERM') },
  'pause-worker': {
    what: 'SIGSTOP and SIGCONT of a worker',
    async run({ workers, random }, lastsMs) {
      const worker = pick(random, workers);
      worker.child.kill('SIGSTOP');
      await wait(lastsMs);
      worker.child.kill('SIGCONT');
    },
  },
  'kill-api': {
    what: 'kill -9 of the API',
    async run(world) {
      await world.api.kill('SIGKILL');
      await world.startApi();
    },
  },
  'kill-postgres': { what: 'kill -9 of Postgres', needsServer: true, run: ({ server }) => server.crash?.() ?? Promise.resolve() },
  failover: {
    what: 'Postgres is stopped in good order, and its streaming replica takes over with everything',
    needsServer: true,
    run: (world, lastsMs) => failOver(world, false, lastsMs),
  },
  'lossy-failover': {
    what: 'kill -9 of Postgres, and its streaming replica takes over, which may lack the last writes',
    needsServer: true,
    run: (world, lastsMs) => failOver(world, true, lastsMs),
  },
  'cut-off': {
    what: 'a host is cut off from the network, for longer than its leases; its worker goes on',
    async run(world) {
      const { host } = world;
      if (!host) return;
      const worker = await world.startWorker({}, host.inside);
      await wait(1_000);
      host.cut();
      await wait(LONGER_THAN_A_LEASE_MS);
      host.mend();
      await wait(1_000);
      await endExtra(world, worker);
    },
  },
  'full-log': {
    what: 'the disk of the logs is full',
    async run(world, lastsMs) {
      const worker = await world.startWorker({ HOOKGRAPH_LOG_LEVEL: 'trace' }, ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh']);
      await wait(lastsMs);
      await endExtra(world, worker);
    },
  },
  silence: {
    what: 'the network to Postgres passes nothing on',
    async run({ proxy }, lastsMs) {
      proxy.freeze();
      await wait(lastsMs);
      proxy.thaw();
    },
  },
  swallow: { what: 'the network loses the open connections to Postgres without closing them', run: async ({ proxy }) => proxy.swallow() },
  reset: { what: 'all connections to Postgres are reset', run: async ({ proxy }) => proxy.reset() },
  'read-only': {
    what: 'Postgres is read-only',
    run: (world, lastsMs) => withSetting(world, 'default_transaction_read_only', 'on', lastsMs),
  },
  'statement-timeout': {
    what: 'Postgres has a statement_timeout of 100 ms',
    run: (world, lastsMs) => withSetting(world, 'statement_timeout', '100ms', lastsMs),
  },
  'clock-back': { what: 'the clock of Postgres goes back by ten minutes', run: (world) => jump(world, -600) },
  'clock-forward': { what: 'the clock of Postgres goes forward by an hour', run: (world) => jump(world, 3600) },
  'receivers-fail': { what: 'receivers answer 500', run: (world, lastsMs) => withMood(world, 'failing', lastsMs) },
  'receivers-slow': { what: 'receivers answer 429', run: (world, lastsMs) => withMood(world, 'slowing', lastsMs) },
  'receivers-cut': { what: 'receivers cut the connection', run: (world, lastsMs) => withMood(world, 'cutting', lastsMs) },
  'receivers-hang': { what: 'receivers never answer', run: (world, lastsMs) => withMood(world, 'hanging', lastsMs) },
  disable: {
    what: 'a subscription is disabled, and enabled again',
    async run(world, lastsMs) {
      const subscription = pick(world.random, world.subscriptions);
      await setDisabled(world, subscription, true);
      const atMs = performance.now();
      await wait(lastsMs);
      const late = world.receivers.requests.filter((request) => request.path === subscription.path && request.atMs > atMs + 50);
      await setDisabled(world, subscription, false);
      if (late.length > 0) throw new Error(`${late.length} requests came after the subscription was disabled`);
    },
  },
  replay: {
    what: 'past events are replayed, during a kill -9 of a worker',
    async run(world) {
      const { organization, globalId } = pick(world.random, world.subscriptions);
      const text = 'mutation ($id: ID!) { replayWebhookEvents(webhookSubscriptionId: $id, includeDelivered: true) { errors { message } } }';
      const { replayWebhookEvents: replayed } = (await world.graphql(organization, text, { id: globalId })) as {
        replayWebhookEvents: { errors: unknown[] };
      };
      if (replayed.errors.length > 0) throw new Error(JSON.stringify(replayed.errors));
      await replaceWorker(world, 'SIGKILL');
    },
  },
  resend: {
    what: 'deliveries are sent again, during a reset of the connections',
    async run(world) {
      const { organization, globalId } = pick(world.random, world.subscriptions);
      const list = 'query ($id: ID!) { node(id: $id) { ... on WebhookSubscription { deliveries(first: 5) { nodes { id } } } } }';
      const found = (await world.graphql(organization, list, { id: globalId })) as { node: { deliveries: { nodes: { id: string }[] } } };
      for (const [i, { id }] of found.node.deliveries.nodes.entries()) {
        await world.graphql(
          organization,
          `mutation ($id: ID!) { resendWebhookDelivery(id: $id, asNew: ${i % 2 === 0}) { errors { message } } }`,
          { id },
        );
        world.proxy.reset();
      }
    },
  },
};
