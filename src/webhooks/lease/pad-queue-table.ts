// Enlarges the file of the queue table, `open_deliveries`, so that Postgres plans statements on the queue as for a large table.
import type { Pool } from 'pg';
import { padQueue } from '../base/store/delivery-state.js';
import { insideTransaction } from '../base/store/transaction.js';

const ENOUGH_BYTES = 1_000_000;

/**
 * Inserts and deletes padding rows when the file is small. Postgres estimates the number of rows from the file's size; plans made for a
 * small queue would scan the whole table for every batch once the queue has grown. The file keeps its size, because vacuum_truncate is off.
 * Workers call this at their start; it has an effect only the first time, and again after a restore from a backup.
 */
export async function padQueueTable(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ bytes: string }>(`SELECT pg_relation_size('hookgraph.open_deliveries') AS bytes`);
  if (Number(rows[0]?.bytes) >= ENOUGH_BYTES) return;
  await insideTransaction(pool, (client) => padQueue(client, 10_000));
}
