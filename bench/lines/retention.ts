// Measures whether writers and lists wait while old history is deleted.
import { setTimeout as wait } from 'node:timers/promises';
import { listDeliveries, runRetention } from '../../src/webhooks/index.js';
import type { Bench, Line, Metrics } from '../frame.js';
import { startHookgraph } from '../processes.js';
import type { Database } from '../server.js';
import { acme, prepared, type Receiver, startReceiver, subscribe, untilTrue } from '../world.js';

/** Attempts that are loaded and deleted; `ATTEMPTS=1000000 npm run bench -- retention` loads fewer. */
const ATTEMPTS = Number(process.env.ATTEMPTS ?? 10_000_000);
const WEEKS = 10;
const PER_SECOND = 500;
/** Attempts that are inserted by one statement. */
const STEP = 200_000;

export const retention: Line = {
  key: 'retention',
  title: 'Old history is deleted beside writers',
  method: `${ATTEMPTS.toLocaleString('en-US')} attempts with their deliveries, events and exchanges are loaded as ${WEEKS} old weeks. Then ${PER_SECOND} people a second are inserted, each by a statement of its own, and a worker delivers what that announces, while retention deletes all of the old weeks. A page of 50 deliveries is read again and again. Without: the same for ten seconds without retention. A write's time is from the statement to its answer; freed is the share of the bytes that are back after the run.`,
  rounds: 1,
  async prepare(bench) {
    const receiver = await startReceiver();
    return {
      variants: [
        { name: 'without', measure: () => measure(bench, receiver, false) },
        { name: 'retention', measure: () => measure(bench, receiver, true) },
      ],
      bars: [
        { what: 'the longest write', metric: 'writeMaxMs', of: 'retention', atMost: 100 },
        { what: 'the longest page', metric: 'listMaxMs', of: 'retention', atMost: 100 },
      ],
      close: () => receiver.stop(),
    };
  },
};

async function measure({ server, say }: Bench, receiver: Receiver, deletes: boolean): Promise<Metrics> {
  const source = await prepared(server, async (database, app) => {
    const id = await subscribe(app, database, { callbackUrl: receiver.url });
    if (deletes) await load(database, id, say);
  });
  const database = await source.copy();
  const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
  try {
    const bytesBefore = await bytesOf(database);
    const startedMs = performance.now();
    let isDone = false;
    const cleaning = deletes
      ? runRetention(database.pool, { bodies: 1, attempts: 1, errors: 1, events: 1, bytes: null })
      : wait(10_000).then(() => null);
    const ended = cleaning.finally(() => {
      isDone = true;
    });
    const until = () => isDone;
    const [writes, lists] = await Promise.all([write(database, until), list(database, until), ended]);
    const seconds = (performance.now() - startedMs) / 1000;
    await untilTrue(database, 'SELECT NOT EXISTS (SELECT FROM hookgraph.captures) AND NOT EXISTS (SELECT FROM hookgraph.open_deliveries)');
    const freed: Metrics = deletes ? { freed: 1 - (await bytesOf(database)) / bytesBefore } : {};
    return {
      writeMaxMs: Math.max(...writes),
      writeP99Ms: p99(writes),
      listMaxMs: Math.max(...lists),
      listP99Ms: p99(lists),
      seconds,
      ...freed,
    };
  } finally {
    await worker.stop('SIGKILL');
    await database.drop();
    await source.drop();
  }
}

const p99 = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;

async function bytesOf({ pool }: Database): Promise<number> {
  const { rows } = await pool.query('SELECT pg_database_size(current_database())::float8 AS bytes');
  return rows[0].bytes;
}

