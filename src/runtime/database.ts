// A Postgres URL in, connections out: a plain pool, and Prisma clients of the domain.
import pg from 'pg';
import type { Logger } from 'pino';
import { PrismaClient } from '../generated/nodes/client.js';
import { ExactPg } from './exact-adapter.js';
import { RuntimeError } from './runtime-error.js';

export interface PoolOptions {
  log: Logger;
  /** Shown in pg_stat_activity. */
  name?: string;
  /** Greatest number of connections. */
  max?: number;
  /** Settings of each session, as the command line of Postgres takes them. */
  options?: string;
  /** So long a connection is waited for; else as long as it takes. */
  connectWithinMs?: number;
}

export function openPool(url: string, { log, name = 'hookgraph', max = 20, options, connectWithinMs }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max,
    ...(options && { options }),
    ...(connectWithinMs !== undefined && { connectionTimeoutMillis: connectWithinMs }),
  });
  // A connection that breaks is replaced at the next query; without listeners it would end the process.
  const onBroken = (error: Error) => log.warn({ error }, 'a database connection broke');
  pool.on('error', onBroken);
  // The pool listens to idle ones only.
  pool.on('connect', (client) => client.on('error', onBroken));
  return pool;
}

/** By a URL it opens connections of its own; a pool stays its opener's to end. */
export function openPrisma(database: string | pg.Pool): PrismaClient {
  const own = typeof database === 'string' ? { connectionString: database, application_name: 'hookgraph prisma' } : database;
  return new PrismaClient({ adapter: new ExactPg(own) });
}

/** In UTC, because Prisma writes moments without their zone. Money in a notation that is the same everywhere. */
const SESSION = '-c TimeZone=UTC -c DateStyle=ISO -c lc_monetary=C';

/** Greatest number of connections on which the domain is read and written. */
const WRITER_CONNECTIONS = 10;

/**
 * For the domain: apart from the engine's, so that writes that wait for each other stop no delivery. A statement has 15 s, a connection
 * is waited for 5 s.
 */
export function openWriter(url: string, log: Logger): pg.Pool {
  const options = `${SESSION} -c statement_timeout=15000`;
  return openPool(url, { log, name: 'hookgraph prisma', max: WRITER_CONNECTIONS, options, connectWithinMs: 5_000 });
}

export interface Reader {
  prisma: PrismaClient;
  /** Its connections, which `prisma` uses as well. */
  pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * Its connections can't write, give up on a statement after `statementTimeoutMs`, and before that on a lock that somebody else holds:
 * so that what waits is told from what works for too long. Any transaction on it is read-only too.
 */
export function openReader(url: string, { log, max = 10, statementTimeoutMs }: PoolOptions & { statementTimeoutMs: number }): Reader {
  const lockTimeoutMs = Math.ceil(statementTimeoutMs / 2);
  const options = `${SESSION} -c default_transaction_read_only=on -c statement_timeout=${statementTimeoutMs} -c lock_timeout=${lockTimeoutMs}`;
  const pool = openPool(url, { log, name: 'hookgraph queries', max, options });
  const prisma = openPrisma(pool);
  return {
    prisma,
    pool,
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

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
