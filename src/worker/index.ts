// Starts the work loops of an application's deliveries, and the cron of its maintenance tasks.
import type { Pool } from 'pg';
import { keepYoung } from '../runtime/heap.js';
import type { Logger } from '../runtime/logger.js';
import { startQueue } from '../runtime/queue.js';
import type { Webhooks } from '../webhooks/index.js';
import { ensurePartitions } from './tasks/ensure-partitions.js';
import { wipeSecrets } from './tasks/wipe-secrets.js';

export interface Worker {
  /** Stops claiming deliveries, and resolves when those in flight have finished and been recorded. */
  stop(): Promise<void>;
}

const CRONTAB = `
30 3 * * * ensure-partitions ?fill=2d
7 * * * * wipe-secrets ?fill=2h
`;

/** `keepYoung` sets a V8 flag for the whole process, so it is only used in processes dedicated to deliveries. */
export async function startWorker(
  { pool, log, webhooks }: { pool: Pool; log: Logger; webhooks: Pick<Webhooks, 'work'> },
  { isOwnProcess = true } = {},
): Promise<Worker> {
  if (isOwnProcess) keepYoung();
  const queue = await startQueue({
    pool,
    log,
    tasks: { 'ensure-partitions': () => ensurePartitions(pool, log), 'wipe-secrets': () => wipeSecrets(pool, log) },
    crontab: CRONTAB,
  });
  const working = await webhooks.work().catch(async (error) => {
    await queue.stop();
    throw error;
  });
  return {
    stop: async () => {
      await Promise.all([working.stop(), queue.stop()]);
    },
  };
}
