// Measures how many deliveries per second a worker makes from a backlog whose payload comes from a stored query with one relation.

import type { SubscriptionInput } from '../../src/webhooks/index.js';
import { addJobs, prepareJobs } from '../baseline/prepare.js';
import { QUERY } from '../baseline/stored.js';
import type { Bench, Line, Metrics } from '../frame.js';
import { cpuMs, startProgram } from '../processes.js';
import type { Received } from '../receiver.js';
import { insertPeople, prepared, type Receiver, relayAll, startReceiver, subscribe } from '../world.js';
import { drainDeliveries, drainJobs, type Source } from './backlog.js';

export const DELIVERIES = 10_000;
const AT_ONCE = ['50', '100', '200'];

export const storedQuery: Line = {
  key: 'stored-query',
  title: 'Stored query with one relation, a backlog of 10,000',
  method: `As for the backlog. The payload is \`${QUERY.replaceAll(/\s+/g, ' ')}\`, run as its owner. The expert's task executes the same parsed document on the same schema over one Prisma client. The loop executes it 100 at a time and does nothing else.`,
  async prepare(bench) {
    const receiver = await startReceiver();
    const due = await dueQueries(bench, receiver, { query: QUERY });
    const jobs = await queryJobs(bench);
    const expert = (CONCURRENCY: string) => (url: string) =>
      startProgram('./baseline/expert-query.ts', { DATABASE_URL: url, RECEIVER_URL: receiver.url, CONCURRENCY });
    return {
      variants: [
        { name: 'Hookgraph', measure: () => drainDeliveries(bench, receiver, due, DELIVERIES) },
        { name: 'loop that executes', measure: () => runLoop(jobs, 'execute-loop.ts') },
        ...AT_ONCE.map((atOnce) => ({
          name: `expert, ${atOnce} at once`,
          measure: () => drainJobs(bench, receiver, jobs, { count: DELIVERIES, start: expert(atOnce) }),
        })),
      ],
      bars: [
        {
          what: 'against the expert at its best',
          metric: 'perSecond',
          of: 'Hookgraph',
          against: AT_ONCE.map((atOnce) => `expert, ${atOnce} at once`),
          atLeast: 1,
        },
        { what: 'against a loop that only executes', metric: 'perSecond', of: 'Hookgraph', against: 'loop that executes', atLeast: 0.6 },
      ],
      async close() {
        await receiver.stop();
        await Promise.all([due.drop(), jobs.drop()]);
      },
    };
  },
};

/** Makes due deliveries for one subscription with this definition. */
export function dueQueries({ server }: Bench, receiver: Receiver, definition: Partial<SubscriptionInput>): Promise<Source> {
  return prepared(server, async (database, app) => {
    await subscribe(app, database, { ...definition, callbackUrl: receiver.url });
    await insertPeople(database, DELIVERIES);
    await relayAll(database);
  });
}

/** Makes the same number of people and one job for each. */
export function queryJobs({ server }: Bench): Promise<Source> {
  return prepared(server, async (database) => {
    await prepareJobs(database.pool);
    await addJobs(database.pool, await insertPeople(database, DELIVERIES));
  });
}

/** Runs a loop of `baseline/` over the people in a copy of `source`. */
export async function runLoop(source: Source, file: string): Promise<Metrics> {
  const database = await source.copy();
  const program = startProgram(`./baseline/${file}`, { DATABASE_URL: database.url });
  try {
    await program.message();
    const cpuBefore = cpuMs(program.pid);
    const { firstMs, lastMs, count } = await program.message<Received>();
    if (count !== DELIVERIES) throw new Error(`Not all is there: ${count}\n${program.output()}`);
    return { perSecond: (count / (lastMs - firstMs)) * 1000, workerCpu: (cpuMs(program.pid) - cpuBefore) / count };
  } finally {
    await program.stop('SIGKILL');
    await database.drop();
  }
}
