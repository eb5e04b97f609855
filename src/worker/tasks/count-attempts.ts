// Adds the attempts that were recorded since the last run to the statistics of their subscriptions. Cron runs this task every minute.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { countAttempts } from '../../webhooks/index.js';

export async function countLastAttempts(pool: Pool, log: Logger): Promise<void> {
  const count = await countAttempts(pool);
  log.debug({ count }, 'recent attempts were added to the statistics');
}
