// Applies a folder of Prisma migrations, and records them in the same table as `prisma migrate deploy`.
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { BEGIN, LOCK_TIMEOUT_MS, type LockRetries, retryLocked } from './lock-retries.js';
import { withAdvisoryLock } from './pooler.js';
import { RuntimeError } from './runtime-error.js';
import { localSql } from './schema-name.js';

export interface MigrateOptions {
  /** The Postgres schema of the table `_prisma_migrations`; also the search_path of the migrations. */
  schema: string;
  /** Called after each applied migration. */
  onApplied?: (name: string) => void;
  /** Maximum time to wait for the locks of one migration, in milliseconds. */
  giveUpMs?: number;
}

interface LedgerRow {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/**
 * Key of the advisory lock that Prisma's schema engine takes, so that Hookgraph and Prisma never migrate at the same
 * time.
 */
const LOCK = 72707369;

const LEDGER_COLUMNS = `id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
  logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0`;

/**
 * Applies the missing migrations in the order of their names, and returns these names. A concurrent call waits until this
 * one has ended.
 */
export async function migrate(pool: pg.Pool, dir: string, options: MigrateOptions): Promise<string[]> {
  const done = await withAdvisoryLock(pool, String(LOCK), async (client) => {
    const schema = pg.escapeIdentifier(options.schema);
    const ledger = `${schema}._prisma_migrations`;
    // CREATE … IF NOT EXISTS alone would require the right to create objects at every start, and print a notice each time.
    const { rows: found } = await client.query('SELECT to_regclass($1) IS NOT NULL AS present', [ledger]);
    if (!found[0].present) await client.query(createLedgerSql(options.schema));
    const { rows } = await client.query<LedgerRow>(
      `SELECT migration_name, checksum, finished_at FROM ${ledger} WHERE rolled_back_at IS NULL`,
    );
    const applied = new Map(rows.map((row) => [row.migration_name, row]));
    const done: string[] = [];
    for (const name of await listMigrations(dir)) {
      const sql = await readFile(join(dir, name, 'migration.sql'), 'utf8');
      const checksum = checksumOf(sql);
      const row = applied.get(name);
      if (row) {
        refuseUnlessSame(row, checksum);
        continue;
      }
      const retries: LockRetries = { ...(options.giveUpMs !== undefined && { giveUpMs: options.giveUpMs }), refuse: refuseBlocked(name) };
      const lock = { mode: 'AccessExclusive', on: { schema } } as const;
      // The application's transactions write to Hookgraph's tables through triggers. They would queue behind a migration
      // that waits long for a lock, so each try waits only briefly.
      await retryLocked(client, lock, retries, () => apply(client, { name, sql, checksum, schema, ledger }));
      options.onApplied?.(name);
      done.push(name);
    }
    return done;
  });
  return done ?? [];
}

/**
 * Returns the name and SQL of each migration that `migrate` would run; the SQL also inserts the migration's row into
 * `_prisma_migrations`. Needs only read access.
 */
export async function planMigrations(pool: pg.Pool, dir: string, schema: string): Promise<{ name: string; sql: string }[]> {
  const names = await listPendingMigrations(pool, dir, schema);
  const ledger = `${pg.escapeIdentifier(schema)}._prisma_migrations`;
  const { rows: found } = await pool.query('SELECT to_regclass($1) IS NOT NULL AS present', [ledger]);
  return Promise.all(
    names.map(async (name, at) => {
      const text = await readFile(join(dir, name, 'migration.sql'), 'utf8');
      const values = [randomUUID(), checksumOf(text), name].map((value) => pg.escapeLiteral(value));
      const row = values.reduce((sql, value, index) => sql.replace(`$${index + 1}`, () => value), recordSql(ledger));
      const first = at === 0 && !found[0].present ? `${createLedgerSql(schema)};\n` : '';
      return {
        name,
        sql: `${first}BEGIN;\nSET LOCAL search_path = ${pg.escapeIdentifier(schema)};\n${localSql(text.trim(), schema)}\n${row};\nCOMMIT`,
      };
    }),
  );
}

const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const createLedgerSql = (schema: string): string => {
  const name = pg.escapeIdentifier(schema);
  return `CREATE SCHEMA IF NOT EXISTS ${name}; CREATE TABLE ${name}._prisma_migrations (${LEDGER_COLUMNS})`;
};

/** Returns the INSERT of a migration's row. Its parameters are id, checksum and name. */
const recordSql = (ledger: string): string =>
  `INSERT INTO ${ledger} (id, checksum, migration_name, started_at, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`;

/** Returns the names of the migrations that `migrate` would apply. Needs only read access. */
export async function listPendingMigrations(pool: pg.Pool, dir: string, schema: string): Promise<string[]> {
  const applied = await readApplied(pool, schema);
  return (await listMigrations(dir)).filter((name) => !applied.has(name));
}

/** Returns the names of applied migrations that this version doesn't have, because a newer version applied them. */
export async function listNewerMigrations(pool: pg.Pool, dir: string, schema: string): Promise<string[]> {
  const known = new Set(await listMigrations(dir));
  return [...(await readApplied(pool, schema))].filter((name) => !known.has(name));
}

async function readApplied(pool: pg.Pool, schema: string): Promise<Set<string>> {
  const ledger = `${pg.escapeIdentifier(schema)}._prisma_migrations`;
  const { rows: found } = await pool.query('SELECT to_regclass($1) IS NOT NULL AS present', [ledger]);
  if (!found[0].present) return new Set();
  const { rows } = await pool.query<LedgerRow>(
    `SELECT migration_name FROM ${ledger} WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL ORDER BY migration_name`,
  );
  return new Set(rows.map((row) => row.migration_name));
}

async function listMigrations(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function refuseUnlessSame(row: LedgerRow, checksum: string): void {
  const name = row.migration_name;
  if (!row.finished_at)
    throw new RuntimeError(
      'MIGRATION_UNFINISHED',
      `\`prisma migrate\` began the migration ${name} and did not finish it; the column logs of _prisma_migrations has its error`,
      `Undo what it changed and run \`prisma migrate resolve --rolled-back ${name}\`, or complete it and run \`prisma migrate resolve --applied ${name}\`.`,
    );
  if (row.checksum !== checksum)
    throw new RuntimeError(
      'MIGRATION_EDITED',
      `The migration ${name} was edited after it was applied`,
      "Restore the migration's file, and put the change into a new migration.",
    );
}

// The migration and its row in `_prisma_migrations` commit together, so a killed process leaves nothing to clean up.
async function apply(
  client: pg.PoolClient,
  { name, sql, checksum, schema, ledger }: { name: string; sql: string; checksum: string; schema: string; ledger: string },
): Promise<void> {
  await client.query(BEGIN);
  try {
    await client.query(`SET LOCAL search_path = ${schema}; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = 0`);
    await client.query(sql);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    // Lock timeouts and deadlocks are retried by `retryLocked`.
    if (['55P03', '40P01'].includes(String((error as pg.DatabaseError).code))) throw error;
    throw new RuntimeError(
      'MIGRATION_FAILED',
      `The migration ${name} failed${lineOf(sql, error)}: ${(error as Error).message}`,
      undefined,
      {
        cause: error,
      },
    );
  }
  await client.query(recordSql(ledger), [randomUUID(), checksum, name]);
  await client.query('COMMIT');
}

const refuseBlocked =
  (name: string): LockRetries['refuse'] =>
  (seconds, { holders }, cause) =>
    new RuntimeError(
      'MIGRATION_BLOCKED',
      `The migration ${name} waited ${seconds} s for locks that other transactions hold, and changed nothing. ${holders}`.trim(),
      'Wait until these transactions end, or end them with `SELECT pg_terminate_backend(<pid>)`; then run `hookgraph migrate` again.',
      { cause },
    );

function lineOf(sql: string, error: unknown): string {
  const position = error instanceof pg.DatabaseError ? Number(error.position) : Number.NaN;
  return Number.isNaN(position) ? '' : ` at line ${sql.slice(0, position).split('\n').length}`;
}
