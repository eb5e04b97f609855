// Runs work in a database transaction.
import type { Pool, PoolClient } from 'pg';
import { BEGIN } from '../../../runtime/lock-retries.js';

/** The timeout of a statement that can't be split, whatever `statement_timeout` the role or the database has. */
export const PATIENT = "SET LOCAL statement_timeout = '10min'";

/** Runs a statement that can't be split, with the timeout PATIENT. A client is used as it is, in its own transaction. */
export function patiently<T>(db: Pool | PoolClient, work: (db: Pool | PoolClient) => Promise<T>): Promise<T> {
  if (!isPool(db)) return work(db);
  return insideTransaction(db, async (client) => {
    await client.query(PATIENT);
    return work(client);
  });
}

const isPool = (db: Pool | PoolClient): db is Pool => !('release' in db);

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
