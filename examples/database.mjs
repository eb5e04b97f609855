// Provides Postgres for an example: the database of DATABASE_URL, else a temporary one. Sets DATABASE_URL and the encryption key.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from 'hookgraph/embedded-postgres';
import pg from 'pg';

/**
 * Runs the SQL files in an empty database.
 * @param {...URL} files
 */
export async function prepareDatabase(...files) {
  let stop = async () => {};
  if (!process.env.DATABASE_URL) {
    const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-example-'));
    const postgres = await startEmbeddedPostgres({ dataDir });
    process.env.DATABASE_URL = postgres.url;
    stop = async () => {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    };
  }
  process.env.HOOKGRAPH_ENCRYPTION_KEYS ??= randomBytes(32).toString('base64');
  process.env.ALLOWED_NETWORKS ??= '127.0.0.0/8';
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  const { rows } = await client.query(`SELECT count(*)::int AS count FROM pg_tables WHERE schemaname = 'public'`);
  if (rows[0].count === 0) for (const file of files) await client.query(await readFile(file, 'utf8'));
  await client.end();
  return stop;
}
