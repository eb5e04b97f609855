// Reads everything that is stored in a database.
import type pg from 'pg';

/** Returns every row of every table, Hookgraph's and the application's, as text. */
export async function dumpTables(pool: pg.Pool): Promise<string> {
  const { rows: tables } = await pool.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const dumps = await Promise.all(
    tables.map(async ({ name }) => (await pool.query(`SELECT t::text AS row FROM ${name} t`)).rows.map(({ row }) => row)),
  );
  return dumps.flat().join('\n');
}
