// Deletes the old shared secrets of rotations whose overlap (the time in which both secrets sign) has ended. Cron runs this
// task hourly.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { wipeOldSecrets } from '../../webhooks/index.js';

export async function wipeSecrets(pool: Pool, log: Logger): Promise<void> {
  const count = await wipeOldSecrets(pool);
  if (count > 0) log.info({ count }, 'expired shared secrets were deleted');
}
