// Creates the capture triggers of partitions and child tables that were added after `hookgraph migrate` created those of their table.
// Workers run this when they find such tables.
import type { Pool, PoolClient } from 'pg';
import pg from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { insideTransaction } from '../base/store/transaction.js';
import type { Target } from './expected-objects.js';
import { createTriggerSql } from './trigger-sql.js';

const id = pg.escapeIdentifier;

/** Milliseconds to wait for the lock of a table. Short, because writers of the table wait behind this request. */
const LOCK_TIMEOUT_MS = 300;
/** Maximum number of tables per run; the next run attaches more. */
const MOST_AT_ONCE = 100;

/**
 * Errors of Postgres after which the table is left to the next run: lock not available, deadlock, missing privilege, trigger already
 * created by another process, or table or function dropped.
 */
const LATER = new Set(['55P03', '40P01', '42501', '42710', '42P01', '42883']);

/**
 * Creates the missing triggers of `parts`. Returns whether it created any. A table on which that fails is left to the next run, or to
 * `migrate`.
 */
export async function attachParts(pool: Pool, parts: Target[], log: Logger): Promise<boolean> {
  let attached = 0;
  for (const part of parts.slice(0, MOST_AT_ONCE)) {
    const table = `${part.relation.schema}.${part.relation.name}`;
    try {
      if (!(await insideTransaction(pool, (client) => attach(client, part)))) break;
      attached += 1;
      log.info({ table }, 'capture triggers were attached to a new partition or child table');
    } catch (error) {
      if (!LATER.has((error as pg.DatabaseError).code ?? '')) throw error;
      log.debug({ table, error }, 'attaching capture triggers to a new partition or child table failed; the next check tries again');
    }
  }
  return attached > 0;
}

/** Creates the missing triggers of one table. Returns `false` and does nothing while another process attaches triggers. */
async function attach(client: PoolClient, { relation: { schema, name }, create }: Target): Promise<boolean> {
  const { rows } = await client.query<{ free: boolean }>(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('hookgraph.attach', 0)) AS free`,
  );
  if (!rows[0]?.free) return false;
  const statements = create.map((trigger) => createTriggerSql(trigger, `${id(schema)}.${id(name)}`));
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; ${statements.join('; ')}`);
  return true;
}
