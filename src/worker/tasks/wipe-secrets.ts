// A pool in, the old shared secrets whose overlap has ended gone; hourly. Nothing signs with them meanwhile.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { wipeOldSecrets } from '../../webhooks/index.js';

export async function wipeSecrets(pool: Pool, log: Logger): Promise<void> {
  const count = await wipeOldSecrets(pool);
  if (count > 0) log.info({ count }, 'old shared secrets are wiped');
}
