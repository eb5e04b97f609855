// Measures what one delivery costs, from the write to the record, in a database that holds ten and a hundred times as many rows.
import type pg from 'pg';
import type { App } from '../../src/cli/app.js';
import { createSubscription } from '../../src/webhooks/index.js';
import { type Bench, type Line, type Metrics, round } from '../frame.js';
import { cpuMs, startHookgraph } from '../processes.js';
import { nowMs } from '../receiver.js';
import type { Database } from '../server.js';
import { prepared, type Receiver, startReceiver } from '../world.js';

const TIMES = [1, 10, 100];
/** The numbers of rows at the factor 1 of `TIMES`. */
const ORGANIZATIONS = 1;
const PEOPLE = 1000;
const FINISHED = 10_000;
/** The number of subscriptions for each organization and topic. */
const SUBSCRIPTIONS = 5;
const TOPICS = ['user/created', 'user/updated'];

/** Number of people who are each written twice. It is the same at every factor, so the number of deliveries is, too. */
const WRITTEN = 2000;
const DELIVERIES = WRITTEN * TOPICS.length * SUBSCRIPTIONS;
/** Number of deliveries that the worker sends before it is measured, so that one-time reads and compilation don't count. */
const WARM_UP = 400;

const METRICS = { workerCpu: 'CPU of the worker', postgresCpu: 'CPU of Postgres', statements: 'statements' };

export const growth: Line = {
  key: 'growth',
  title: 'Growth: rows, subscriptions and organizations, times 10 and 100',
  method: `At 1×: ${FINISHED.toLocaleString('en-US')} finished deliveries with their attempts, ${PEOPLE.toLocaleString('en-US')} people, ${SUBSCRIPTIONS * TOPICS.length} subscriptions, ${ORGANIZATIONS} organization; 10 and 100 times as many at 10× and 100×. One statement of raw SQL inserts ${WRITTEN.toLocaleString('en-US')} people, spread over all organizations, and another updates them. A warm worker relays, claims, sends and records the resulting ${DELIVERIES.toLocaleString('en-US')} deliveries, spread over all subscriptions. CPU is milliseconds per delivery; that of Postgres includes the writes. Statements are those of the worker for 1,000 deliveries, counted by pg_stat_statements.`,
  async prepare(bench) {
    const receiver = await startReceiver();
    const sources: { times: number; source: Awaited<ReturnType<typeof grown>> }[] = [];
    for (const times of TIMES) sources.push({ times, source: await grown(bench, receiver, times) });
    const listed = new Map<string, Statement[]>(TIMES.map((times) => [`${times}×`, []]));
    return {
      variants: sources.map(({ times, source }) => ({
        name: `${times}×`,
        measure: async () => {
          const database = await source.copy();
          try {
            const { metrics, statements } = await measure(bench, receiver, database);
            listed.set(`${times}×`, statements);
            return metrics;
          } finally {
            await database.drop();
          }
        },
      })),
      bars: Object.entries(METRICS).flatMap(([metric, what]) =>
        TIMES.slice(1).map((times) => ({ what: `${what}, ${times}× against 1×`, metric, of: `${times}×`, against: '1×', atMost: 1.2 })),
      ),
      notes: () => [tableOf(listed)],
      async close() {
        await receiver.stop();
        for (const { source } of sources) await source.drop();
      },
    };
  },
};

function grown({ server, say }: Bench, receiver: Receiver, times: number) {
  say(`  preparing ${times}×`);
  return prepared(server, async (database, app) => {
    const client = await database.pool.connect();
    try {
      // The rows that exist before the measurement make no events.
      await client.query("SET hookgraph.capture = 'off'");
      await client.query(
        `INSERT INTO organizations (name, permalink) SELECT 'Organization ' || n, 'growth-' || n FROM generate_series(1, $1::int) n`,
        [ORGANIZATIONS * times],
      );
      await client.query(
        `INSERT INTO users (organization_id, first_name, last_name, username, email, admin)
         SELECT o.id, 'First' || n, 'Last' || n, 'user' || n, 'user' || n || '@growth.example', n = 1
         FROM organizations o CROSS JOIN generate_series(1, $1::int) n WHERE o.permalink LIKE 'growth-%'`,
        [PEOPLE / ORGANIZATIONS],
      );
      await subscribeAll(app, client, receiver);
      await insertFinished(client, FINISHED * times);
    } finally {
      client.release(true);
    }
  });
}

