// Runs work in a database transaction.
import type { Pool, PoolClient } from 'pg';
import { BEGIN } from '../../../runtime/lock-retries.js';

/** Commits when `work` resolves. Otherwise rolls back and throws its error; a connection that fails to roll back is closed. */
export async function insideTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(BEGIN);
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
