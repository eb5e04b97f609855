// Measures how late other organizations' events are relayed while an organization with 1,000 subscriptions inserts 1,000 rows.
import { setTimeout as wait } from 'node:timers/promises';
import { startRelay } from '../../src/webhooks/fan-out/relay-loop.js';
import { type Line, type Metrics, quantile } from '../frame.js';
import type { Database } from '../server.js';
import { insertPeople, prepared, relayAll, subscribe } from '../world.js';

const SUBSCRIPTIONS = 1000;
const ROWS = 1000;
const EVENTS = 100;
const EVERY_MS = 50;

export const neighbours: Line = {
  key: 'neighbours',
  title: 'Beside a million deliveries',
  method: `Milliseconds from the commit of a row to the moment when the relay's loop reports the delivery of its one subscription, for ${EVENTS} rows of another organization, one each ${EVERY_MS} ms. \`beside\`: an organization with ${SUBSCRIPTIONS.toLocaleString('en-US')} subscriptions has just inserted ${ROWS.toLocaleString('en-US')} rows by one statement.`,
  async prepare(bench) {
    const source = await prepared(bench.server, async (database, app) => {
      for (let i = 0; i < SUBSCRIPTIONS; i++) await subscribe(app, database, { callbackUrl: `http://127.0.0.1:9999/${i}` });
      await database.pool.query(`
        WITH o AS (INSERT INTO organizations (name, permalink) VALUES ('Neighbour', 'neighbour') RETURNING id)
        INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id) SELECT o.id, 'owner', t.id FROM o, hookgraph.topics t WHERE t.key = 'user/created'`);
      await relayAll(database);
    });
    const variant = (name: string, rows: number) => ({
      name,
      measure: async () => {
        const database = await source.copy();
        try {
          return await measure(database, rows);
        } finally {
          await database.drop();
        }
      },
    });
    return {
      variants: [variant('quiet', 0), variant('beside', ROWS)],
      bars: [{ what: 'p95 beside a million deliveries', metric: 'p95Ms', of: 'beside', against: 'quiet', atMost: 3 }],
      close: () => source.drop(),
    };
  },
};

async function measure(database: Database, rows: number): Promise<Metrics> {
  const { pool } = database;
  const { id } = (
    await pool.query(
      `SELECT s.id FROM hookgraph.subscriptions s JOIN organizations o ON o.id::text = s.tenant WHERE o.permalink = 'neighbour'`,
    )
  ).rows[0];
  let reported: (() => void) | undefined;
  const silent = { debug() {}, info() {}, warn() {}, error() {} } as never;
  const relay = startRelay({ pool, log: silent, onDeliveries: (ids) => ids.includes(id) && reported?.() });
  const latenciesMs: number[] = [];
  try {
    if (rows > 0) await insertPeople(database, rows);
    for (let n = 0; n < EVENTS; n++) {
      const arrived = new Promise<void>((resolve) => {
        reported = resolve;
      });
      await pool.query(
        `INSERT INTO users (organization_id, first_name, last_name) SELECT id, 'N', 'B' FROM organizations WHERE permalink = 'neighbour'`,
      );
      const committedMs = performance.now();
      relay.poke();
      await arrived;
      latenciesMs.push(performance.now() - committedMs);
      await wait(EVERY_MS);
    }
  } finally {
    await relay.stop();
  }
  return { p50Ms: quantile(latenciesMs, 0.5), p95Ms: quantile(latenciesMs, 0.95), mostMs: Math.max(...latenciesMs) };
}
