// Deletes old shared secrets hourly, once the overlap of their rotation has ended. They haven't signed since the end of
// the overlap.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { wipeOldSecrets } from '../../webhooks/index.js';

export async function wipeSecrets(pool: Pool, log: Logger): Promise<void> {
  const count = await wipeOldSecrets(pool);
  if (count > 0) log.info({ count }, 'expired shared secrets were deleted');
}
