// Finds out whether a pooler such as pgbouncer stands between us and Postgres, where a session's state doesn't last.
import pg from 'pg';

interface Known {
  answer: Promise<boolean>;
  isPooled?: boolean;
}

/** By a pool's options, which a wrapper of the pool shares with it. */
const known = new WeakMap<object, Known>();

/** Asked once for each pool, on a connection of its own, which has no settings yet. A pooler in session mode counts as a pooler, too. */
export function isPooled(pool: pg.Pool): Promise<boolean> {
  const { options } = pool;
  const found = known.get(options);
  if (found) return found.answer;
  const asked: Known = {
    answer: ask(pool).then(
      (answer) => {
        asked.isPooled = answer;
        return answer;
      },
      (error) => {
        // Asked again by whoever comes next.
        known.delete(options);
        throw error;
      },
    ),
  };
  known.set(options, asked);
  return asked.answer;
}

/** The same where it is known already; `undefined` before. */
export const isPooledNow = (pool: pg.Pool): boolean | undefined => known.get(pool.options)?.isPooled;

/** A pooler makes up the process id that it tells its clients, so that it can route their cancel requests. */
async function ask(pool: pg.Pool): Promise<boolean> {
  const { Client = pg.Client } = pool as unknown as { Client?: typeof pg.Client };
  const client = new Client(pool.options);
  client.on('error', () => {});
  try {
    await client.connect();
    const { processID } = client as unknown as { processID?: number | null };
    const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    return typeof processID === 'number' && processID !== rows[0]?.pid;
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Does `work` while nobody else has the lock, on a connection that it may use. Through a pooler, a transaction holds the lock on a
 * connection of its own, because a session's lock would stay with a session of somebody else.
 * @param key an SQL expression of type bigint
 * @returns `null` when `wait` is false and somebody else has the lock
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
    if (pooled) await holder.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0');
    const take = `pg_${wait ? '' : 'try_'}advisory_${pooled ? 'xact_' : ''}lock(${key})`;
    const { rows } = await holder.query(`SELECT ${take} AS taken`);
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
    // A session that can't unlock is closed, and its lock is free.
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
