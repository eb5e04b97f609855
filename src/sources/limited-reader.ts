// Opens read-only connections, and limits each execution of a stored query to its tenant's share of them and to a total
// time.
import { GraphQLError } from 'graphql';
import type pg from 'pg';
import type { Pool, PoolConfig } from 'pg';
import { openPool, type PoolOptions, SESSION } from '../runtime/database.js';
import { createStopwatch, type Execution } from '../runtime/fair-share.js';
import { QUERY_TOO_SLOW } from '../runtime/time-limit.js';
import { isCancelled } from './faults.js';

export interface ReaderLimits {
  execution: Execution;
  /** Maximum total database time of all SQL statements of one stored-query execution, in milliseconds. */
  timeoutMs: number;
}

/**
 * Runs `work`, which reads from the database, within the limits of one stored-query execution.
 * @param needs `connections` that `work` takes, default 1. Calls with the same `key` in the same tick share them.
 */
export type Reading = <T>(work: () => Promise<T>, needs?: { connections?: number; key?: string | null }) => Promise<T>;

/**
 * Returns the function that runs the statements of one stored-query execution. Once these have taken more than `timeoutMs`
 * in total, it runs no further statements and throws a GraphQLError, which the query's author sees.
 */
export function startReading({ execution, timeoutMs }: ReaderLimits): Reading {
  // Measures database time only, because a busy process isn't the query's fault.
  const reads = createStopwatch();
  let tooLong: GraphQLError | null = null;
  const check = () => {
    if (reads.ms() > timeoutMs) tooLong ??= tooSlow(`The query took longer than ${timeoutMs} ms, which is the limit`);
    if (tooLong) throw tooLong;
  };
  return async (work, needs) => {
    try {
      return await execution.run(() => {
        check();
        return reads.during(work());
      }, needs);
    } catch (error) {
      if (isCancelled(error)) tooLong ??= tooSlow(`The database cancelled the query after ${timeoutMs} ms, which is the limit`);
      throw tooLong ?? error;
    }
  };
}

const tooSlow = (message: string) => new GraphQLError(message, { extensions: { code: QUERY_TOO_SLOW } });

/**
 * Returns a pool whose statements wait until the tenant uses less than its fair share of connections, so that one tenant
 * can't occupy them all. `connect()` returns no single connection, but an object with the methods that query builders need,
 * which runs its statements on the pool. So transactions are refused.
 */
export function limitedReaderPool(pool: Pool, reading: Reading): Pool {
  const query = (...args: unknown[]) => {
    const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text?: string } | undefined)?.text;
    if (/^\s*(begin|start\s+transaction|commit|rollback|savepoint)\b/i.test(text ?? ''))
      return Promise.reject(new Error('A resolver tried to open a transaction, which stored queries may not do.'));
    return reading(() => (pool.query as (...args: unknown[]) => Promise<unknown>)(...args));
  };
  const connect = async () => ({ query, release() {}, on() {}, off() {}, removeListener() {} });
  return { query, connect, options: pool.options } as unknown as Pool;
}

/**
 * Opens a pool whose transactions are read-only. Postgres cancels a statement after `statementTimeoutMs`, and a wait for a
 * lock after half of that, so that a blocked statement fails with another error than a slow one.
 * @param role the Postgres role for reading, when the URL's user has more rights than a stored query should have
 */
export function openReadOnlyPool(
  connection: string | PoolConfig,
  {
    log,
    max = 10,
    statementTimeoutMs,
    role,
    silenceMs,
  }: Pick<PoolOptions, 'log' | 'max' | 'silenceMs'> & { statementTimeoutMs: number; role?: string },
): pg.Pool {
  const settings = {
    ...SESSION,
    default_transaction_read_only: 'on',
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(Math.ceil(statementTimeoutMs / 2)),
    ...(role !== undefined && { role }),
  };
  return openPool(connection, { log, name: 'hookgraph queries', max, settings, silenceMs, isReader: true });
}