async function subscribeAll(app: App, client: pg.PoolClient, receiver: Receiver): Promise<void> {
  const { rows } = await client.query(
    `SELECT u.id, u.organization_id FROM users u JOIN organizations o ON o.id = u.organization_id WHERE o.permalink LIKE 'growth-%' AND u.admin`,
  );
  for (const [i, { id: userId, organization_id: tenant }] of rows.entries())
    for (const key of TOPICS)
      for (let n = 0; n < SUBSCRIPTIONS; n++) {
        const { problems } = await createSubscription(
          app.webhooks.engine,
          { tenant, userId, canManageWebhooks: true, token: null },
          { topic: { key }, callbackUrl: `${receiver.url}/${i}/${key}/${n}`, sharedSecret: 'a secret that is long enough' },
        );
        if (problems.length > 0) throw new Error(JSON.stringify(problems));
      }
}

/** Inserts delivered deliveries as a worker leaves them, spread over all subscriptions. */
async function insertFinished(client: pg.PoolClient, count: number): Promise<void> {
  await client.query(
    `INSERT INTO hookgraph.events (tenant, typename, node_key, operation, after)
     SELECT o.tenant, 'User', gen_random_uuid(), 'created', jsonb_build_object('id', gen_random_uuid(), 'organization_id', o.tenant,
       'first_name', 'First' || n, 'last_name', 'Last' || n, 'username', 'user' || n, 'email', 'user' || n || '@growth.example',
       'job_title', NULL, 'licenses', '{}'::text[], 'admin', false, 'disabled', false, 'created_at', now(), 'updated_at', now())
     FROM generate_series(1, $1::int) n
     JOIN (SELECT id::text AS tenant, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS many FROM organizations WHERE permalink LIKE 'growth-%') o
       ON o.place = n % o.many`,
    [count / SUBSCRIPTIONS],
  );
  await client.query(
    `INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, due_at, state, attempt_count)
     SELECT e.id, s.id, s.topic_id, e.tenant, e.typename, e.node_key, now(), 'DELIVERED', 1
     FROM hookgraph.events e JOIN hookgraph.subscriptions s ON s.tenant = e.tenant JOIN hookgraph.topics t ON t.id = s.topic_id
     WHERE t.key = 'user/created' AND e.typename = 'User' ORDER BY e.id`,
  );
  await client.query(
    `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms, timings,
       request_url, request_headers, request_body, response_status, response_headers, response_body)
     SELECT d.id, d.subscription_id, 1, 1, 'DELIVERED', now(), 5, '{"queue": 10, "payload": 0.1, "send": 4.9}', 'http://receiver.example/',
       jsonb_build_object('content-type', 'application/json', 'user-agent', 'Hookgraph', 'x-hookgraph-delivery', d.id::text, 'x-hookgraph-signature', md5(d.id::text) || md5(d.node_key)),
       jsonb_build_object('data', e.after)::text, 200, '{"date": "Wed, 25 Nov 2026 20:00:00 GMT", "connection": "keep-alive", "content-length": "2"}', 'ok'
     FROM hookgraph.deliveries d JOIN hookgraph.events e ON e.id = d.event_id ORDER BY d.id`,
  );
}

