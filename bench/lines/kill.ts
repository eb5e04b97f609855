// Kills a worker under full load and measures what is lost, how soon other workers go on, and how late its claimed deliveries arrive.
import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_DEADLINES } from '../../src/webhooks/base/deadlines.js';
import { addJobs, prepareJobs } from '../baseline/prepare.js';
import type { Bench, Line, Metrics } from '../frame.js';
import { startHookgraph, startProgram } from '../processes.js';
import { nowMs } from '../receiver.js';
import { insertPeople, prepared, type Receiver, relayAll, startReceiver, subscribe, untilTrue } from '../world.js';

const SUBSCRIPTIONS = 20;
const DELIVERIES = 40_000;
const KILLED_AT = 10_000;
/** After this time the surviving workers have settled everything that they claimed before the kill. */
const SETTLED_MS = 2500;
const JOBS = 5_000;

export const kill: Line = {
  key: 'kill',
  title: 'kill -9 at full load',
  method: `${DELIVERIES.toLocaleString('en-US')} due deliveries of ${SUBSCRIPTIONS} subscriptions. The worker is killed when ${KILLED_AT.toLocaleString('en-US')} requests were received; another one is started at that moment, or runs already. Leased: what the killed worker had claimed and not recorded. Lost: never received, or not DELIVERED in the end. Pause: the longest time after the kill without an arrival of deliveries that weren't leased. It includes the start of a process (\`startMs\`, from the kill to its start message); \`goOnMs\` is without that. Last leased: from the kill to the arrival of the last leased delivery. Twice: requests beyond one for each delivery.`,
  rounds: 3,
  async prepare(bench) {
    const receiver = await startReceiver();
    const source = await prepared(bench.server, async (database, app) => {
      for (let i = 0; i < SUBSCRIPTIONS; i++) await subscribe(app, database, { callbackUrl: `${receiver.url}/${i}` });
      await insertPeople(database, DELIVERIES / SUBSCRIPTIONS);
      await relayAll(database);
    });
    const told = await tellUsual(bench);
    const variants = [
      { name: 'another is started', measure: () => measure(bench, receiver, source, 1) },
      { name: 'a second one runs', measure: () => measure(bench, receiver, source, 2) },
    ];
    return {
      variants,
      bars: variants.flatMap(({ name: of }) => [
        { what: `${of}: lost`, metric: 'lost', of, atMost: 0, always: true as const },
        { what: `${of}: others go on after ms`, metric: 'goOnMs', of, atMost: 2000, always: true as const },
        {
          what: `${of}: leased ones after ms`,
          metric: 'lastLeasedMs',
          of,
          atMost: DEFAULT_DEADLINES.leaseMs + 2000,
          always: true as const,
        },
      ]),
      notes: () => told,
      async close() {
        await receiver.stop();
        await source.drop();
      },
    };
  },
};

async function measure(
  { server }: Bench,
  receiver: Receiver,
  source: Awaited<ReturnType<typeof prepared>>,
  count: 1 | 2,
): Promise<Metrics> {
  const database = await source.copy();
  const { pool } = database;
  const start = () => startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
  const workers = await (async () => {
    const { done } = await receiver.expect({ expect: KILLED_AT, note: 'header:x-scope-webhook-job-id' });
    const started = await Promise.all(Array.from({ length: count }, start));
    await done;
    return started;
  })();
  try {
    const killedMs = nowMs();
    const leasedBefore = new Date(Date.now() + DEFAULT_DEADLINES.leaseMs);
    await workers[0]?.stop('SIGKILL');
    let startMs = 0;
    const another =
      count === 1
        ? start().then((worker) => {
            startMs = nowMs() - killedMs;
            workers.push(worker);
          })
        : null;
    await Promise.all([another, wait(SETTLED_MS)]);
    const { rows } = await pool.query<{ id: string }>(
      `SELECT delivery_id AS id FROM hookgraph.open_deliveries WHERE lease_until BETWEEN now() AND $1`,
      [leasedBefore],
    );
    const leased = new Set(rows.map(({ id }) => id));
    await untilTrue(database, `SELECT NOT EXISTS (SELECT 1 FROM hookgraph.open_deliveries)`, 50);
    const [{ arrivals }, states] = [
      await receiver.soFar(),
      await pool.query(`SELECT count(*)::int AS delivered FROM hookgraph.deliveries WHERE state = 'DELIVERED'`),
    ];
    const after = arrivals.filter(([, atMs]) => atMs >= killedMs);
    const others = after.filter(([id]) => !leased.has(id)).map(([, atMs]) => atMs);
    const again = after.filter(([id, atMs]) => leased.has(id) && atMs > killedMs + SETTLED_MS);
    const ids = new Set(arrivals.map(([id]) => id));
    const pauseMs = longestPause([killedMs, ...others]);
    return {
      lost: DELIVERIES - Math.min(ids.size, states.rows[0].delivered),
      pauseMs,
      startMs,
      goOnMs: pauseMs - startMs,
      leased: leased.size,
      lastLeasedMs: Math.max(0, ...again.map(([, atMs]) => atMs - killedMs)),
      twice: arrivals.length - ids.size,
    };
  } finally {
    for (const worker of workers) await worker.stop('SIGKILL');
    await database.drop();
  }
}

const longestPause = (times: number[]): number => Math.max(...times.slice(1).map((at, i) => at - (times[i] as number)));

/** Measures the usual baseline once with the same kill, and returns notes. */
async function tellUsual({ server }: Bench): Promise<string[]> {
  const database = await server.database();
  const receiver = await startReceiver();
  try {
    await prepareJobs(database.pool);
    await addJobs(database.pool, await insertPeople(database, JOBS));
    const start = () => startProgram('./baseline/task.ts', { DATABASE_URL: database.url, RECEIVER_URL: receiver.url });
    const { done } = await receiver.expect({ expect: JOBS / 2 });
    const first = start();
    await done;
    await first.stop('SIGKILL');
    const second = start();
    await wait(20_000);
    await second.stop('SIGKILL');
    const { rows } = await database.pool.query('SELECT count(DISTINCT user_id)::int AS delivered FROM webhook_results');
    return [
      `The undici Pool baseline, killed in the middle of ${JOBS.toLocaleString('en-US')}: ${JOBS - rows[0].delivered} are undelivered 20 s after another one was started (graphile-worker unlocks a dead worker's jobs after 4 hours).`,
    ];
  } finally {
    await receiver.stop();
    await database.drop();
  }
}
