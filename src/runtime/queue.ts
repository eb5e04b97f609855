// A pool, tasks and a crontab in, a running graphile-worker out: for cron and long tasks only, never for deliveries.
import { Logger as GraphileLogger, run, type TaskList } from 'graphile-worker';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
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
    pgPool: pool,
    schema,
    logger,
    taskList: tasks,
    crontab,
    concurrency,
    noPreparedStatements,
    noHandleSignals: true,
  });
  return { stop: () => runner.stop() };
}
