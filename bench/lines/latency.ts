// Measures the time from a change, through an API or by plain SQL, until its notification arrives.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { Pool } from 'undici';
import { encodeGlobalId } from '../../src/sample/graph/global-id.js';
import { prepareJobs } from '../baseline/prepare.js';
import { type Bench, type Line, type Metrics, quantile, type Variant } from '../frame.js';
import { cpuMs, type Program, startHookgraph, startProgram } from '../processes.js';
import { nowMs } from '../receiver.js';
import { ADMIN_TOKEN, type Database } from '../server.js';
import { acme, detachCapture, prepared, type Receiver, startReceiver, subscribe } from '../world.js';

const A_SECOND = 200;
const SECONDS = 5;
/**
 * Milliseconds between a received notification and the next change. Plain SQL doesn't wake the relay, so its pauses cover the relay's
 * longest sleep.
 */
const IDLE = {
  api: { count: 150, pauseMs: [5, 25] },
  sql: { count: 60, pauseMs: [100, 200] },
} as const;

export const latency: Line = {
  key: 'latency',
  title: 'From a change to its notification',
  method: `Milliseconds from just before the client writes its request (the mutation createUser by HTTP, or its own INSERT) until the receiver has the headers of the notification. Idle: ${IDLE.api.count} changes, each ${IDLE.api.pauseMs.join(' to ')} ms after the one before was received; by SQL ${IDLE.sql.count}, after ${IDLE.sql.pauseMs.join(' to ')} ms. Under load: ${A_SECOND} changes a second for ${SECONDS} s, sent whether or not the earlier ones were answered. The usual baseline is a graphql-yoga API over pg. It looks up the token, writes the row and adds a graphile-worker job in one transaction; the usual task runs in a process of its own. Answered: until the client has its answer. CPU: milliseconds of processor time for each change under load, of the programs and of Postgres.`,
  async prepare(bench) {
    const receiver = await startReceiver();
    const ours = await prepared(bench.server, async (database, app) => {
      await subscribe(app, database, { callbackUrl: receiver.url });
    });
    const theirs = await prepared(bench.server, async (database) => {
      await detachCapture(database);
      await prepareJobs(database.pool);
    });
    const hookgraph = (command: 'serve' | 'api' | 'worker', database: Database) =>
      startHookgraph(command, { ...bench.server.env, DATABASE_URL: database.url });
    const variant = (
      name: string,
      source: typeof ours,
      start: (database: Database) => Promise<System>,
      idle: Idle = IDLE.api,
    ): Variant => ({
      name,
      measure: () => measure(bench, receiver, source, start, idle),
    });
    return {
      variants: [
        variant(ONE, ours, async (database) => {
          const served = await hookgraph('serve', database);
          return { programs: [served], change: mutations(served.url) };
        }),
        variant(USUAL, theirs, (database) => startUsual(database, receiver)),
        variant(TWO, ours, async (database) => {
          const [api, worker] = await Promise.all([hookgraph('api', database), hookgraph('worker', database)]);
          return { programs: [api, worker], change: mutations(api.url) };
        }),
        variant(
          SQL,
          ours,
          async (database) => {
            const worker = await hookgraph('worker', database);
            return { programs: [worker], change: await inserts(database) };
          },
          IDLE.sql,
        ),
      ],
      bars: [
        ...[ONE, TWO].flatMap((of) =>
          ['idle', 'load'].flatMap((when) => [
            { what: `${of}, ${when}, p50`, metric: `${when}P50Ms`, of, against: USUAL, atMost: 2 },
            { what: `${of}, ${when}, p99`, metric: `${when}P99Ms`, of, against: USUAL, atMost: 3 },
          ]),
        ),
        { what: 'raw SQL, idle, p99 in ms', metric: 'idleP99Ms', of: SQL, atMost: 100 },
        { what: 'raw SQL, under load, p99 in ms', metric: 'loadP99Ms', of: SQL, atMost: 100 },
      ],
      async close() {
        await receiver.stop();
        await Promise.all([ours.drop(), theirs.drop()]);
      },
    };
  },
};

const ONE = 'Hookgraph, as `npm start` runs it';
const TWO = 'Hookgraph, API and worker apart';
const SQL = 'Hookgraph, by raw SQL';
const USUAL = 'usual';

type Idle = (typeof IDLE)[keyof typeof IDLE];

interface System {
  programs: Program[];
  change: Change;
}

interface Change {
  /** Makes the change and returns the value of `data.id` in its notification. */
  make(n: number): Promise<string>;
  close(): Promise<void>;
}

