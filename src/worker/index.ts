// A joined app in, its deliveries under way and its cron running out.

import { keepYoung } from '../runtime/heap.js';
import { startQueue } from '../runtime/queue.js';
import type { App } from '../sample/app.js';
import { ensurePartitions } from './tasks/ensure-partitions.js';
import { wipeSecrets } from './tasks/wipe-secrets.js';

export interface Worker {
  /** Claims nothing more, lets what is in flight end and be recorded, then resolves. */
  stop(): Promise<void>;
}

const CRONTAB = `
30 3 * * * ensure-partitions ?fill=2d
7 * * * * wipe-secrets ?fill=2h
`;

export async function startWorker(app: App): Promise<Worker> {
  keepYoung();
  const { pool, log } = app;
  const queue = await startQueue({
    pool,
    log,
    tasks: { 'ensure-partitions': () => ensurePartitions(pool, log), 'wipe-secrets': () => wipeSecrets(pool, log) },
    crontab: CRONTAB,
  });
  const working = await app.webhooks.work();
  return {
    stop: async () => {
      await Promise.all([working.stop(), queue.stop()]);
    },
  };
}
