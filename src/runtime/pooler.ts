// Detects a pooler such as pgbouncer between this process and Postgres, behind which sessions don't keep settings and locks.
// Takes advisory locks with or without a pooler.
import pg from 'pg';
import { closeNow } from './connections/close-now.js';

interface Known {
  answer: Promise<boolean>;
  isPooled?: boolean;
}

/** Maximum milliseconds for opening the separate connection of the check, and again for its answer. */
const ANSWER_WITHIN_MS = 5_000;

/** Maps the options object of a pool, which the pool's wrappers share, to the result of the check. */
const known = new WeakMap<object, Known>();

/**
 * Whether a pooler is in front of Postgres. Checks once for each pool, on a separate connection. A pooler in session mode
 * counts, too.
 */
export function isPooled(pool: pg.Pool): Promise<boolean> {
  const { options } = pool;
  const found = known.get(options);
  if (found) return found.answer;
  const entry: Known = {
    answer: detectPooler(pool).then(
      (answer) => {
        entry.isPooled = answer;
        return answer;
      },
      (error) => {
        // A failed check is repeated by the next caller.
        known.delete(options);
        throw error;
      },
    ),
  };
  known.set(options, entry);
  return entry.answer;
}

/** Returns the result of `isPooled` if its check has finished; else `undefined`. */
export const isPooledNow = (pool: pg.Pool): boolean | undefined => known.get(pool.options)?.isPooled;

/**
 * Compares the process id of a connection with `pg_backend_pid()`. They differ behind a pooler, which sends its clients
 * an invented process id to route cancel requests.
 */
async function detectPooler(pool: pg.Pool): Promise<boolean> {
  const { Client = pg.Client } = pool as unknown as { Client?: typeof pg.Client };
  const client = new Client({
    ...pool.options,
    password: pool.options.password,
    connectionTimeoutMillis: ANSWER_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { processID } = client as unknown as { processID?: number | null };
    const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    return typeof processID === 'number' && processID !== rows[0]?.pid;
  } finally {
    closeNow(client);
  }
}

/**
 * Runs `work` with a connection while holding an advisory lock. Behind a pooler, a transaction on a second connection
 * holds the lock, because the pooler may give the session that holds a session lock to another client.
 * @param key an SQL expression of type bigint
 * @returns `null` when `wait` is false and another session has the lock
 */
export async function withAdvisoryLock<T>(
  pool: pg.Pool,
  key: string,
  work: (client: pg.PoolClient) => Promise<T>,
  { wait = true } = {},
): Promise<T | null> {
  const pooled = await isPooled(pool);
  const holder = await pool.connect();
  let isFree = false;
  try {
    await holder.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0');
    const take = `pg_${wait ? '' : 'try_'}advisory_${pooled ? 'xact_' : ''}lock(${key})`;
    const { rows } = await holder.query(`SELECT ${take} AS taken`);
    if (!pooled) await holder.query('COMMIT');
    if (!wait && !rows[0].taken) {
      if (pooled) await holder.query('ROLLBACK');
      isFree = true;
      return null;
    }
    try {
      return pooled ? await onAnother(pool, work) : await work(holder);
    } finally {
      isFree = await holder.query(pooled ? 'ROLLBACK' : `SELECT pg_advisory_unlock(${key})`).then(
        () => true,
        () => false,
      );
    }
  } finally {
    // A session that can't unlock is closed, which frees its lock.
    holder.release(!isFree);
  }
}

async function onAnother<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failed = true;
  try {
    const result = await work(client);
    failed = false;
    return result;
  } finally {
    client.release(failed);
  }
}
