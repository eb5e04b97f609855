// Opens pools of connections to a Postgres URL, and checks what answers there.
import pg from 'pg';
import { type LocalOptions, localPool } from './local-pool.js';
import type { Logger } from './logger.js';
import { RuntimeError } from './runtime-error.js';

export interface PoolOptions extends LocalOptions {
  log: Logger;
  /** Shown in pg_stat_activity. */
  name?: string;
  /** Greatest number of connections. */
  max?: number;
}

export function openPool(connection: string | pg.PoolConfig, { log, name = 'hookgraph', max = 20, ...local }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    // A pool hides its password, which must be copied by name.
    ...(typeof connection === 'string' ? { connectionString: connection } : { ...connection, password: connection.password }),
    application_name: name,
    max,
  });
  logBroken(pool, log);
  return localPool(pool, local);
}

/**
 * Logs connections that break. They are replaced at the next query, but without listeners they would end the process.
 * Answers what takes the listeners off.
 */
export function logBroken(pool: pg.Pool, log: Logger): () => void {
  const onBroken = (error: Error) => {
    // A server that stops right after the pool says so to connections that are closing.
    if (!pool.ending) log.warn({ error }, 'a database connection broke');
  };
  // The pool listens to idle ones only.
  const onConnect = (client: pg.PoolClient) => void client.on('error', onBroken);
  pool.on('error', onBroken).on('connect', onConnect);
  return () => void pool.off('error', onBroken).off('connect', onConnect);
}

/** In UTC, because Prisma writes moments without their zone. Money in a notation that is the same everywhere. */
export const SESSION = { TimeZone: 'UTC', DateStyle: 'ISO', lc_monetary: 'C' };

/** Where pg would connect, whatever notation says so; null: a Unix socket. */
export function databaseEndpoint(url: string): { host: string; port: number } | null {
  const { host, port } = new pg.Client({ connectionString: url });
  return host.startsWith('/') ? null : { host, port };
}

const OLDEST_VERSION = 15;

/** Throws a RuntimeError, which names no password, where nothing answers or what answers is too old. */
export async function checkDatabase(url: string): Promise<void> {
  const { host, pathname } = new URL(url);
  const name = `The database ${host}${pathname}`;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('SHOW server_version_num');
    const version = Math.floor(Number(rows[0].server_version_num) / 10_000);
    if (version < OLDEST_VERSION)
      throw new RuntimeError('DATABASE_TOO_OLD', `${name} is Postgres ${version}`, `Hookgraph needs ${OLDEST_VERSION} or newer.`);
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause;
    const said = cause instanceof AggregateError ? String(cause.errors[0]?.message) : (cause as Error).message;
    throw new RuntimeError('DATABASE_UNREACHABLE', `${name} can't be used: ${said}`, 'Check DATABASE_URL.', { cause });
  } finally {
    await client.end().catch(() => {});
  }
}
