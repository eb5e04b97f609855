// Measures deliveries per second in large tables, or while an old snapshot is open, against empty tables.
import type { Bench, Line, Metrics, Variant } from '../frame.js';
import { cpuMs, startHookgraph } from '../processes.js';
import { nowMs } from '../receiver.js';
import type { Database } from '../server.js';
import { insertPeople, prepared, type Receiver, relayAll, settleDown, startReceiver, subscribe, untilTrue } from '../world.js';

const DELIVERIES = 20_000;
const MILLION = 1_000_000;

export const tables: Line = {
  key: 'tables',
  title: 'Large tables, and an old snapshot',
  method: `As the backlog of one subscription. Large: beside the ${DELIVERIES.toLocaleString('en-US')} due deliveries there are a million that are RETRYING in the coming days and a million that are DELIVERED, with their attempts and a million events. Half of each belong to the same subscription. An old snapshot: a REPEATABLE READ transaction of another session has read before the worker starts, and stays open until all are delivered. Before each round, people are inserted and relayed, then VACUUM ANALYZE and CHECKPOINT run. Large tables stay from round to round; empty ones are new.`,
  async prepare(bench) {
    const receiver = await startReceiver();
    let subscriptionIds: string[] = [];
    const empty = await prepared(bench.server, async (database, app) => {
      const other = { topic: { key: 'user/updated' }, callbackUrl: receiver.url };
      subscriptionIds = [await subscribe(app, database, { callbackUrl: receiver.url }), await subscribe(app, database, other)];
    });
    const [subscriptionId] = subscriptionIds as [string];
    const large = await empty.copy();
    const startedMs = nowMs();
    await drain(bench, receiver, large, subscriptionId, 1);
    await enlarge(large, subscriptionIds);
    bench.say(`  two million deliveries were made within ${Math.round((nowMs() - startedMs) / 1000)} s`);

    const inEmpty = (name: string, held: boolean): Variant => ({
      name,
      async measure() {
        const database = await empty.copy();
        try {
          return await drain(bench, receiver, database, subscriptionId, DELIVERIES, held);
        } finally {
          await database.drop();
        }
      },
    });
    return {
      variants: [
        inEmpty(EMPTY, false),
        { name: 'large tables', measure: () => drain(bench, receiver, large, subscriptionId, DELIVERIES) },
        inEmpty('an old snapshot', true),
      ],
      bars: ['large tables', 'an old snapshot'].map((of) => ({
        what: `${of}, against empty tables`,
        metric: 'perSecond',
        of,
        against: EMPTY,
        atLeast: 0.85,
      })),
      async close() {
        await receiver.stop();
        await Promise.all([empty.drop(), large.drop()]);
      },
    };
  },
};

const EMPTY = 'empty tables';

/** Copies one delivered event a million times, each with a delivered delivery, its attempt and a delivery that waits for a retry. */
async function enlarge({ pool }: Database, subscriptionIds: string[]): Promise<void> {
  await pool.query(
    `INSERT INTO hookgraph.events (tenant, typename, node_key, operation, after)
     SELECT e.tenant, e.typename, gen_random_uuid(), e.operation, hookgraph.row_of(e.layout_id, e.after)
     FROM (SELECT * FROM hookgraph.events ORDER BY id DESC LIMIT 1) e, generate_series(1, $1::int)`,
    [MILLION],
  );
  for (const [state, dueAt, [even, odd]] of [
    ['DELIVERED', 'now()', subscriptionIds],
    ['RETRYING', "now() + interval '1 hour' + random() * interval '3 days'", subscriptionIds.toReversed()],
  ] as const)
    await pool.query(
      `INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, state, due_at, attempt_count)
       SELECT e.id, s.id, s.topic_id, e.tenant, e.typename, e.node_key, $1, ${dueAt}, 1
       FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM hookgraph.events) e
       JOIN hookgraph.subscriptions s ON s.id = CASE e.n % 2 WHEN 0 THEN $2::uuid ELSE $3::uuid END
       ON CONFLICT DO NOTHING`,
      [state, even, odd],
    );
  await pool.query(
    `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at)
     SELECT id, subscription_id, due_at FROM hookgraph.deliveries WHERE state = 'RETRYING' ORDER BY id`,
  );
  await pool.query(
    `WITH a AS MATERIALIZED (SELECT * FROM hookgraph.attempts LIMIT 1)
     INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms, timings,
       request_url, request_headers, request_body, response_status, response_headers, response_body)
     SELECT d.id, d.subscription_id, 1, 1, a.outcome, a.started_at, a.duration_ms, a.timings,
       a.request_url, a.request_headers, a.request_body, a.response_status, a.response_headers, a.response_body
     FROM a CROSS JOIN hookgraph.deliveries d WHERE d.state = 'DELIVERED' AND d.id <> a.delivery_id`,
  );
}

/** Delivers notifications for this many new people. */
async function drain(
  { server }: Bench,
  receiver: Receiver,
  database: Database,
  subscriptionId: string,
  count: number,
  held = false,
): Promise<Metrics> {
  const { pool } = database;
  const { after, people } = (await pool.query('SELECT hookgraph.next_id() AS after, (SELECT count(*)::int FROM users) AS people')).rows[0];
  await insertPeople(database, count, people + 1);
  await relayAll(database);
  await settleDown(database);
  const session = await pool.connect();
  try {
    if (held) {
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await session.query('SELECT count(*) FROM hookgraph.subscriptions');
    }
    const { done } = await receiver.expect({ expect: count });
    const before = cpuMs(server.pid);
    const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
    try {
      const workerBefore = cpuMs(worker.pid);
      const { firstMs } = await done;
      await untilTrue(
        database,
        `SELECT NOT EXISTS (SELECT 1 FROM hookgraph.open_deliveries
         WHERE subscription_id = '${subscriptionId}' AND held_for IS NULL AND due_at <= now())`,
      );
      const endMs = nowMs();
      const workerCpu = (cpuMs(worker.pid) - workerBefore) / count;
      const postgresCpu = (cpuMs(server.pid) - before) / count;
      const { rows } = await pool.query(
        `SELECT count(*)::int AS delivered FROM hookgraph.deliveries WHERE subscription_id = $1 AND id > $2 AND state = 'DELIVERED'`,
        [subscriptionId, after],
      );
      if (rows[0].delivered !== count) throw new Error(`${rows[0].delivered} of ${count} are delivered.\n${worker.output()}`);
      return { perSecond: (count / (endMs - firstMs)) * 1000, workerCpu, postgresCpu };
    } finally {
      await worker.stop('SIGKILL');
    }
  } finally {
    await session.query('ROLLBACK');
    session.release();
  }
}
