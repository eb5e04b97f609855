// Measures how many deliveries with default payloads a worker makes per second from a backlog.

import { addJobs, prepareJobs } from '../baseline/prepare.js';
import type { Bench, Line, Metrics, Variant } from '../frame.js';
import { cpuMs, type Program, startHookgraph, startProgram } from '../processes.js';
import { nowMs } from '../receiver.js';
import type { Database } from '../server.js';
import { insertPeople, prepared, type Receiver, relayAll, startReceiver, subscribe, untilTrue } from '../world.js';

const COUNTED = 20_000;
const WARM_UP = 10_000;
export const DELIVERIES = WARM_UP + COUNTED;

export const backlog: Line = {
  key: 'backlog',
  title: 'Default payload, a backlog of 20,000',
  method: `${DELIVERIES.toLocaleString('en-US')} deliveries are due when the program starts. The first ${WARM_UP.toLocaleString('en-US')} warm it up. The other ${COUNTED.toLocaleString('en-US')} are counted, until the last result is stored (coldPerSecond: all of them, from the first request). Hookgraph leases, signs, sends and judges, and records request and response of each attempt. The baselines are graphile-worker tasks that load the row, sign, post and store the result: one over an undici Pool, and an expert's with batched loads, \`dispatch\` and batched records. CPU is milliseconds per delivery, over all deliveries, from when the program is ready.`,
  async prepare(bench) {
    const receiver = await startReceiver();
    const one = await due(bench, receiver, 1);
    const fifty = await due(bench, receiver, 50);
    const jobs = await prepared(bench.server, async (database) => {
      await prepareJobs(database.pool);
      await addJobs(database.pool, await insertPeople(database, DELIVERIES));
    });
    const baseline = (name: string, file: string, env: Record<string, string>): Variant => ({
      name,
      measure: () => drainJobs(bench, receiver, jobs, { count: DELIVERIES, warmUp: WARM_UP, start: startBaseline(file, env) }),
    });
    const startBaseline = (file: string, env: Record<string, string>) => (url: string) =>
      startProgram(`./baseline/${file}`, { DATABASE_URL: url, RECEIVER_URL: receiver.url, ...env });
    return {
      variants: [
        { name: 'Hookgraph, 1 subscription', measure: () => drainDeliveries(bench, receiver, one, DELIVERIES, { warmUp: WARM_UP }) },
        baseline('undici Pool', 'task.ts', { CLIENT: 'pool' }),
        { name: 'Hookgraph, 50 subscriptions', measure: () => drainDeliveries(bench, receiver, fifty, DELIVERIES, { warmUp: WARM_UP }) },
        ...['50', '100', '200'].map((CONCURRENCY) => baseline(`expert, ${CONCURRENCY} at once`, 'expert.ts', { CONCURRENCY })),
      ],
      bars: ['1 subscription', '50 subscriptions'].flatMap((which) => [
        { what: `${which}, against the undici Pool`, metric: 'perSecond', of: `Hookgraph, ${which}`, against: 'undici Pool', atLeast: 2.5 },
        {
          what: `${which}, against the expert at its best`,
          metric: 'perSecond',
          of: `Hookgraph, ${which}`,
          against: ['50', '100', '200'].map((n) => `expert, ${n} at once`),
          atLeast: 1,
        },
      ]),
      async close() {
        await receiver.stop();
        await Promise.all([one.drop(), fifty.drop(), jobs.drop()]);
      },
    };
  },
};

export type Source = Awaited<ReturnType<typeof prepared>>;

export function due({ server }: Bench, receiver: Receiver, subscriptions: number): Promise<Source> {
  return prepared(server, async (database, app) => {
    for (let i = 0; i < subscriptions; i++) await subscribe(app, database, { callbackUrl: `${receiver.url}/${i}` });
    await insertPeople(database, DELIVERIES / subscriptions);
    await relayAll(database);
  });
}

/** Measures a worker that delivers everything due in a copy of `source`. */
export async function drainDeliveries(
  bench: Bench,
  receiver: Receiver,
  source: Source,
  count: number,
  more: { nodeOptions?: string[] } & Pick<Way, 'warmUp' | 'before' | 'after'> = {},
): Promise<Metrics> {
  return drain(bench, receiver, source, count, {
    start: (url) => startHookgraph('worker', { ...bench.server.env, DATABASE_URL: url }, more.nodeOptions),
    finished: `SELECT NOT EXISTS (SELECT 1 FROM hookgraph.open_deliveries)`,
    check: `SELECT count(*) = ${count} FROM hookgraph.attempts WHERE outcome = 'DELIVERED'`,
    ...(more.warmUp && { warmUp: more.warmUp }),
    ...(more.before && { before: more.before }),
    ...(more.after && { after: more.after }),
  });
}

/** Measures a baseline that runs the jobs in a copy of `source`. */
export function drainJobs(
  bench: Bench,
  receiver: Receiver,
  source: Source,
  { count, warmUp = 0, start }: { count: number; warmUp?: number; start: (url: string) => Program },
): Promise<Metrics> {
  return drain(bench, receiver, source, count, {
    start: async (url) => {
      const program = start(url);
      await program.message();
      return program;
    },
    finished: `SELECT NOT EXISTS (SELECT 1 FROM graphile_worker._private_jobs)`,
    check: `SELECT count(*) = ${count} FROM webhook_results`,
    warmUp,
  });
}

interface Way {
  start(databaseUrl: string): Promise<Program>;
  finished: string;
  check: string;
  /** The number of first deliveries that `perSecond` ignores. */
  warmUp?: number;
  before?(database: Database): Promise<void>;
  /** Runs before the program is stopped. */
  after?(database: Database, program: Program): Promise<void>;
}

async function drain({ server }: Bench, receiver: Receiver, source: Source, count: number, way: Way): Promise<Metrics> {
  const { warmUp = 0 } = way;
  const database: Database = await source.copy();
  try {
    await way.before?.(database);
    const { done } = await receiver.expect({ expect: count, mark: warmUp });
    const cpuBefore = { postgres: cpuMs(server.pid), receiver: cpuMs(receiver.pid) };
    const program = await way.start(database.url);
    try {
      const workerBefore = cpuMs(program.pid);
      const { firstMs, markMs } = await done;
      await untilTrue(database, way.finished);
      const endMs = nowMs();
      const cpu = {
        workerCpu: (cpuMs(program.pid) - workerBefore) / count,
        postgresCpu: (cpuMs(server.pid) - cpuBefore.postgres) / count,
        receiverCpu: (cpuMs(receiver.pid) - cpuBefore.receiver) / count,
      };
      const { rows } = await database.pool.query({ text: way.check, rowMode: 'array' });
      if (rows[0]?.[0] !== true) throw new Error(`Not all is there: ${way.check}\n${program.output()}`);
      await way.after?.(database, program);
      const rate = (counted: number, sinceMs: number) => (counted / (endMs - sinceMs)) * 1000;
      const perSecond = rate(count, firstMs);
      return { ...(warmUp > 0 ? { perSecond: rate(count - warmUp, markMs), coldPerSecond: perSecond } : { perSecond }), ...cpu };
    } finally {
      await program.stop('SIGKILL');
    }
  } finally {
    await database.drop();
  }
}
