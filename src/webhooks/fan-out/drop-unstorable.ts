// Drops recorded changes that Postgres can't store as events, because relaying them would also fail for all other changes.
import type { Pool, PoolClient } from 'pg';
import type { Logger } from '../../runtime/logger.js';

/**
 * Selects the changes whose indexed texts may be too long. Postgres refuses an index entry of more than 2,704 bytes, and compresses an
 * entry by a factor of 100 at most.
 */
const SUSPECTS = `
  SELECT xid::text, depth, id, typename, left(node_key, 100) AS key, left(tenant, 100) AS tenant
  FROM hookgraph.captures
  WHERE octet_length(typename) + octet_length(node_key) + octet_length(coalesce(tenant, '')) > 1500
  ORDER BY xid, depth, id`;

const IS_SUSPECT = '(xid, depth, id) = ($1::text::xid8, $2, $3)';

const STORE = `
  INSERT INTO hookgraph.events (id, xid, tenant, typename, node_key, operation)
  SELECT id, xid, tenant, typename, node_key, operation FROM hookgraph.captures WHERE ${IS_SUSPECT}`;

/** Whether a statement failed because of its values: Postgres reported a data exception (class 22) or an exceeded limit (class 54). */
export const isOfValues = (error: unknown): boolean => /^(22|54)/.test(String((error as { code?: unknown } | null)?.code));

export async function dropUnstorable(pool: Pool, log: Logger): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<Suspect>(SUSPECTS);
    for (const { xid, depth, id, ...node } of rows) {
      const reason = await tryToStore(client, [xid, depth, id]);
      if (reason === null) continue;
      const { rowCount } = await client.query(`DELETE FROM hookgraph.captures WHERE ${IS_SUSPECT}`, [xid, depth, id]);
      if (rowCount === 1)
        log.error({ ...node, reason }, 'a change can’t be recorded as an event, because its tenant is too long; it is lost');
    }
  } finally {
    client.release();
  }
}

interface Suspect {
  xid: string;
  depth: number;
  id: string;
  typename: string;
  key: string;
  tenant: string | null;
}

/** Returns Postgres' reason why a change can't be stored; `null` when it can. Stores nothing. */
async function tryToStore(client: PoolClient, change: [xid: string, depth: number, id: string]): Promise<string | null> {
  await client.query('BEGIN');
  try {
    await client.query(STORE, change);
    return null;
  } catch (error) {
    if (!isOfValues(error)) throw error;
    return (error as Error).message;
  } finally {
    await client.query('ROLLBACK');
  }
}
