// Opens connections that can't write, and limits what one execution reads on them: in its tenant's share, and not for ever.
import { GraphQLError } from 'graphql';
import type pg from 'pg';
import type { Pool, PoolConfig } from 'pg';
import { openPool, type PoolOptions, SESSION } from '../runtime/database.js';
import { createStopwatch, type Visit } from '../runtime/fair-share.js';
import { isCancelled } from './faults.js';

export interface Fence {
  visit: Visit;
  /** What the statements of one execution may take in all. */
  timeoutMs: number;
}

export type Reading = <T>(work: () => Promise<T>, needs?: { connections?: number; key?: string | null }) => Promise<T>;

/** Statements of one execution; what takes too long is this query's mistake, told as such, and the rest of it isn't tried. */
export function startReading({ visit, timeoutMs }: Fence): Reading {
  // Of the database alone: how busy this process is, is nobody's mistake.
  const reads = createStopwatch();
  let tooLong: GraphQLError | null = null;
  const check = () => {
    if (reads.ms() > timeoutMs) tooLong ??= new GraphQLError(`The query took longer than ${timeoutMs} ms, which is the limit`);
    if (tooLong) throw tooLong;
  };
  return async (work, needs) => {
    try {
      return await visit.run(() => {
        check();
        return reads.during(work());
      }, needs);
    } catch (error) {
      if (isCancelled(error)) tooLong ??= new GraphQLError(`The database gave up on the query after ${timeoutMs} ms, which is the limit`);
      throw tooLong ?? error;
    }
  };
}

/**
 * A pool whose statements wait for their tenant's turn. `connect()` answers a stand-in for a client, so that query builders work;
 * a transaction needs a connection of its own and is refused.
 */
export function fencedPool(pool: Pool, reading: Reading): Pool {
  const query = (...args: unknown[]) => {
    const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text?: string } | undefined)?.text;
    if (/^\s*(begin|start\s+transaction|commit|rollback|savepoint)\b/i.test(text ?? ''))
      return Promise.reject(new Error('A stored query reads without a transaction of its own.'));
    return reading(() => (pool.query as (...args: unknown[]) => Promise<unknown>)(...args));
  };
  const connect = async () => ({ query, release() {}, on() {}, off() {}, removeListener() {} });
  return { query, connect, options: pool.options } as unknown as Pool;
}

/**
 * Its connections can't write, give up on a statement after `statementTimeoutMs`, and before that on a lock that somebody else holds:
 * so that what waits is told from what works for too long. Any transaction on it is read-only too.
 * @param role as whom its sessions read, where the user of the URL has more rights than a stored query should
 */
export function openReadOnlyPool(
  connection: string | PoolConfig,
  { log, max = 10, statementTimeoutMs, role }: Pick<PoolOptions, 'log' | 'max'> & { statementTimeoutMs: number; role?: string },
): pg.Pool {
  const settings = {
    ...SESSION,
    default_transaction_read_only: 'on',
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(Math.ceil(statementTimeoutMs / 2)),
    ...(role !== undefined && { role }),
  };
  return openPool(connection, { log, name: 'hookgraph queries', max, settings });
}
