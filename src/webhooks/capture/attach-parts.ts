// Gives triggers to partitions and heirs that were made after `migrate` attached their table. Called by workers.
import type { Pool, PoolClient } from 'pg';
import pg from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { insideTransaction } from '../base/store/transaction.js';
import { createTriggerSql } from './trigger-sql.js';
import type { Target } from './wanted.js';

const id = pg.escapeIdentifier;

/** The writers of a part wait behind us while we wait for its lock. */
const LOCK_TIMEOUT_MS = 300;
/** Of one look. The others come with the next one. */
const MOST_AT_ONCE = 100;

/** The lock wasn't given, the role may not, another process was quicker, or the part or its function is gone again. */
const LATER = new Set(['55P03', '40P01', '42501', '42710', '42P01', '42883']);

/** Answers whether any got its triggers. What can't be attached now is left to the next look, or to `migrate`. */
export async function attachParts(pool: Pool, parts: Target[], log: Logger): Promise<boolean> {
  let attached = 0;
  for (const part of parts.slice(0, MOST_AT_ONCE)) {
    const table = `${part.relation.schema}.${part.relation.name}`;
    try {
      if (!(await insideTransaction(pool, (client) => attach(client, part)))) break;
      attached += 1;
      log.info({ table }, 'capture triggers were attached to a table that was made later');
    } catch (error) {
      if (!LATER.has((error as pg.DatabaseError).code ?? '')) throw error;
      log.debug({ table, error }, 'capture triggers could not be attached to a table that was made later');
    }
  }
  return attached > 0;
}

/** Answers false while somebody else attaches triggers. */
async function attach(client: PoolClient, { relation: { schema, name }, create }: Target): Promise<boolean> {
  const { rows } = await client.query<{ free: boolean }>(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('hookgraph.attach', 0)) AS free`,
  );
  if (!rows[0]?.free) return false;
  const statements = create.map((trigger) => createTriggerSql(trigger, `${id(schema)}.${id(name)}`));
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; ${statements.join('; ')}`);
  return true;
}
