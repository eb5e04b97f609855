// Work on one connection -> committed as a whole, or not at all.
import type { Pool, PoolClient } from 'pg';

/** Rolls back and throws what `work` throws; a connection that can't even roll back is not used again. */
export async function insideTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
