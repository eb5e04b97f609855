// A pool, tasks and a crontab in, a running graphile-worker out: for cron and long tasks only, never for deliveries.
import { Logger as GraphileLogger, run, type TaskList } from 'graphile-worker';
import type { Pool, PoolClient } from 'pg';
import { overriding } from './local-pool.js';
import type { Logger } from './logger.js';
import { isPooled } from './pooler.js';
import { schemaOf } from './schema-name.js';

export interface QueueOptions {
  pool: Pool;
  log: Logger;
  tasks: TaskList;
  /** Lines of cron, each naming a task. */
  crontab: string;
  /** Jobs at a time. */
  concurrency?: number;
}

export interface Queue {
  /** Takes no more jobs, lets the running ones end, then resolves. */
  stop(): Promise<void>;
}

/** Of its own, so that a host may use graphile-worker itself, in whichever version. */
export const workerSchema = (pool: Pool): string => `${schemaOf(pool)}_worker`;

const LEVELS = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;

export async function startQueue({ pool, log, tasks, crontab, concurrency = 2 }: QueueOptions): Promise<Queue> {
  const logger = new GraphileLogger(() => (level, message) => log[LEVELS[level]](message));
  // Signals are the command line's: it drains everything in its own order.
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
    noHandleSignals: true,
  });
  let stopped = false;
  void runner.promise.finally(() => {
    stopped = true;
  });
  return {
    stop: async () => {
      if (!stopped) await runner.stop();
    },
  };
}

/**
 * graphile-worker's channels have the same names in every schema: each installation's first migration would end the workers of all others
 * on the database, the host's own as well. Cron needs neither to hear nor to say anything: it polls. And a pooler passes nothing on.
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
