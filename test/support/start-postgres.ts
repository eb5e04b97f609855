// Vitest's global set-up: nothing in, a throw-away Postgres with the migrated template database out.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.js';
import { migrate } from '../../src/runtime/migrate.js';
import { ROOMS } from '../../src/runtime/rooms.js';
import { TEMPLATE } from './database.js';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string;
  }
}

/** Nothing here outlives the run, so nothing waits for a disk. */
const THROW_AWAY = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  max_prepared_transactions: '4',
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
  } catch (error) {
    await tearDown();
    throw error;
  }
  project.provide('postgresUrl', postgres.url);
  return tearDown;
}

async function makeTemplate(url: string): Promise<void> {
  const server = new pg.Client({ connectionString: url });
  await server.connect();
  await server.query(`CREATE DATABASE ${TEMPLATE}`);
  await server.end();
  const template = new URL(url);
  template.pathname = `/${TEMPLATE}`;
  const pool = new pg.Pool({ connectionString: template.href, max: 1 });
  try {
    for (const room of ROOMS) await migrate(pool, room.dir, room);
  } finally {
    await pool.end();
  }
}
