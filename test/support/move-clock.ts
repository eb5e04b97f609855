// Makes the engine's tables look as if the clock of the database had been set back or forward since they were written.
import type { Pool } from 'pg';

/** The columns that hold ids of hookgraph.next_id(), which begin with the time. */
const IDS: Record<string, string[]> = {
  events: ['id'],
  event_queue: ['event_id'],
  captures: ['id'],
  deliveries: ['id', 'event_id', 'replay_id'],
  open_deliveries: ['delivery_id'],
  attempts: ['id', 'delivery_id'],
  replays: ['id', 'position'],
  bulk_actions: ['id', 'until_id'],
  bulk_action_parts: ['action_id', 'position'],
  fan_outs: ['event_id'],
};

/**
 * Moves all stored times by `-seconds`, which has the same effect as setting the clock forward by `seconds` (or back, if negative). Must be
 * called while no transaction is open.
 */
export async function moveClock(pool: Pool, seconds: number): Promise<void> {
  const { rows } = await pool.query<{ table: string; columns: string[] }>(
    `SELECT c.relname AS table, array_agg(a.attname::text) AS columns FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'hookgraph'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
       AND a.atttypid = 'timestamptz'::regtype AND c.relname NOT IN ('audit_log', 'tenant_retention_changes', '_prisma_migrations') GROUP BY 1`,
  );
  const tables = new Map(rows.map(({ table, columns }) => [table, columns]));
  const statements = [...new Set([...tables.keys(), ...Object.keys(IDS)])].map((table) => {
    const times = (tables.get(table) ?? []).map((column) => `${column} = ${column} + interval '${-seconds} seconds'`);
    const ids = (IDS[table] ?? []).map((column) => `${column} = ${column} + (${-seconds * 1000}::bigint << 20)`);
    return `UPDATE hookgraph.${table} SET ${[...times, ...ids].join(', ')}`;
  });
  // Sets the role of a replica, so that triggers that refuse changes don't fire.
  await pool.query(`BEGIN; SET LOCAL session_replication_role = replica; ${statements.join('; ')}; COMMIT`);
}
