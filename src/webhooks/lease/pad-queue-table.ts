// Pads the file of the queue table, so that Postgres plans queue statements for a large table.
import type { Pool } from 'pg';
import { padQueue } from '../base/store/delivery-state.js';
import { insideTransaction } from '../base/store/transaction.js';

const ENOUGH_BYTES = 1_000_000;

/**
 * The planner estimates the number of rows from a table's file size. Plans made for a small queue would scan the whole table for every
 * batch once the queue has grown. The padding rows are deleted in the same transaction, but the file keeps its size, because
 * vacuum_truncate is off. Needed once, and again after a restore.
 */
export async function padQueueTable(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ bytes: string }>(`SELECT pg_relation_size('hookgraph.open_deliveries') AS bytes`);
  if (Number(rows[0]?.bytes) >= ENOUGH_BYTES) return;
  await insideTransaction(pool, (client) => padQueue(client, 10_000));
}
