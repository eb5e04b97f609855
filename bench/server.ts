// Starts a Postgres for this run, as the product starts it, and makes databases from a template.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { type App, createApp } from '../src/cli/app.js';
import { readConfig } from '../src/runtime/config.js';
import { migrate } from '../src/runtime/migrate.js';
import { MIGRATION_SETS } from '../src/runtime/migration-sets.js';
import { startEmbeddedPostgres } from '../src/runtime/postgres/embedded-postgres.js';
import { makeOrganizations } from '../src/sample/data/organizations.js';
import { openPrisma } from '../src/sample/prisma.js';

export interface Server {
  version: string;
  /** The process id of the postmaster. */
  pid: number;
  /** The environment of every Hookgraph process, besides DATABASE_URL. */
  env: Record<string, string>;
  /**
   * Makes a database: a migrated one with triggers and two small organizations, or a copy of `from`, which must have no open connections.
   */
  database(from?: string): Promise<Database>;
  stop(): Promise<void>;
}

export interface Database {
  name: string;
  url: string;
  pool: pg.Pool;
  /** Ends the pool, so that the database can be copied. */
  freeze(): Promise<void>;
  drop(): Promise<void>;
}

const TEMPLATE = 'bench_template';
export const ADMIN_TOKEN = 'token-of-the-bench';

export async function startServer(): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-bench-'));
  const postgres = await startEmbeddedPostgres({
    dataDir,
    settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'none' },
  });
  const key = randomBytes(32).toString('hex');
  const env = {
    HOOKGRAPH_DATA_DIR: dataDir,
    HOOKGRAPH_ENCRYPTION_KEYS: key,
    HOOKGRAPH_ADMIN_TOKEN: ADMIN_TOKEN,
    HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8',
    HOOKGRAPH_ALLOWED_PORTS: '1-65535',
    HOOKGRAPH_BASE_URL: 'http://api.example',
    HOOKGRAPH_RATE_LIMIT: '0',
    HOOKGRAPH_LOG_ATTEMPTS: 'off',
    PORT: '0',
  };
  const onServer = async (statement: string) => {
    const client = new pg.Client({ connectionString: postgres.superuserUrl });
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  };
  const address = (name: string) => Object.assign(new URL(postgres.superuserUrl), { pathname: `/${name}` }).href;
  let count = 0;

  async function open(name: string): Promise<Database> {
    const pool = new pg.Pool({ connectionString: address(name), max: 10 });
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    let ended: Promise<void> | undefined;
    const freeze = () => {
      ended ??= pool.end();
      return ended;
    };
    return {
      name,
      url: address(name),
      pool,
      freeze,
      drop: async () => {
        await freeze();
        await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      },
    };
  }

  const server: Server = {
    version: ((await onServer('SHOW server_version'))[0] as { server_version: string }).server_version,
    pid: Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]),
    env,
    database: async (from = TEMPLATE) => {
      count += 1;
      const name = `bench_${count}`;
      // The default strategy writes the copy to WAL; after copying a gigabyte, each page of WAL took ten times as long for a while.
      await onServer(`CREATE DATABASE ${name} TEMPLATE ${from} STRATEGY FILE_COPY`);
      return open(name);
    },
    stop: async () => {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await onServer(`CREATE DATABASE ${TEMPLATE}`);
    await prepareTemplate(address(TEMPLATE), env);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

async function prepareTemplate(url: string, env: Record<string, string>): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  for (const room of MIGRATION_SETS) await migrate(pool, room.dir, room);
  await pool.end();
  const app = await openApp(url, env);
  await app.prepare();
  const prisma = openPrisma(url);
  await prisma.$transaction(makeOrganizations, { timeout: 120_000 });
  await prisma.$disconnect();
  await app.seed();
  await app.close();
}

/** Opens the app in this process to prepare data; the measured processes are separate. */
export async function openApp(url: string, env: Record<string, string>): Promise<App> {
  const config = readConfig({ ...env, DATABASE_URL: url });
  return createApp({ config, databaseUrl: url, keys: config.encryptionKeys ?? [], log: pino({ level: 'silent' }) });
}
