// Generates the trigger function that sets a table's updated_at column when an announced column changes. Runs no SQL.
import pg from 'pg';
import { differSql, isLarge, largestSql, SHORT_BYTES } from './large-values.js';
import { type AnnouncedTable, factsOf, functionName } from './row-sql.js';
import type { FunctionSql } from './shared-functions.js';

const id = pg.escapeIdentifier;

/**
 * Returns the columns whose change sets updated_at; `null` when there are none. A BEFORE trigger doesn't see the new values of generated
 * columns, so the columns from which they are computed are compared.
 */
export function columnsThatSetUpdatedAt({ node, facts }: AnnouncedTable): string[] | null {
  if (node.updatedAt === undefined || node.setsUpdatedAt === false) return null;
  const columns = new Set(Object.keys(node.columns).flatMap((column) => facts.columns[column]?.generatedFrom ?? [column]));
  columns.delete(node.updatedAt);
  return columns.size > 0 ? [...columns] : null;
}

/** Returns SQL for the present time in the type of the updated_at column. */
export const nowSql = ({ node, facts }: AnnouncedTable): string =>
  facts.columns[node.updatedAt as string]?.time === 'timestamp'
    ? `pg_catalog.timezone('UTC', pg_catalog.clock_timestamp())`
    : 'pg_catalog.clock_timestamp()';

/**
 * Generates the trigger function. It compares the columns itself: if the trigger compared them in a WHEN clause, every later ALTER or DROP
 * of these columns would fail. It compares the binary images of values, which also works for json.
 */
export function updatedAtFunction(own: AnnouncedTable): FunctionSql {
  const name = functionName('touch', own.node);
  const updatedAt = own.node.updatedAt as string;
  const columns = columnsThatSetUpdatedAt(own) as string[];
  const large = columns.filter((column) => isLarge(own.facts.columns[column]));
  const row = (alias: string, of: string[]) => `ROW(${of.map((column) => `${alias}.${id(column)}`).join(', ')})::pg_catalog.record`;
  const rowsDiffer = (of: string[]) => `${row('OLD', of)} OPERATOR(pg_catalog.*<>) ${row('NEW', of)}`;
  const short = columns.filter((column) => !large.includes(column));
  const eachDiffers = [
    ...(short.length > 0 ? [rowsDiffer(short)] : []),
    ...large.map((column) => differSql(`OLD.${id(column)}`, `NEW.${id(column)}`, own.facts.knowsChunks)),
  ];
  const largest = ['OLD', 'NEW'].map((alias) => largestSql(alias, factsOf(own, large))).join(', ');
  const now = nowSql(own);
  return {
    name,
    arguments: '',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}() RETURNS trigger LANGUAGE plpgsql AS $hookgraph$
BEGIN
  IF ${large.length > 0 ? `GREATEST(${largest}) OPERATOR(pg_catalog.>) ${SHORT_BYTES}` : 'false'} THEN
    IF (${eachDiffers.join('\n      OR ')}) THEN NEW.${id(updatedAt)} := ${now}; END IF;
  ELSIF ${rowsDiffer(columns)} THEN
    NEW.${id(updatedAt)} := ${now};
  END IF;
  RETURN NEW;
EXCEPTION WHEN OTHERS THEN
  -- A column was dropped or changed its type since the triggers were attached.
  RAISE LOG 'hookgraph: setting updated_at of a row of % failed: %', TG_TABLE_NAME, SQLERRM;
  RETURN NEW;
END $hookgraph$`,
  };
}
