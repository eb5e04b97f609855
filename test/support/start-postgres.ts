// Vitest's global set-up: provides a temporary Postgres with a migrated and a seeded template database, and a browser. Makes each of them
// when a test first requests it.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/runtime/migrate.js';
import { MIGRATION_SETS } from '../../src/runtime/migration-sets.js';
import { startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';
import { SEEDED, SEEDED_TOKEN, TEMPLATE } from './database.js';
import { run } from './product.js';
import { unpackBrowser } from './unpack-browser.js';

/** Settings for data that needn't survive the test run, so that Postgres doesn't wait for the disk. */
const THROW_AWAY = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  max_prepared_transactions: '16',
  wal_level: 'logical',
  // Autovacuum would start a process for each database every minute, but the databases live only for seconds.
  autovacuum: 'off',
  // With 4,096 iterations, deriving the key of a password took a fifth of the time in which a client connects.
  scram_iterations: '1',
};

/** The variable with the URL of a run's set-up. A run that a test starts uses this set-up, instead of starting its own Postgres. */
const OTHERS = 'HOOKGRAPH_TEST_TEMPLATES';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const others = process.env[OTHERS];
  if (others !== undefined) {
    project.provide('sharedUrl', others);
    return async () => {};
  }
  const dataDir = await mkdtemp(join(await temporaryFolder(), 'hookgraph-test-'));
  // Unpacks the browser to disk, because programs may not be allowed to run from a folder in memory.
  const browserDir = await mkdtemp(join(tmpdir(), 'hookgraph-browser-'));
  const running = once(async () => {
    const postgres = await startEmbeddedPostgres({ dataDir, settings: THROW_AWAY });
    await setPasswordAgain(postgres.superuserUrl);
    return postgres;
  });
  const migrated = once(async () => makeTemplate((await running()).superuserUrl));
  const seeded = once(async () => {
    await migrated();
    await makeSeeded((await running()).superuserUrl);
  });
  const browser = once(() => unpackBrowser(browserDir));
  const serverWith = (template: () => Promise<unknown>) => async () => {
    await template();
    return (await running()).superuserUrl;
  };
  const shared: Record<string, () => Promise<string>> = {
    '/empty': serverWith(running),
    '/migrated': serverWith(migrated),
    '/seeded': serverWith(seeded),
    '/browser': browser,
  };
  const server = createServer((request, response) => {
    const make = shared[request.url ?? ''] as () => Promise<string>;
    make().then(
      (made) => response.end(made),
      (error) => response.writeHead(500).end(String(error.stack)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('sharedUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    if (running.called()) await (await running()).stop();
    for (const dir of [dataDir, browserDir]) await rm(dir, { recursive: true, force: true });
  };
}

/** Returns a folder in memory if 4 GB are free there, because cloning a database in memory takes half of the CPU as on a disk. */
async function temporaryFolder(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => null);
  return memory && memory.bavail * memory.bsize > 4 * 2 ** 30 ? '/dev/shm' : tmpdir();
}

function once<T>(make: () => Promise<T>): { (): Promise<T>; called(): boolean } {
  let made: Promise<T> | undefined;
  return Object.assign(() => (made ??= make()), { called: () => made !== undefined });
}

/** Sets the superuser's password again, because initdb derived its key without THROW_AWAY's settings. */
async function setPasswordAgain(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`ALTER ROLE postgres PASSWORD ${pg.escapeLiteral(decodeURIComponent(new URL(url).password))}`);
  await client.end();
}

async function makeTemplate(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: await createDatabase(url, TEMPLATE), max: 1 });
  try {
    for (const set of MIGRATION_SETS) await migrate(pool, set.dir, set);
  } finally {
    await pool.end();
  }
}

/** Seeds one template for some fifty tests that start the product, because each start would otherwise insert the same data. */
async function makeSeeded(url: string): Promise<void> {
  const DATABASE_URL = await createDatabase(url, `${SEEDED} TEMPLATE ${TEMPLATE}`);
  const HOOKGRAPH_ENCRYPTION_KEYS = randomBytes(32).toString('base64');
  await run(['migrate', '--sample-data'], { DATABASE_URL, HOOKGRAPH_ENCRYPTION_KEYS, HOOKGRAPH_ADMIN_TOKEN: SEEDED_TOKEN });
  // Deletes the encryption keys, because each process that starts on a copy of this database has its own.
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  await client.query('DELETE FROM hookgraph.encryption_keys');
  await client.end();
}

async function createDatabase(server: string, named: string): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`CREATE DATABASE ${named}`);
  await client.end();
  const address = new URL(server);
  address.pathname = `/${named.split(' ')[0]}`;
  return address.href;
}
