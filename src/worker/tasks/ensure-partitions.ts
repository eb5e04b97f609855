// Creates the partitions of the coming weeks (`events`, `attempts`) and days (`exchanges_of_errors`, `exchanges_of_others`). Cron runs
// this task daily.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';

export async function ensurePartitions(pool: Pool, log: Logger): Promise<void> {
  const { rows } = await pool.query('SELECT hookgraph.ensure_partitions() AS made');
  log.info({ made: rows[0].made }, 'the partitions of the coming weeks exist');
}
