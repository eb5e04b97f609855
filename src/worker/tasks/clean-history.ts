// Deletes history that is older or larger than the installation keeps. Cron runs this task every ten minutes; a run does nothing while
// history cleaning is paused or another worker is busy with it.
import type { Pool } from 'pg';
import { logFailure } from '../../runtime/failure-log.js';
import type { Logger } from '../../runtime/logger.js';
import { DEFAULT_RETENTION, type Retention, runRetention } from '../../webhooks/index.js';

/** Catches all errors, because a failed job would be retried beside the next run. */
export async function cleanOldHistory(pool: Pool, log: Logger, retention: Partial<Retention> = {}): Promise<void> {
  try {
    const done = await runRetention(pool, { ...DEFAULT_RETENTION, ...retention });
    if (!done) return;
    const { deliveries, weeks, thinned, needed, locked, rows, blanked } = done;
    const counts = {
      deliveries,
      rows,
      blanked,
      partitions: weeks.length,
      thinned: thinned.length,
      needed: needed.length,
      locked: locked.length,
    };
    log[Object.values(counts).some((count) => count > 0) ? 'info' : 'debug'](counts, 'old history was deleted');
  } catch (error) {
    logFailure(log, error, 'deleting old history failed; it is tried again in ten minutes', { level: 'warn' });
  }
}
