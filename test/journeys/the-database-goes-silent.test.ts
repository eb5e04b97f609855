// Promise: when Postgres goes silent, a worker says so and continues by itself, nothing that could be recorded is sent twice, and a worker
// that must stop stops.
import { randomBytes } from 'node:crypto';
import { GraphQLError } from 'graphql';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Hookgraph } from '../../src/index.js';
import { openPrisma, openWriter } from '../../src/sample/prisma.js';
import { runCli } from '../support/cli.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type FreezingProxy, startFreezingProxy } from '../support/freezing-proxy.js';
import { collectLines } from '../support/log-lines.js';
import { askApp, NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const LIMITS = { silenceMs: 1_000, stallMs: 300, stopMs: 2_000 };
const KEY = randomBytes(32);
/** Selects the sessions that listen. Between two checks, the last statement of such a session is its check. */
const LISTENING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query IN ('LISTEN hookgraph_poke', 'SELECT 1')`;
const STALLED = 'loops of the worker have not completed for some time; they go on when the database answers';
const GOES_ON = 'the loops of the worker complete again';

let database: TestDatabase;
let proxy: FreezingProxy;
let receiver: Receiver;
/** Functions that end what a test opened, called in reverse order. */
let ends: (() => Promise<unknown>)[];
let logged: ReturnType<typeof collectLines>;
beforeEach(async () => {
  [database, receiver] = await Promise.all([testDatabase({ empty: true }), startReceiver()]);
  proxy = await startFreezingProxy(database.url);
  await database.pool.query(NOTES);
  ends = [];
  logged = collectLines();
});
afterEach(async () => {
  proxy.thaw();
  for (const end of ends.reverse()) await end();
  await Promise.all([proxy.close(), receiver.close()]);
  await database.close();
});

function open(url: string | pg.Pool = proxy.url): Hookgraph {
  const hooks = notesApp({ keys: [KEY], database: url, settings: { allowedNetworks: ['127.0.0.0/8'], limits: LIMITS }, log: logged.log });
  ends.push(hooks.close);
  return hooks;
}

function hostPool(): pg.Pool {
  const pool = new pg.Pool({ connectionString: proxy.url, max: 20 });
  ends.push(() => pool.end());
  return pool;
}

async function subscribed(url?: string | pg.Pool): Promise<Hookgraph> {
  const hooks = open(url);
  await hooks.migrate();
  await subscribeTo(hooks, 'note/created', receiver.url);
  return hooks;
}

const insertNotes = (count: number) =>
  database.pool.query(`INSERT INTO notes SELECT (SELECT count(*) FROM notes) + i, 'ada', 'x' FROM generate_series(1, $1) i`, [count]);
const work = async (hooks: Hookgraph) => {
  const worker = await hooks.work();
  ends.push(worker.stop);
  return worker;
};
const readyz = async (hooks: Hookgraph) => (await hooks.handler(new Request('http://localhost/graphql/readyz'))).status;
const bodies = () => new Set(receiver.requests.map(({ body }) => body));

it.each(['our own pool', 'a pool of the host'])('notices connections that are dead, and goes on over new ones (%s)', async (whose) => {
  const hooks = await subscribed(whose === 'our own pool' ? proxy.url : hostPool());
  await work(hooks);
  await insertNotes(1);
  await receiver.waitFor(1);
  await until('it is ready', async () => (await readyz(hooks)) === 200);
  const pids = async () => (await database.pool.query(LISTENING)).rows.map(({ pid }) => pid as number);
  await until('it listens', async () => (await pids()).length === 1);
  const [listener] = await pids();

  proxy.swallow();
  await insertNotes(5);
  const asked = askApp(hooks, '{ webhookDeliveries { totalCount } }').catch((error) => error);
  await until('it is not ready', async () => (await readyz(hooks)) === 503);
  await until('all are delivered', () => bodies().size === 6);
  await until('it is ready again', async () => (await readyz(hooks)) === 200);
  await until('it listens on a new connection', async () => (await pids()).some((pid) => pid !== listener));
  await asked;
  expect((await askApp(hooks, '{ webhookDeliveries { totalCount } }')).webhookDeliveries.totalCount).toBe(6);
  await until('the log says that it goes on', () => logged.named(GOES_ON).length > 0);
  // Each time there is only one warning, however many loops stand still.
  const said = logged.lines.map(({ msg }) => msg).filter((msg) => msg === STALLED || msg === GOES_ON);
  expect(said).toEqual(said.map((_, index) => (index % 2 === 0 ? STALLED : GOES_ON)));
  expect(JSON.stringify(logged.lines)).toContain('Postgres sent nothing for 1000 ms');
});

it('gives requests, migrations and Prisma’s statements an error or a new connection', async () => {
  const hooks = await subscribed();
  const writer = openWriter(proxy.url, () => {}, LIMITS.silenceMs);
  const prisma = openPrisma(writer);
  ends.push(() => prisma.$disconnect().then(() => writer.end()));
  const askAll = () =>
    Promise.allSettled([
      askApp(hooks, '{ webhookSubscriptions { totalCount } }'),
      hooks.migrate(),
      prisma.$queryRaw`SELECT 1 AS one`,
      prisma.$transaction([prisma.$queryRaw`SELECT 1 AS one`]),
    ]);
  const done = ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'];
  expect((await askAll()).map(({ status }) => status)).toEqual(done);
  proxy.swallow();
  const broken = new GraphQLError('x', { originalError: new Error('Connection terminated unexpectedly') });
  expect(hooks.webhooks.engine.host.faultOf(broken)).toBe('ours');
  // The first requests end, with or without an error; the next requests work.
  await askAll();
  expect((await askAll()).map(({ status }) => status)).toEqual(done);
});

it('stops in time although Postgres is silent and a result can’t be recorded', async () => {
  const worker = await work(await subscribed());
  receiver.answer = (response) => {
    proxy.freeze();
    response.end();
  };
  await insertNotes(1);
  await receiver.waitFor(1);
  await worker.stop();
  const late = 'the worker could not stop in time; deliveries whose results are not recorded are sent again';
  expect(logged.named(late)).toMatchObject([{ unwritten: 1 }]);
});

it.each(['our own pool', 'a pool of the host'])(
  'says what helps while the server has no connection left, and goes on (%s)',
  async (whose) => {
    const role = `crowded_${process.pid}`;
    await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret';
    GRANT CREATE ON DATABASE ${new URL(database.url).pathname.slice(1)} TO ${role}; GRANT SELECT, TRIGGER ON notes TO ${role}`);
    ends.push(() => database.pool.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`));
    const url = Object.assign(new URL(database.url), { username: role, password: 'secret' }).href;
    /** Limits the role's connections, so that the server answers it as if max_connections were reached. A superuser would still connect. */
    const crowd = async (limit: number) => {
      await database.pool.query(`ALTER ROLE ${role} CONNECTION LIMIT ${limit}`);
      if (limit === 0) await database.pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
    };
    const pool = new pg.Pool({ connectionString: url, max: 20 });
    ends.push(() => pool.end());
    const hooks = await subscribed(whose === 'our own pool' ? url : pool);
    await work(hooks);
    await insertNotes(1);
    await receiver.waitFor(1);
    await crowd(0);
    await insertNotes(5);
    await until('it says what helps', () => logged.lines.some(({ advice }) => /^Raise max_connections/.test(advice)));
    expect(await readyz(hooks)).toBe(503);
    await insertNotes(5);
    await crowd(-1);
    await until('it is ready', async () => (await readyz(hooks)) === 200);
    const attempts = async () => (await database.pool.query('SELECT outcome, count(*)::int FROM hookgraph.attempts GROUP BY 1')).rows;
    await until(
      'all are recorded, and nobody is charged',
      async () => JSON.stringify(await attempts()) === '[{"outcome":"DELIVERED","count":11}]',
    );
    expect(receiver.requests).toHaveLength(11);
  },
);

it('a start without a connection left ends with what helps', async () => {
  const role = `late_${process.pid}`;
  await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret' CONNECTION LIMIT 0`);
  ends.push(() => database.pool.query(`DROP ROLE ${role}`));
  const url = Object.assign(new URL(database.url), { username: role, password: 'secret' }).href;
  for (const command of ['api', 'worker']) {
    const started = runCli([command], { DATABASE_URL: url, HOOKGRAPH_ENCRYPTION_KEYS: KEY.toString('base64') });
    expect(await started.ended()).not.toBe(0);
    expect(started.output()).toMatch(/too many connections for role.*Raise max_connections of the server/s);
    expect(started.output()).not.toContain('    at ');
  }
});

