// Reads nodes by plain SQL: hands resolvers a read-only pool with the limits of stored queries.
import pg, { type Pool } from 'pg';
import type { Logger } from 'pino';
import type { OpenOptions, OpenSource, Reading, Source } from './source.js';

export interface PoolReader {
  /**
   * Read-only; each statement waits for its tenant's turn and ends at the time limit. `connect()` answers a stand-in for a client, so that
   * query builders work; a transaction needs a connection of its own and is refused.
   */
  pool: Pool;
}

export const poolSource: Source<PoolReader> = { models: [], open };

function open(options: OpenOptions): OpenSource<PoolReader> {
  const pool = openReadOnlyPool(options);
  return {
    pool,
    plain: { pool },
    reader: ({ reading }) => ({ pool: limitedPool(pool, reading) }),
    faultOf: () => null,
    close: () => pool.end(),
  };
}

/**
 * Connections that can't write, give up on a statement after `queryTimeoutMs`, and before that on a lock that somebody else holds,
 * so that waiting can be told from working for too long.
 */
export function openReadOnlyPool({ connection, log, connections, queryTimeoutMs }: OpenOptions): Pool {
  const lockTimeoutMs = Math.ceil(queryTimeoutMs / 2);
  const options = `-c TimeZone=UTC -c DateStyle=ISO -c default_transaction_read_only=on -c statement_timeout=${queryTimeoutMs} -c lock_timeout=${lockTimeoutMs}`;
  const pool = new pg.Pool({ ...connection, application_name: 'hookgraph queries', max: connections, options });
  surviveBrokenConnections(pool, log);
  return pool;
}

/** A connection that breaks is replaced at the next query; without listeners its error would end the process. */
export function surviveBrokenConnections(pool: Pool, log: Logger): void {
  const onBroken = (error: Error) => log.warn({ error }, 'a database connection broke');
  pool.on('error', onBroken);
  // The pool listens to idle connections only.
  pool.on('connect', (client) => client.on('error', onBroken));
}

export function limitedPool(pool: Pool, reading: Reading): Pool {
  const query = (...args: unknown[]) => {
    const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text?: string } | undefined)?.text;
    if (/^\s*(begin|start\s+transaction|commit|rollback|savepoint)\b/i.test(text ?? ''))
      return Promise.reject(new Error('A stored query reads without a transaction of its own.'));
    return reading(() => (pool.query as (...args: unknown[]) => Promise<unknown>)(...args));
  };
  const connect = async () => ({ query, release() {}, on() {}, off() {}, removeListener() {} });
  return { query, connect, options: pool.options } as unknown as Pool;
}
