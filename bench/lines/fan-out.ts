// Measures how fast one event becomes the deliveries of a thousand subscriptions.
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { type Line, type Metrics, median } from '../frame.js';
import type { Database } from '../server.js';
import { insertPeople, prepared, subscribe } from '../world.js';

const SUBSCRIPTIONS = 1000;
const EVENTS = 20;

export const fanOut: Line = {
  key: 'fan-out',
  title: 'One event to 1,000 subscriptions',
  method: `Deliveries created per second by the relay's own statement, from taking the event to the commit. ${EVENTS} events one after the other, each to ${SUBSCRIPTIONS.toLocaleString('en-US')} subscriptions; the median. \`together\`: ${EVENTS} events in one batch.`,
  async prepare(bench) {
    const source = await prepared(bench.server, async (database, app) => {
      for (let i = 0; i < SUBSCRIPTIONS; i++) await subscribe(app, database, { callbackUrl: `http://127.0.0.1:9999/${i}` });
      while ((await relayOnce(database.pool)).events > 0);
    });
    return {
      variants: [
        {
          name: 'Hookgraph',
          measure: async () => {
            const database = await source.copy();
            try {
              return await fanOutAll(database);
            } finally {
              await database.drop();
            }
          },
        },
      ],
      bars: [{ what: 'deliveries made per second', metric: 'perSecond', of: 'Hookgraph', atLeast: 20_000 }],
      close: () => source.drop(),
    };
  },
};

async function fanOutAll(database: Database): Promise<Metrics> {
  const single: number[] = [];
  for (let i = 1; i <= EVENTS; i++) {
    await insertPeople(database, 1, i);
    single.push(await relayed(database, SUBSCRIPTIONS));
  }
  await insertPeople(database, EVENTS, EVENTS + 1);
  return { perSecond: median(single), together: await relayed(database, EVENTS * SUBSCRIPTIONS) };
}

async function relayed({ pool }: Database, expected: number): Promise<number> {
  const startedAt = performance.now();
  const { deliveries } = await relayOnce(pool);
  const perSecond = (deliveries * 1000) / (performance.now() - startedAt);
  if (deliveries !== expected) throw new Error(`${deliveries} deliveries were made, not ${expected}`);
  return perSecond;
}
