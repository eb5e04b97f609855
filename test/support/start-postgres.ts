// Starts a temporary Postgres for Vitest's global set-up, with a migrated and a seeded template database.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { createApp } from '../../src/cli/app.js';
import { readConfig } from '../../src/runtime/config.js';
import { migrate } from '../../src/runtime/migrate.js';
import { MIGRATION_SETS } from '../../src/runtime/migration-sets.js';
import { startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';
import { SEEDED, SEEDED_TOKEN, TEMPLATE } from './database.js';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string;
  }
}

/** Settings for data that needn't survive the run, so that Postgres doesn't wait for the disk. */
const THROW_AWAY = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  max_prepared_transactions: '4',
  wal_level: 'logical',
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir, settings: THROW_AWAY });
  const tearDown = async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await makeTemplate(postgres.url);
    // A checkout without the sample product still runs the other tests.
    if (existsSync(new URL('../../src/sample', import.meta.url))) await makeSeeded(postgres.url);
  } catch (error) {
    await tearDown();
    throw error;
  }
  project.provide('postgresUrl', postgres.url);
  return tearDown;
}

async function makeTemplate(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: await createDatabase(url, TEMPLATE), max: 1 });
  try {
    for (const set of MIGRATION_SETS) await migrate(pool, set.dir, set);
  } finally {
    await pool.end();
  }
}

/** Seeds one template for some fifty tests that start the product, because each start would insert the same data. */
async function makeSeeded(url: string): Promise<void> {
  const databaseUrl = await createDatabase(url, `${SEEDED} TEMPLATE ${TEMPLATE}`);
  const config = readConfig({ DATABASE_URL: databaseUrl, HOOKGRAPH_ADMIN_TOKEN: SEEDED_TOKEN });
  const app = await createApp({ config, databaseUrl, keys: [randomBytes(32)], log: pino({ level: 'silent' }) });
  await app.prepare();
  await app.seed();
  // Each product that starts on a clone has its own keys.
  await app.pool.query('DELETE FROM hookgraph.encryption_keys');
  await app.close();
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
