// `npm run drift`: checks on a temporary Postgres that both sets of migrations create exactly what their Prisma schemas describe.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openPool } from '../src/runtime/database.js';
import { createLog } from '../src/runtime/log.js';
import { migrate } from '../src/runtime/migrate.js';
import { MIGRATION_SETS } from '../src/runtime/migration-sets.js';
import { startEmbeddedPostgres } from '../src/runtime/postgres/embedded-postgres.js';

const root = resolve(import.meta.dirname, '..');
const dir = await mkdtemp(join(tmpdir(), 'hookgraph-drift-'));
const postgres = await startEmbeddedPostgres({ dataDir: dir, settings: { fsync: 'off' } });
try {
  const pool = openPool(postgres.url, { log: createLog('warn') });
  for (const set of MIGRATION_SETS) await migrate(pool, set.dir, set);
  // Drops partitions that have partitions themselves, because Prisma takes each for a separate table.
  await pool.query(`DO $$ DECLARE parts text := (SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE relispartition AND relkind = 'p'); BEGIN IF parts IS NOT NULL THEN EXECUTE 'DROP TABLE ' || parts; END IF; END $$`);
  await pool.end();
  for (const set of ['nodes', 'webhooks']) if (!(await isInStep(set))) process.exitCode = 1;
} finally {
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
}

async function isInStep(set: string): Promise<boolean> {
  const written = await readFile(join(root, 'prisma', set, 'schema.prisma'), 'utf8');
  // Replaces dbgenerated(), by which the schema lets the database set these times, because Prisma introspects the same default as now().
  const schema = join(dir, `${set}.prisma`);
  await writeFile(schema, written.replaceAll('dbgenerated("now()")', 'now()'));
  const config = ['--config', join(root, `prisma.config.${set}.ts`)];
  const diff = ['migrate', 'diff', ...config, '--from-config-datasource', '--to-schema', schema, '--exit-code', '--script'];
  const engine = join(root, 'scripts/schema-engine.mjs');
  const env = { ...process.env, DATABASE_URL: postgres.url, PRISMA_SCHEMA_ENGINE_BINARY: engine, PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules/prisma/build/index.js'), ...diff], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (status === 0) console.log(`prisma/${set}: the migrations create what the schema describes`);
  else console.error(`prisma/${set}: these statements are missing from the migrations:\n${stdout}${status === 2 ? '' : stderr}`);
  return status === 0;
}