async function startUsual(database: Database, receiver: Receiver): Promise<System> {
  const env = { DATABASE_URL: database.url, RECEIVER_URL: receiver.url, CLIENT: 'fetch' };
  const [api, task] = [startProgram('./baseline/api.ts', env), startProgram('./baseline/task.ts', env)];
  const [{ port }] = await Promise.all([api.message<{ port: number }>(), task.message()]);
  return { programs: [api, task], change: mutations(`http://127.0.0.1:${port}`) };
}

function mutations(url: string): Change {
  const pool = new Pool(url, { connections: 50 });
  const headers = { authorization: `Token token=${ADMIN_TOKEN}`, 'content-type': 'application/json', accept: 'application/json' };
  const query = 'mutation ($user: UserInput!) { createUser(user: $user) { user { id firstName lastName email } } }';
  return {
    async make(n) {
      const user = { firstName: `First${n}`, lastName: `Last${n}`, email: `user${n}@acme.example` };
      const body = JSON.stringify({ query, variables: { user } });
      const response = await pool.request({ path: '/api/v3/graphql', method: 'POST', headers, body });
      const answer = (await response.body.json()) as { data?: { createUser: { user: { id: string } } } };
      const id = answer.data?.createUser.user.id;
      if (id === undefined) throw new Error(JSON.stringify(answer));
      return id;
    },
    close: () => pool.close(),
  };
}

async function inserts(database: Database): Promise<Change> {
  const { tenant } = await acme(database);
  const pool = new pg.Pool({ connectionString: database.url, max: 8 });
  pool.on('error', () => {});
  return {
    async make(n) {
      const { rows } = await pool.query({
        name: 'insert',
        text: `INSERT INTO users (organization_id, first_name, last_name, email) VALUES ($1, $2, $3, $4) RETURNING id`,
        values: [tenant, `First${n}`, `Last${n}`, `user${n}@acme.example`],
      });
      return encodeGlobalId('User', rows[0].id);
    },
    close: () => pool.end(),
  };
}

async function measure(
  { server }: Bench,
  receiver: Receiver,
  source: Awaited<ReturnType<typeof prepared>>,
  start: (database: Database) => Promise<System>,
  { count, pauseMs: [least, most] }: Idle,
): Promise<Metrics> {
  const database = await source.copy();
  try {
    const { programs, change } = await start(database);
    try {
      let n = 0;
      let answers: number[] = [];
      const one = async () => {
        const sentMs = nowMs();
        const id = await change.make(n++);
        answers.push(nowMs() - sentMs);
        return { sentMs, id };
      };
      const cpu = () => ({ programs: programs.reduce((sum, { pid }) => sum + cpuMs(pid), 0), postgres: cpuMs(server.pid) });
      await steadily(receiver, one, 1);
      const idle: number[] = [];
      for (let i = 0; i < count; i++) {
        await wait(least + Math.random() * (most - least));
        idle.push(...(await received(receiver, 1, async () => [await one()])));
      }
      answers = [];
      const before = cpu();
      const load = await steadily(receiver, one, SECONDS);
      const after = cpu();
      return {
        ...spread('idle', idle),
        ...spread('load', load),
        loadAnsweredP50Ms: quantile(answers, 0.5),
        loadCpu: (after.programs - before.programs) / load.length,
        loadPostgresCpu: (after.postgres - before.postgres) / load.length,
      };
    } finally {
      await change.close();
      for (const program of programs) await program.stop('SIGKILL');
    }
  } finally {
    await database.drop();
  }
}

interface Made {
  sentMs: number;
  id: string;
}

/** Makes `count` changes and returns the milliseconds until each notification arrived. */
async function received(receiver: Receiver, count: number, make: () => Promise<Made[]>): Promise<number[]> {
  const { done } = await receiver.expect({ expect: count, note: 'id' });
  const [made, { arrivals }] = await Promise.all([make(), done]);
  const arrived = new Map(arrivals);
  return made.map(({ sentMs, id }) => (arrived.get(id) as number) - sentMs);
}

function steadily(receiver: Receiver, one: () => Promise<Made>, seconds: number): Promise<number[]> {
  const count = A_SECOND * seconds;
  return received(receiver, count, async () => {
    const made: Promise<Made>[] = [];
    for (const startedMs = nowMs(); made.length < count; ) {
      while (made.length < count && nowMs() - startedMs >= (made.length * 1000) / A_SECOND) made.push(one());
      await wait(1);
    }
    return Promise.all(made);
  });
}

const spread = (when: string, values: number[]): Metrics => ({
  [`${when}P50Ms`]: quantile(values, 0.5),
  [`${when}P99Ms`]: quantile(values, 0.99),
  [`${when}MaxMs`]: Math.max(...values),
});
