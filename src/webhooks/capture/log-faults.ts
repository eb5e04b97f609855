// Logs the errors that capture triggers recorded instead of failing the write. Each error is logged once an hour across all workers.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';

export async function logFaults(pool: Pool, tables: { schema: string; name: string }[], log: Logger): Promise<void> {
  const { rows } = await pool.query<{ typename: string; table: string; operation: string; message: string }>(CLAIM_FAULTS, [
    tables.map(({ schema, name }) => `${schema}.${name}`),
  ]);
  for (const { operation, ...fault } of rows) {
    if (operation === 'TENANT')
      log.warn(
        fault,
        'the SQL expression for the tenant of a row failed; its events are not delivered until an operator assigns them a tenant',
      );
    else log.warn({ ...fault, operation }, 'recording a change failed; the change is lost');
  }
}

// Concurrent writers may record the same error several times, because they don't see each other's rows; only one of these rows is logged.
const CLAIM_FAULTS = `
WITH expired AS (DELETE FROM hookgraph.capture_faults WHERE id < hookgraph.id_at(now() - interval '1 hour')),
claimed AS (
  UPDATE hookgraph.capture_faults SET told_at = now() WHERE told_at IS NULL AND source = ANY ($1) AND id >= hookgraph.id_at(now() - interval '1 hour')
  RETURNING id, typename, source, operation, code, message)
SELECT DISTINCT ON (typename, source, operation, code) typename, source AS table, operation, message FROM claimed ORDER BY typename, source, operation, code, id`;
