// Opens connection pools to Postgres, and checks that the database answers and is new enough.
import pg from 'pg';
import { replaceConnections, serverOf } from './connections/server.js';
import { CONNECT_MS, type WatchOptions, watchedPool } from './connections/watched-pool.js';
import { adviceOn, causeOf } from './database-url/advice.js';
import { connectionOptions, serversOf } from './database-url/connection-options.js';
import { logFailure } from './failure-log.js';
import { type LocalOptions, localPool } from './local-pool.js';
import type { Logger } from './logger.js';
import { RuntimeError } from './runtime-error.js';

export interface PoolOptions extends LocalOptions, WatchOptions {
  log: Logger;
  /** The `application_name` shown in pg_stat_activity. */
  name?: string;
  /** Maximum number of connections. */
  max?: number;
}

export function openPool(
  connection: string | pg.PoolConfig,
  { log, name = 'hookgraph', max = 20, silenceMs, isReader, ...local }: PoolOptions,
): pg.Pool {
  const pool = new pg.Pool({
    connectionTimeoutMillis: CONNECT_MS,
    // Copies the password by name: in the options of a pool it isn't enumerable, so spreading leaves it out.
    ...(typeof connection === 'string' ? connectionOptions(connection) : { ...connection, password: connection.password }),
    application_name: name,
    max,
  });
  logBroken(pool, log);
  return localPool(watchedPool(pool, { silenceMs, isReader: isReader ?? false }), local);
}

/**
 * Logs broken connections, because an unhandled error event would end the process; the pool replaces them at the next
 * query. Returns a function that removes the listeners.
 */
export function logBroken(pool: pg.Pool, log: Logger): () => void {
  const onBroken = (error: Error) => {
    // When Postgres stops right after the pool was ended, connections that are already closing report errors.
    if (pool.ending) return;
    replaceConnections(serverOf(pool));
    logFailure(log, error, 'a database connection broke; the pool replaces it', { level: 'warn' });
  };
  // The pool reports errors of idle connections only, so each connection gets a listener of its own, too.
  const onConnect = (client: pg.PoolClient) => void client.on('error', onBroken);
  pool.on('error', onBroken).on('connect', onConnect);
  return () => void pool.off('error', onBroken).off('connect', onConnect);
}

/**
 * Settings of every session. The time zone is UTC because Prisma writes timestamps without a zone. `lc_monetary` makes
 * the text of `money` independent of the server's locale.
 */
export const SESSION = { TimeZone: 'UTC', DateStyle: 'ISO', lc_monetary: 'C' };

/** The hosts and ports that a URL may connect to; leaves out Unix sockets. */
export function databaseEndpoints(url: string): { host: string; port: number }[] {
  return serversOf(url).filter(({ host }) => !host.startsWith('/'));
}

const OLDEST_VERSION = 15;
const ENCODINGS = ['UTF8', 'SQL_ASCII'];

/** Checks the database. @throws RuntimeError when it doesn't answer, is too old or can't hold any text; the message contains no password */
export async function checkDatabase(url: string): Promise<void> {
  const { Client = pg.Client, ...options } = connectionOptions(url);
  const servers = serversOf(url).map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  const name = `The database ${options.database ?? options.user} at ${servers.join(' or ')}`;
  const client = new Client({ connectionTimeoutMillis: CONNECT_MS, query_timeout: CONNECT_MS, ...options });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      "SELECT current_setting('server_version_num') AS number, current_setting('server_encoding') AS encoding",
    );
    const [{ number, encoding }] = rows;
    const version = Math.floor(Number(number) / 10_000);
    if (version < OLDEST_VERSION)
      throw new RuntimeError('DATABASE_TOO_OLD', `${name} is Postgres ${version}`, `Hookgraph needs ${OLDEST_VERSION} or newer.`);
    // SQL_ASCII stores any bytes. Other encodings would refuse bodies and responses with characters that they lack.
    if (!ENCODINGS.includes(encoding))
      throw new RuntimeError(
        'DATABASE_ENCODING',
        `${name} has the encoding ${encoding}, which can't hold every text`,
        'Create it with ENCODING UTF8, or move it there by dump and restore.',
      );
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause;
    const hint = adviceOn(cause) ?? 'Check DATABASE_URL.';
    throw new RuntimeError('DATABASE_UNREACHABLE', `${name} can't be used: ${causeOf(cause).message}`, hint, { cause });
  } finally {
    await client.end().catch(() => {});
  }
}
