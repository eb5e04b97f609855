// Measures whether writers and lists wait while old history is deleted.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { listDeliveries, runRetention } from '../../src/webhooks/index.js';
import type { Bench, Line, Metrics } from '../frame.js';
import { startHookgraph } from '../processes.js';
import type { Database } from '../server.js';
import { acme, prepared, type Receiver, startReceiver, subscribe, untilTrue } from '../world.js';

/** Attempts that are loaded and deleted; `ATTEMPTS=500000 npm run bench -- retention` loads fewer. */
const ATTEMPTS = Number(process.env.ATTEMPTS ?? 10_000_000);
/** Number of attempts in the warm-up round. */
const WARM_UP = Math.min(20_000, ATTEMPTS);
const WEEKS = 10;
const PER_SECOND = 500;
/** Attempts that are inserted by one statement. */
const STEP = 200_000;
/** Milliseconds of writes before the measured ones, so that the start of the worker isn't measured. */
const WARM_MS = 5000;
/** Milliseconds of the run without retention: long enough for a checkpoint, because commits are slow beside one. */
const WITHOUT_MS = 60_000;
/** Milliseconds between two checks for waits. NOTED_MS: minimum milliseconds of a wait that is noted. */
const LOOK_MS = 20;
const NOTED_MS = 50;

export const retention: Line = {
  key: 'retention',
  title: 'Old history is deleted beside writers',
  method: `${ATTEMPTS.toLocaleString('en-US')} attempts with their deliveries, events and exchanges are loaded as ${WEEKS} old weeks. Then ${PER_SECOND} people a second are inserted, each by a statement of its own, and a worker delivers what that announces, while retention deletes all of the old weeks. A page of 50 deliveries is read again and again. Without: the same for a minute without retention. Postgres makes a checkpoint every 30 seconds, in both. A write's time is from the statement to its answer; freed is the share of the bytes that are back after the run. Locks are looked at every ${LOOK_MS} ms: lockMaxMs is the longest wait that was seen.`,
  rounds: 1,
  async prepare(bench) {
    const receiver = await startReceiver();
    const waits: LockWait[] = [];
    let attempts = WARM_UP;
    const measureRetention = async () => {
      waits.length = 0;
      const metrics = await measure(bench, receiver, attempts, waits);
      attempts = ATTEMPTS;
      return metrics;
    };
    return {
      variants: [
        { name: 'without', measure: () => measure(bench, receiver, 0, []) },
        { name: 'retention', measure: measureRetention },
      ],
      bars: [
        { what: 'the longest write', metric: 'writeMaxMs', of: 'retention', atMost: 100 },
        { what: 'the longest page', metric: 'listMaxMs', of: 'retention', atMost: 100 },
      ],
      notes: () => [describeWaits(waits)],
      close: () => receiver.stop(),
    };
  },
};

/** A wait for a lock, as it was last seen. */
interface LockWait {
  ms: number;
  relation: string;
  statement: string;
  holders: string;
}

async function measure({ server, say }: Bench, receiver: Receiver, attempts: number, waits: LockWait[]): Promise<Metrics> {
  let id = '';
  const source = await prepared(server, async (database, app) => {
    id = await subscribe(app, database, { callbackUrl: receiver.url });
  });
  const database = await source.copy();
  if (attempts > 0) await load(database, id, attempts, say);
  await database.pool.query("ALTER SYSTEM SET checkpoint_timeout = '30s'");
  await database.pool.query('SELECT pg_reload_conf()');
  // Writes the loaded pages to disk, so that this doesn't happen while the writers are measured.
  await database.pool.query('CHECKPOINT');
  const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
  // A separate pool, as customers have, so that writers don't wait for a connection of the cleaning.
  const writers = new pg.Pool({ connectionString: database.url, max: 10 });
  try {
    const warmUntilMs = performance.now() + WARM_MS;
    await write(writers, 'warm', () => performance.now() > warmUntilMs);
    const bytesBefore = await bytesOf(database);
    const startedMs = performance.now();
    let isDone = false;
    const cleaning =
      attempts > 0
        ? runRetention(database.pool, { bodies: 1, attempts: 1, errors: 1, events: 1, bytes: null })
        : wait(WITHOUT_MS).then(() => null);
    const ended = cleaning.finally(() => {
      isDone = true;
    });
    const until = () => isDone;
    const [writes, lists] = await Promise.all([
      write(writers, 'new', until),
      list(database, until),
      watchLocks(database, until, waits),
      ended,
    ]);
    const seconds = (performance.now() - startedMs) / 1000;
    await untilTrue(database, 'SELECT NOT EXISTS (SELECT FROM hookgraph.captures) AND NOT EXISTS (SELECT FROM hookgraph.open_deliveries)');
    const freed: Metrics = attempts > 0 ? { freed: 1 - (await bytesOf(database)) / bytesBefore } : {};
    return {
      writeMaxMs: most(writes),
      writeP99Ms: p99(writes),
      listMaxMs: most(lists),
      listP99Ms: p99(lists),
      lockMaxMs: Math.max(0, ...waits.map(({ ms }) => ms)),
      seconds,
      ...freed,
    };
  } finally {
    await worker.stop('SIGKILL');
    await writers.end();
    await database.drop();
    await source.drop();
  }
}

/** Without spreading: a run has more times than a call may have arguments. */
const most = (times: number[]): number => times.reduce((one, other) => Math.max(one, other), 0);

const p99 = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;

async function bytesOf({ pool }: Database): Promise<number> {
  const { rows } = await pool.query('SELECT pg_database_size(current_database())::float8 AS bytes');
  return rows[0].bytes;
}

