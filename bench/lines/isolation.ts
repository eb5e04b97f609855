// Measures how late deliveries arrive while the receivers of some of ten subscriptions, each with 1,000 due deliveries, hang.
import { addJobs, prepareJobs } from '../baseline/prepare.js';
import { type Bench, type Line, type Metrics, quantile, round, type Variant } from '../frame.js';
import { startHookgraph, startProgram } from '../processes.js';
import { nowMs } from '../receiver.js';
import { insertPeople, prepared, type Receiver, relayAll, startReceiver, subscribe } from '../world.js';

const SUBSCRIPTIONS = 10;
const EACH = 1000;
/** The number of subscriptions that are healthy in every variant; only these are compared. */
const COMPARED = 5;
const BASELINE_MS = 10_000;

export const isolation: Line = {
  key: 'isolation',
  title: 'Receivers that hang',
  method: `${SUBSCRIPTIONS} subscriptions to the same topic, each with its own receiver (another origin) and ${EACH.toLocaleString('en-US')} deliveries due when the worker starts. Measured are milliseconds from the worker's start message or the first request, whichever is earlier, to the arrival of each request at the first ${COMPARED} receivers. These are healthy in every variant, so only the other receivers differ: those that hang take each request and never answer. Beside the bars: the same ${COMPARED} with nothing due for the others.`,
  async prepare(bench) {
    const receiver = await startReceiver(SUBSCRIPTIONS);
    const due = (subscriptions: number) =>
      prepared(bench.server, async (database, app) => {
        for (const [i, url] of receiver.urls.slice(0, subscriptions).entries())
          await subscribe(app, database, { callbackUrl: `${url}/${i}` });
        await insertPeople(database, EACH);
        await relayAll(database);
      });
    const all = await due(SUBSCRIPTIONS);
    const few = await due(COMPARED);
    const told = await tellUsual(bench);
    const variant = (name: string, source: typeof all, subscriptions: number, hanging: number): Variant => ({
      name,
      measure: () => measure(bench, receiver, source, subscriptions, hanging),
    });
    return {
      variants: [
        variant(HEALTHY, all, SUBSCRIPTIONS, 0),
        variant('1 of 10 hangs', all, SUBSCRIPTIONS, 1),
        variant('5 of 10 hang', all, SUBSCRIPTIONS, 5),
        variant('the other 5 have nothing due', few, COMPARED, 0),
      ],
      bars: [
        { what: '1 of 10 hangs, p99 of the others', metric: 'p99Ms', of: '1 of 10 hangs', against: HEALTHY, atMost: 1.25 },
        { what: '5 of 10 hang, p99 of the others', metric: 'p99Ms', of: '5 of 10 hang', against: HEALTHY, atMost: 2 },
      ],
      notes: () => told,
      async close() {
        await receiver.stop();
        await Promise.all([all.drop(), few.drop()]);
      },
    };
  },
};

const HEALTHY = 'all are healthy';

async function measure(
  { server }: Bench,
  receiver: Receiver,
  source: Awaited<ReturnType<typeof prepared>>,
  subscriptions: number,
  hanging: number,
): Promise<Metrics> {
  const database = await source.copy();
  try {
    const { done } = await receiver.expect({ expect: (subscriptions - hanging) * EACH, note: 'path', hanging });
    const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
    const runsMs = nowMs();
    try {
      const { firstMs, arrivals } = await done;
      const startMs = Math.min(firstMs, runsMs);
      const compared = arrivals.filter(([path]) => Number(path.slice(1)) < COMPARED).map(([, atMs]) => atMs - startMs);
      if (compared.length !== COMPARED * EACH) throw new Error(`${compared.length} requests arrived.`);
      return { p50Ms: quantile(compared, 0.5), p99Ms: quantile(compared, 0.99), lastMs: Math.max(...compared) };
    } finally {
      await worker.stop('SIGKILL');
    }
  } finally {
    await database.drop();
  }
}

/** Measures the usual baseline once under the same load, and returns notes. */
async function tellUsual(bench: Bench): Promise<string[]> {
  const source = await prepared(bench.server, async (database) => prepareJobs(database.pool));
  const receiver = await startReceiver();
  const delivered: string[] = [];
  try {
    for (const hanging of [0, 1, 5]) {
      const database = await source.copy();
      const healthy = (SUBSCRIPTIONS - hanging) * EACH;
      const people = await insertPeople(database, EACH);
      for (let i = 0; i < EACH; i += 10)
        for (let n = 0; n < SUBSCRIPTIONS; n++)
          await addJobs(database.pool, people.slice(i, i + 10), `${n < hanging ? '/hang/' : '/'}${n}`);
      const { done } = await receiver.expect({ expect: healthy });
      const task = startProgram('./baseline/task.ts', { DATABASE_URL: database.url, RECEIVER_URL: receiver.url, CLIENT: 'fetch' });
      await task.message();
      const startedMs = nowMs();
      // `done` resolves with the receiver's next message: the full count, or the count so far when the time is up.
      const late = setTimeout(() => void receiver.soFar(), BASELINE_MS);
      const { count } = await done;
      clearTimeout(late);
      await task.stop('SIGKILL');
      await database.drop();
      const took = count === healthy ? ` after ${round((nowMs() - startedMs) / 1000)} s` : '';
      delivered.push(`with ${hanging} of ${SUBSCRIPTIONS} hanging ${round((100 * count) / healthy)} % of the healthy${took}`);
    }
  } finally {
    await receiver.stop();
    await source.drop();
  }
  return [`The usual baseline (one round, at most ${BASELINE_MS / 1000} s): ${delivered.join('; ')}.`];
}
