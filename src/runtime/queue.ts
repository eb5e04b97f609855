// Starts graphile-worker (a job queue with cron) for maintenance tasks. Deliveries have a separate queue.
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
  const runner = await run({
    pgPool: quietPool(pool),
    schema,
    logger,
    taskList: tasks,
    crontab,
    concurrency,
    noPreparedStatements,
    // The command line handles signals, because it stops all parts in order.
    noHandleSignals: true,
  });
  let stopped = false;
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

/**
 * Suppresses graphile-worker's LISTEN and its `worker:migrate` notification. Its channels have the same name in every
 * schema, so one installation's migration would end the workers of all other installations on the database. Jobs are
 * polled and need no notifications.
 */
function quietPool(pool: Pool): Pool {
  const connect = (done?: (error: unknown, client?: PoolClient, release?: PoolClient['release']) => void) => {
    const opened = pool.connect().then((client) => overriding(client, { query: quietly(client) }));
    if (!done) return opened;
    opened.then((client) => done(null, client, (error) => client.release(error)), done);
  };
  return overriding(pool, { connect });
}

function quietly(client: PoolClient) {
  return (first: unknown, values?: unknown[], ...rest: unknown[]): unknown => {
    const isChannel = typeof first === 'string' && (/^\s*(un)?listen\b/i.test(first) || values?.[0] === 'worker:migrate');
    return isChannel ? Promise.resolve({ rows: [] }) : client.query(...([first, values, ...rest] as [string, unknown[]]));
  };
}