async function write(pool: pg.Pool, name: string, isDone: () => boolean): Promise<number[]> {
  const times: number[] = [];
  const startedMs = performance.now();
  const pending = new Set<Promise<void>>();
  for (let n = 1; !isDone(); n++) {
    const one = (async () => {
      const beganMs = performance.now();
      await pool.query(
        `INSERT INTO users (organization_id, first_name, last_name, username, email)
         SELECT id, 'New', 'Person', $1, $1 || '@acme.example' FROM organizations WHERE permalink = 'acme'`,
        [`${name}${n}`],
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

/** Collects the waits for locks. Rows with the same process and start are the same wait. */
async function watchLocks({ pool }: Database, isDone: () => boolean, waits: LockWait[]): Promise<void> {
  const seen = new Map<string, LockWait>();
  while (!isDone()) {
    const { rows } = await pool.query<LockWait & { key: string }>(
      `SELECT l.pid || ' ' || l.waitstart AS key, extract(epoch FROM clock_timestamp() - l.waitstart)::float8 * 1000 AS ms,
         coalesce(l.relation::regclass::text, l.locktype) AS relation, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 100) AS statement,
         (SELECT string_agg(left(regexp_replace(b.query, '\\s+', ' ', 'g'), 100), '; ') FROM pg_stat_activity b
          WHERE b.pid = ANY (pg_blocking_pids(l.pid))) AS holders
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()`,
    );
    for (const { key, ...lockWait } of rows) seen.set(key, lockWait);
    await wait(LOOK_MS);
  }
  waits.push(...seen.values());
}

function describeWaits(waits: readonly LockWait[]): string {
  const long = waits.filter(({ ms }) => ms >= NOTED_MS).sort((one, other) => other.ms - one.ms);
  if (long.length === 0) return `No wait for a lock of ${NOTED_MS} ms or more was seen.`;
  const lines = long
    .slice(0, 20)
    .map(({ ms, relation, statement, holders }) => `| ${ms.toFixed(0)} | ${relation} | ${statement} | ${holders} |`);
  return ['| waited, ms | for | statement | held by |', '|---|---|---|---|', ...lines].join('\n');
}

/**
 * Inserts old weeks. Each attempt has its own delivery and event, and 32 attempts share a row of `exchanges` with 3 KB. A partition gets
 * its indexes when it is full.
 */
async function load({ pool }: Database, subscriptionId: string, attempts: number, say: Bench['say']): Promise<void> {
  const perWeek = Math.ceil(attempts / WEEKS);
  for (let week = WEEKS + 1; week > 1; week--) {
    const from = `hookgraph.id_at(date_trunc('week', now(), 'UTC') - interval '${week} weeks')`;
    const names = await Promise.all(PARENTS.map((parent) => createPart(pool, parent, week)));
    const [events, attemptsPart, exchanges] = names.map(({ name }) => name);
    for (let done = 0; done < perWeek; done += STEP) {
      const bounds = [done, Math.min(done + STEP, perWeek) - 1, subscriptionId];
      await pool.query(
        `WITH n AS (SELECT ${from} + n * 60000 AS id, n FROM generate_series($1::bigint, $2::bigint) n),
         e AS (INSERT INTO hookgraph.${events} (id, tenant, typename, node_key, operation, after)
           SELECT n.id, s.tenant, 'User', n.id::text, 'created', jsonb_build_object('id', n.id, 'first_name', 'First', 'last_name', 'Last', 'email', n.id || '@growth.example')
           FROM n, hookgraph.subscriptions s WHERE s.id = $3),
         d AS (INSERT INTO hookgraph.deliveries (id, event_id, subscription_id, topic_id, typename, node_key, due_at, state, attempt_count)
           SELECT n.id + 1, n.id, s.id, s.topic_id, 'User', n.id::text, now(), 'DELIVERED', 1 FROM n, hookgraph.subscriptions s WHERE s.id = $3),
         x AS (INSERT INTO hookgraph.${exchanges} (id, is_error, entries)
           SELECT n.id, false, decode(repeat(md5(n.id::text), 96), 'hex') FROM n WHERE n.n % 32 = 0)
         INSERT INTO hookgraph.${attemptsPart} (id, delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms, response_status, exchange_id, place)
         SELECT n.id + 2, n.id + 1, $3, 1, 1, 'DELIVERED', now(), 5, 200, ${from} + n.n / 32 * 32 * 60000, n.n % 32 FROM n`,
        bounds,
      );
    }
    for (const { attach } of names) await pool.query(attach);
    say(`  ${WEEKS + 2 - week} of ${WEEKS} weeks are loaded`);
  }
}

const PARENTS = ['events', 'attempts', 'exchanges_of_others'];

/** Creates a week's table, which isn't a partition yet. `attach` is the statement that makes it a partition. */
async function createPart(pool: Database['pool'], parent: string, week: number): Promise<{ name: string; attach: string }> {
  const start = `date_trunc('week', now(), 'UTC') - interval '${week} weeks'`;
  const { rows } = await pool.query(
    `SELECT hookgraph.id_at(${start})::text AS low, hookgraph.id_at(${start} + interval '7 days')::text AS high, to_char(${start}, 'YYYYMMDD') AS day`,
  );
  const { low, high, day } = rows[0];
  const name = `${parent}_${day}`;
  // Because of the CHECK, Postgres needn't scan the rows when the table becomes a partition.
  await pool.query(
    `CREATE TABLE hookgraph.${name} (LIKE hookgraph.${parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS, CHECK (id >= ${low} AND id < ${high}))`,
  );
  return { name, attach: `ALTER TABLE hookgraph.${parent} ATTACH PARTITION hookgraph.${name} FOR VALUES FROM (${low}) TO (${high})` };
}