async function measure({ server }: Bench, receiver: Receiver, database: Database): Promise<{ metrics: Metrics; statements: Statement[] }> {
  // Connects before the first snapshot of the statistics, so that connecting isn't measured.
  const client = await database.pool.connect();
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  await client.query(`ALTER DATABASE ${database.name} SET pg_stat_statements.track = 'top'`);
  await client.query('CHECKPOINT');
  const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
  try {
    await writeAndSend(client, receiver, { written: WARM_UP, from: 1 });
    const before = await statementsOf(client);
    const cpuBefore = { worker: cpuMs(worker.pid), postgres: cpuMs(server.pid) };
    const startedMs = nowMs();
    await writeAndSend(client, receiver, { written: WRITTEN, from: WARM_UP + 1 });
    const seconds = (nowMs() - startedMs) / 1000;
    const cpu = {
      workerCpu: (cpuMs(worker.pid) - cpuBefore.worker) / DELIVERIES,
      postgresCpu: (cpuMs(server.pid) - cpuBefore.postgres) / DELIVERIES,
    };
    const statements = statementsBetween(before, await statementsOf(client));
    const { rows } = await client.query(
      `SELECT count(*)::int AS recorded FROM hookgraph.attempts a JOIN hookgraph.deliveries d ON d.id = a.delivery_id
       WHERE a.outcome = 'DELIVERED' AND d.state = 'DELIVERED' AND d.event_id > hookgraph.id_at(now() - $1 * interval '1 s')`,
      [seconds + 1],
    );
    if (rows[0].recorded < DELIVERIES) throw new Error(`${rows[0].recorded} of ${DELIVERIES} are recorded\n${worker.output()}`);
    const calls = statements.reduce((sum, one) => sum + one.calls, 0);
    return { metrics: { ...cpu, statements: calls, perSecond: DELIVERIES / seconds }, statements };
  } finally {
    client.release(true);
    await worker.stop('SIGKILL');
  }
}

async function writeAndSend(
  client: pg.PoolClient,
  receiver: Receiver,
  { written, from }: { written: number; from: number },
): Promise<void> {
  const { done } = await receiver.expect({ expect: written * TOPICS.length * SUBSCRIPTIONS });
  const { rows } = await client.query(
    `INSERT INTO users (organization_id, first_name, last_name, username, email)
     SELECT o.id, 'New' || n, 'Last' || n, 'new' || n, 'new' || n || '@growth.example'
     FROM generate_series($1::int, $2::int) n
     JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS many FROM organizations WHERE permalink LIKE 'growth-%') o
       ON o.place = n % o.many
     RETURNING id`,
    [from, from + written - 1],
  );
  await client.query(`UPDATE users SET job_title = 'Technician' WHERE id = ANY ($1::uuid[])`, [rows.map((row) => row.id)]);
  await done;
  await untilSettled(client);
}

async function untilSettled(client: pg.PoolClient): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `SELECT NOT EXISTS (SELECT FROM hookgraph.captures) AND NOT EXISTS (SELECT FROM hookgraph.open_deliveries) AS settled`,
    );
    if (rows[0].settled) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Statement {
  text: string;
  calls: number;
  ms: number;
}

async function statementsOf(client: pg.PoolClient): Promise<Statement[]> {
  const { rows } = await client.query<Statement>(
    `SELECT query AS text, sum(calls)::int AS calls, sum(total_exec_time) AS ms FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY query`,
  );
  return rows;
}

/** Returns the number of calls and the milliseconds of each statement per 1,000 deliveries. */
function statementsBetween(before: Statement[], after: Statement[]): Statement[] {
  return after
    .map(({ text, calls, ms }) => {
      const earlier = before.find((one) => one.text === text);
      const per = DELIVERIES / 1000;
      return { text, calls: (calls - (earlier?.calls ?? 0)) / per, ms: (ms - (earlier?.ms ?? 0)) / per };
    })
    .filter(({ calls }) => calls > 0);
}

/** Formats the figures of the last round as a table. */
function tableOf(found: Map<string, Statement[]>): string {
  const texts = [...new Set([...found.values()].flatMap((statements) => statements.map(({ text }) => text)))];
  const cells = (text: string) =>
    [...found.values()].map((statements) => {
      const one = statements.find((candidate) => candidate.text === text);
      return one ? `${round(one.calls)} (${round(one.ms)} ms)` : '–';
    });
  const most = (text: string) => Math.max(...[...found.values()].map((all) => all.find((one) => one.text === text)?.ms ?? 0));
  return [
    `| statements for 1,000 deliveries, and the time that Postgres spent in them | ${[...found.keys()].join(' | ')} |`,
    `|---|${[...found.keys()].map(() => '---|').join('')}`,
    ...texts
      .sort((a, b) => most(b) - most(a))
      .map((text) => `| \`${text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim().slice(0, 110)}…\` | ${cells(text).join(' | ')} |`),
  ].join('\n');
}