async function write({ pool }: Database, isDone: () => boolean): Promise<number[]> {
  const times: number[] = [];
  const startedMs = performance.now();
  const pending = new Set<Promise<void>>();
  for (let n = 1; !isDone(); n++) {
    const one = (async () => {
      const beganMs = performance.now();
      await pool.query(
        `INSERT INTO users (organization_id, first_name, last_name, username, email)
         SELECT id, 'New', 'Person', 'new' || $1::int, 'new' || $1::int || '@acme.example' FROM organizations WHERE permalink = 'acme'`,
        [n],
      );
      times.push(performance.now() - beganMs);
    })().finally(() => pending.delete(one));
    pending.add(one);
    const nextMs = startedMs + (n / PER_SECOND) * 1000 - performance.now();
    if (nextMs > 0) await wait(nextMs);
    if (pending.size > 50) await Promise.race(pending);
  }
  await Promise.all(pending);
  return times;
}

async function list(database: Database, isDone: () => boolean): Promise<number[]> {
  const owner = await acme(database);
  const times: number[] = [];
  while (!isDone()) {
    const beganMs = performance.now();
    await listDeliveries(database.pool, owner, null, {}, { limit: 50, after: null, before: null, backward: false });
    times.push(performance.now() - beganMs);
    await wait(50);
  }
  return times;
}

/** Inserts old weeks: each attempt has a delivery and an event of its own, and 32 share a row of `exchanges` with 3 KB. */
async function load({ pool }: Database, subscriptionId: string, say: Bench['say']): Promise<void> {
  const perWeek = Math.ceil(ATTEMPTS / WEEKS);
  for (let week = WEEKS + 1; week > 1; week--) {
    const from = `hookgraph.id_at(date_trunc('week', now(), 'UTC') - interval '${week} weeks')`;
    await partition(pool, 'events', week, 7);
    await partition(pool, 'attempts', week, 7);
    await partition(pool, 'exchanges_of_others', week, 7);
    for (let done = 0; done < perWeek; done += STEP) {
      const bounds = [done, Math.min(done + STEP, perWeek) - 1, subscriptionId];
      await pool.query(
        `WITH n AS (SELECT ${from} + n * 60000 AS id, n FROM generate_series($1::bigint, $2::bigint) n),
         e AS (INSERT INTO hookgraph.events (id, tenant, typename, node_key, operation, after)
           SELECT n.id, s.tenant, 'User', n.id::text, 'created', jsonb_build_object('id', n.id, 'first_name', 'First', 'last_name', 'Last', 'email', n.id || '@growth.example')
           FROM n, hookgraph.subscriptions s WHERE s.id = $3),
         d AS (INSERT INTO hookgraph.deliveries (id, event_id, subscription_id, topic_id, typename, node_key, due_at, state, attempt_count)
           SELECT n.id + 1, n.id, s.id, s.topic_id, 'User', n.id::text, now(), 'DELIVERED', 1 FROM n, hookgraph.subscriptions s WHERE s.id = $3),
         x AS (INSERT INTO hookgraph.exchanges (id, is_error, entries)
           SELECT n.id, false, decode(repeat(md5(n.id::text), 96), 'hex') FROM n WHERE n.n % 32 = 0)
         INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms, response_status, exchange_id, place)
         SELECT n.id + 2, n.id + 1, $3, 1, 1, 'DELIVERED', now(), 5, 200, ${from} + n.n / 32 * 32 * 60000, n.n % 32 FROM n`,
        bounds,
      );
    }
    say(`  ${WEEKS + 2 - week} of ${WEEKS} weeks are loaded`);
  }
}

async function partition(pool: Database['pool'], parent: string, week: number, days: number): Promise<void> {
  const start = `date_trunc('week', now(), 'UTC') - interval '${week} weeks'`;
  const { rows } = await pool.query(
    `SELECT hookgraph.id_at(${start})::text AS low, hookgraph.id_at(${start} + interval '${days} days')::text AS high, to_char(${start}, 'YYYYMMDD') AS day`,
  );
  const { low, high, day } = rows[0];
  await pool.query(`CREATE TABLE hookgraph.${parent}_${day} PARTITION OF hookgraph.${parent} FOR VALUES FROM (${low}) TO (${high})`);
}