it('ends the session of a worker that stands still while it records, so that others get its locks', async () => {
  await work(await subscribed());
  const holder = await database.pool.connect();
  receiver.answer = async (response) => {
    await holder.query('BEGIN; SELECT FROM hookgraph.subscriptions FOR UPDATE');
    response.writeHead(410).end();
  };
  await insertNotes(1);
  const recording = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%subscriptions%'`;
  await until('the recording transaction waits', async () => (await database.pool.query(recording)).rowCount === 1);
  // Simulates that the process stands still: its session gets the lock, but its transaction isn't continued.
  proxy.freeze();
  await holder.query('COMMIT');
  holder.release();
  const other = open(database.url);
  const { id } = (await askApp(other, '{ webhookSubscriptions { nodes { id } } }')).webhookSubscriptions.nodes[0];
  const renamed = await askApp(
    other,
    `mutation { updateWebhookSubscription(webhookSubscription: { id: "${id}", name: "renamed" }) { errors { message } } }`,
  );
  expect(renamed.updateWebhookSubscription.errors).toEqual([]);
});

it('claims nothing while results can’t be recorded, and later records them instead of sending again', async () => {
  const hooks = await subscribed();
  await work(hooks);
  await database.pool.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'No space left on device' USING ERRCODE = '53100'; END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON hookgraph.attempts FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  await insertNotes(1);
  await receiver.waitFor(1);
  await until('recording fails', () => logged.lines.some(({ msg }) => msg.startsWith('recording attempts failed')));
  await insertNotes(3);
  const due = 'SELECT FROM hookgraph.open_deliveries WHERE due_at <= now() AND lease_until IS NULL';
  await until('they are due', async () => (await database.pool.query(due)).rowCount === 3);
  await turns(hooks, 'due', 3);
  const lease = async () =>
    (await database.pool.query('SELECT max(lease_until) AS until FROM hookgraph.open_deliveries')).rows[0].until as Date;
  const before = await lease();
  await until('the lease of the first is extended, so that no other worker sends it', async () => (await lease()) > before);
  expect(receiver.requests).toHaveLength(1);
  await database.pool.query('DROP TRIGGER refuse ON hookgraph.attempts');
  const delivered = `SELECT FROM hookgraph.deliveries WHERE state = 'DELIVERED'`;
  await until('all are recorded', async () => (await database.pool.query(delivered)).rowCount === 4);
  expect(receiver.requests).toHaveLength(4);
});

/** Waits until a loop of the worker has completed `count` times. */
async function turns({ webhooks }: Hookgraph, loop: string, count: number): Promise<void> {
  const ageMs = () => webhooks.engine.loops.states().find(({ name }) => name === loop)?.ageMs ?? 0;
  for (let seen = 0; seen < count; seen++) {
    let last = ageMs();
    const hasTurned = () => {
      const before = last;
      last = ageMs();
      return last < before;
    };
    await until(`the loop ${loop} turns`, hasTurned, { everyMs: 5 });
  }
}
