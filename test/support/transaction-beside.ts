import { testDatabase } from './database.js';

/** Holds a transaction open in another database, and returns a function that ends it. */
export async function transactionBeside(): Promise<() => Promise<void>> {
  const other = await testDatabase({ empty: true });
  const client = await other.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT pg_current_xact_id()');
  return async () => {
    await client.query('ROLLBACK');
    client.release();
    await other.close();
  };
}
