// Measures the peak memory of the worker and its children while they deliver 100,000 bodies of 2 KB each.
import type { SubscriptionInput } from '../../src/webhooks/index.js';
import type { Bench, Line, Metrics } from '../frame.js';
import { childrenOf, peakMemoryMb, startHookgraph } from '../processes.js';
import { nowMs } from '../receiver.js';
import { insertPeople, LONG_TITLE, PERSON, prepared, type Receiver, relayAll, startReceiver, subscribe } from '../world.js';
import type { Source } from './backlog.js';

const DUE = 100_000;
const LOOK_EVERY_MS = 50;

/** `delivered`: how many of the due deliveries the worker sends before the measurement ends. */
const VARIANTS: { name: string; delivered: number; atMost: number; definition: Pick<SubscriptionInput, 'query' | 'template'> }[] = [
  { name: 'default payload', delivered: DUE, atMost: 350, definition: {} },
  {
    name: 'body template of 2 KB',
    delivered: DUE / 2,
    atMost: 350,
    definition: { template: `{"id": {{ data.id | json }}, "text": "${'All that there is to say. '.repeat(75)}"}` },
  },
  {
    name: 'stored query, 2 KB',
    delivered: DUE / 2,
    atMost: 500,
    definition: {
      query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { id firstName lastName email jobTitle organization { name } } } }',
    },
  },
];

export const memory: Line = {
  key: 'memory',
  title: 'Memory of a worker',
  method: `${DUE.toLocaleString('en-US')} deliveries are due; each row and its event's snapshot have 2 KB. Shown is the maximum of MB (10⁶ bytes) that the worker and its render processes held until the named number of deliveries was received. It is the sum of each process' own peak (VmHWM), so the 35 MB of Node's pages that they share count once for each.`,
  rounds: 3,
  async prepare(bench) {
    const receiver = await startReceiver();
    const all = await Promise.all(
      VARIANTS.map(async (variant) => ({
        ...variant,
        source: await prepared(bench.server, async (database, app) => {
          await subscribe(app, database, { callbackUrl: receiver.url, ...variant.definition });
          await insertPeople(database, DUE, 1, PERSON.replace("'Technician'", LONG_TITLE));
          await relayAll(database);
        }),
      })),
    );
    return {
      variants: all.map(({ name, delivered, source }) => ({ name, measure: () => measure(bench, receiver, source, delivered) })),
      bars: all.map(({ name, atMost }) => ({ what: `${name}, MB`, metric: 'peakMb', of: name, atMost, always: true as const })),
      async close() {
        await receiver.stop();
        await Promise.all(all.map(({ source }) => source.drop()));
      },
    };
  },
};

async function measure({ server }: Bench, receiver: Receiver, source: Source, count: number): Promise<Metrics> {
  const database = await source.copy();
  try {
    const { done } = await receiver.expect({ expect: count });
    const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
    const peaks = new Map<number, number>();
    const look = () => {
      for (const pid of [worker.pid, ...childrenOf(worker.pid)]) peaks.set(pid, peakMemoryMb(pid));
    };
    const looking = setInterval(look, LOOK_EVERY_MS);
    try {
      const { firstMs } = await done;
      const seconds = (nowMs() - firstMs) / 1000;
      look();
      const sum = [...peaks.values()].reduce((total, one) => total + one, 0);
      return { received: count, peakMb: sum, workerMb: peaks.get(worker.pid) as number, processes: peaks.size, seconds };
    } finally {
      clearInterval(looking);
      await worker.stop('SIGKILL');
    }
  } finally {
    await database.drop();
  }
}
