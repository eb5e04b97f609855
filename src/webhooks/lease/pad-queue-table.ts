// A queue that is small, as a new or a restored one is -> one that Postgres takes for large.
import type { Pool } from 'pg';
import { insideTransaction } from '../base/store/transaction.js';

const ENOUGH_BYTES = 1_000_000;

/**
 * The planner goes by the size of a table's file: statements that were planned while the queue was small would read all of it later, for each
 * batch. The file doesn't shrink by itself (vacuum_truncate), so this is done once, or again after a restore; what it writes is gone in the same transaction.
 */
export async function keepLarge(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ bytes: string }>(`SELECT pg_relation_size('hookgraph.open_deliveries') AS bytes`);
  if (Number(rows[0]?.bytes) >= ENOUGH_BYTES) return;
  await insideTransaction(pool, async (client) => {
    await client.query(
      `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at)
       SELECT -i, '00000000-0000-0000-0000-000000000000', now() FROM generate_series(1, 10000) i ON CONFLICT DO NOTHING`,
    );
    await client.query('DELETE FROM hookgraph.open_deliveries WHERE delivery_id < 0');
  });
}
