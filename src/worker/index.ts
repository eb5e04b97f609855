// Starts a worker: the loops that relay events and send deliveries, and the cron of maintenance tasks.
import type { Pool } from 'pg';
import { keepYoung } from '../runtime/heap.js';
import type { Logger } from '../runtime/logger.js';
import { startQueue } from '../runtime/queue.js';
import { within } from '../runtime/time-limit.js';
import type { Webhooks } from '../webhooks/index.js';
import { cleanOldHistory } from './tasks/clean-history.js';
import { countLastAttempts } from './tasks/count-attempts.js';
import { ensurePartitions } from './tasks/ensure-partitions.js';
import { wipeSecrets } from './tasks/wipe-secrets.js';

export interface Worker {
  /**
   * Stops fetching deliveries from the queue, and resolves when the deliveries in progress have ended and been recorded,
   * or after the limit `stopMs`.
   */
  stop(): Promise<void>;
}

const CRONTAB = `
30 3 * * * ensure-partitions ?fill=2d
7 * * * * wipe-secrets ?fill=2h
* * * * * count-attempts
*/10 * * * * clean-history
`;

/** Starts the worker. `isOwnProcess`: whether the process only sends deliveries, so that `keepYoung` may set a V8 flag for it. */
export async function startWorker(
  { pool, log, webhooks }: { pool: Pool; log: Logger; webhooks: Pick<Webhooks, 'work' | 'engine'> },
  { isOwnProcess = true } = {},
): Promise<Worker> {
  if (isOwnProcess) keepYoung();
  const queue = await startQueue({
    pool,
    log,
    tasks: {
      'clean-history': () => cleanOldHistory(pool, log, webhooks.engine.settings.retention),
      'count-attempts': () => countLastAttempts(pool, log),
      'ensure-partitions': () => ensurePartitions(pool, log),
      'wipe-secrets': () => wipeSecrets(pool, log),
    },
    crontab: CRONTAB,
  });
  const working = await webhooks.work().catch(async (error) => {
    await queue.stop();
    throw error;
  });
  return {
    stop: async () => {
      // Limits the wait, because the queue would wait for its next attempt to reach a database that doesn't answer.
      await Promise.all([working.stop(), within(webhooks.engine.deadlines.stopMs, queue.stop())]);
    },
  };
}
