// Makes a test database as a clone of the run's migrated template.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ofTheRun } from './of-the-run.js';
import { SparingPool } from './sparing-pool.js';

export const TEMPLATE = 'hookgraph_template';
/** The name of a second template, which also has triggers and sample data, as after the product's first start. */
export const SEEDED = 'hookgraph_seeded';
/** The token of the sample organization's admin. */
export const SEEDED_TOKEN = 'admin-token-of-the-test';

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  /** Ends the pool and drops the database, even while other clients are connected. */
  close(): Promise<void>;
}

/** Makes a database. `empty`: without Hookgraph's migrations; `seeded`: with the domain's triggers and sample data. */
export async function testDatabase({ empty = false, seeded = false } = {}): Promise<TestDatabase> {
  const server = await ofTheRun(empty ? 'empty' : seeded ? 'seeded' : 'migrated');
  return clone(server, empty ? 'template1' : seeded ? SEEDED : TEMPLATE);
}

/** The databases that this process has prepared, by key. */
const prepared = new Map<string, Promise<string>>();

/**
 * Makes a clone of a database that `prepare` fills at the first call with this key in this process, because cloning takes a fraction of
 * the CPU of preparing. `prepare` must always do the same for a key, and leave no connection open.
 */
export async function preparedDatabase(key: string, prepare: (database: TestDatabase) => Promise<unknown>): Promise<TestDatabase> {
  const server = await ofTheRun('migrated');
  const make = async () => {
    const database = await clone(server, TEMPLATE);
    await prepare(database);
    await database.pool.end();
    return new URL(database.url).pathname.slice(1);
  };
  const template = prepared.get(key) ?? make();
  prepared.set(key, template);
  return clone(server, await template);
}

async function clone(server: string, template: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `CREATE DATABASE ${name} STRATEGY FILE_COPY TEMPLATE ${template}`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  // Removes all parameters, because many tests add their own.
  address.search = '';
  const pool = new SparingPool({ connectionString: address.href, idleTimeoutMillis: 60_000 });
  // Ignores broken connections, because a test that cuts its connections on purpose must not end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    url: address.href,
    pool,
    close: async () => {
      await pool.end();
      await disconnected(server, name);
      await onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Milliseconds that a connection may take to close after its pool was ended. */
const CLOSING_MS = 500;

/** Waits until the connections of a test's own pools are closed. FORCE would break them, and their error would end the process. */
async function disconnected(server: string, name: string): Promise<void> {
  for (const untilMs = performance.now() + CLOSING_MS; performance.now() < untilMs; await sleep(20))
    if (
      (await onServer(server, `SELECT FROM pg_stat_activity WHERE datname = '${name}' AND backend_type = 'client backend'`)).rowCount === 0
    )
      return;
}

/** The connections with which this process makes and drops databases, by the server's URL. */
const servers = new Map<string, pg.Pool>();

/** Keeps its connections for the next statement, because Postgres and the client pay some 50 ms of CPU for a connection. */
async function onServer(url: string, statement: string): Promise<pg.QueryResult> {
  let server = servers.get(url);
  if (!server) {
    server = new pg.Pool({ connectionString: url, max: 2, idleTimeoutMillis: 0, allowExitOnIdle: true });
    server.on('error', () => {});
    servers.set(url, server);
  }
  return server.query(statement);
}
