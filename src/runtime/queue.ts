// Starts graphile-worker (a job queue with cron) for maintenance tasks. Deliveries have a separate queue.
import { setTimeout as wait } from 'node:timers/promises';
import { Logger as GraphileLogger, run, type TaskList } from 'graphile-worker';
import type { Pool, PoolClient } from 'pg';
import { isUnreachable, logFailure } from './failure-log.js';
import { overriding } from './local-pool.js';
import type { Logger } from './logger.js';
import { isPooled } from './pooler.js';
import { schemaOf } from './schema-name.js';

export interface QueueOptions {
  pool: Pool;
  log: Logger;
  tasks: TaskList;
  /** Lines in graphile-worker's crontab format, each with the name of a task. */
  crontab: string;
  /** Maximum number of jobs at once. Default: 2. */
  concurrency?: number;
}

export interface Queue {
  /** Stops taking jobs, and resolves when the running jobs have finished. */
  stop(): Promise<void>;
}

/**
 * Returns the schema of Hookgraph's graphile-worker. It is separate, so that the host may use any version of
 * graphile-worker for its own jobs.
 */
export const workerSchema = (pool: Pool): string => `${schemaOf(pool)}_worker`;

const LEVELS = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;

export async function startQueue({ pool, log, tasks, crontab, concurrency = 2 }: QueueOptions): Promise<Queue> {
  const logger = new GraphileLogger(() => (level, message, meta) => {
    if (isUnreachable(meta?.error)) logFailure(log, meta?.error, 'the queue of maintenance tasks failed; retrying', { level: 'warn' });
    else log[LEVELS[level]](message);
  });
  const noPreparedStatements = await isPooled(pool);
  const schema = workerSchema(pool);
  let stopped = false;
  const runner = await run({
    pgPool: patientPool(pool, log, () => stopped),
    schema,
    logger,
    taskList: tasks,
    crontab,
    concurrency,
    noPreparedStatements,
    // The command line handles signals, because it stops all parts in order.
    noHandleSignals: true,
  });
  const ended = () => {
    stopped = true;
  };
  runner.promise.then(ended, (error) => {
    ended();
    logFailure(log, error, 'the queue of maintenance tasks ended with an error', { level: 'warn' });
  });
  return {
    stop: async () => {
      if (!stopped) await runner.stop();
    },
  };
}

type Statement = [first: unknown, values?: unknown[], ...rest: unknown[]];
type Query = (...statement: [string]) => Promise<unknown>;

/** Matches the statements by which graphile-worker records that a job has ended. */
const ENDING = /^(?:with j as \(\s*)?(?:delete from \S+_private_jobs|update \S+_private_jobs as jobs\s+set\s+last_error)/;
/** Milliseconds between two tries of such a statement. */
const PAUSE_MS = { first: 1000, most: 30_000 };

/**
 * Returns a pool for graphile-worker with two differences.
 *
 * Its LISTEN and its `worker:migrate` notification are suppressed. Their channels have the same name in every schema, so one
 * installation's migration would end the workers of all other installations on the database. Jobs are polled and need no notifications.
 *
 * The statement that records the end of a job is tried until it succeeds. graphile-worker 0.17 doesn't wait for it, so its failure would be
 * an unhandled rejection, which ends the process. It may run twice.
 */
function patientPool(pool: Pool, log: Logger, isStopped: () => boolean): Pool {
  const ending = async (query: Query, statement: Statement, release: (error: Error) => void): Promise<unknown> => {
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most), query = (...one) => pool.query(...one))
      try {
        return await query(...(statement as [string]));
      } catch (error) {
        // A job whose end isn't recorded runs again.
        if (isStopped()) return { rows: [], rowCount: 0 };
        // The next try may need the pool's only connection.
        release(error as Error);
        logFailure(log, error, 'could not record the end of a maintenance task; retrying', { level: 'warn' });
        await wait(pauseMs, undefined, { ref: false });
      }
  };
  const patient = (query: Query, release: (error: Error) => void = () => {}) => ({
    query(...statement: Statement): unknown {
      const [first, values] = statement;
      if (typeof first === 'string' && (/^\s*(un)?listen\b/i.test(first) || values?.[0] === 'worker:migrate'))
        return Promise.resolve({ rows: [] });
      return ENDING.test((first as { text?: string } | null)?.text ?? '')
        ? ending(query, statement, release)
        : query(...(statement as [string]));
    },
  });
  const open = async (): Promise<PoolClient> => {
    const client = await pool.connect();
    let isReleased = false;
    const release = (error?: Error | boolean) => {
      if (!isReleased) client.release(error);
      isReleased = true;
    };
    const query: Query = (...statement) => client.query(...statement);
    return overriding(client, { ...patient(query, release), release });
  };
  // Without a connection, too, the statement decides whether its failure may reach the caller.
  const unconnected = (error: unknown) => ({ ...patient(() => Promise.reject(error)), release() {} }) as unknown as PoolClient;
  const connect = (done?: (error: unknown, client?: PoolClient, release?: PoolClient['release']) => void) => {
    if (!done) return open().catch(unconnected);
    open().then((client) => done(null, client, (error) => client.release(error)), done);
  };
  return overriding(pool, { connect });
}
