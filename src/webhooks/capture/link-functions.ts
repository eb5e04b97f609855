// Generates the SQL functions by which the relay reads rows whose links have changed, and sets their updated_at. Runs no SQL.
import pg from 'pg';
import type { AnnouncedNode } from '../base/model.js';
import { type AnnouncedTable, functionName, keySql, type Reading, rowsOf, tenantNow } from './row-sql.js';
import { type FunctionSql, PINNED } from './shared-functions.js';
import { nowSql } from './updated-at-sql.js';

const id = pg.escapeIdentifier;

export const linkedRowsName = (node: AnnouncedNode): string => functionName('linked', node);
export const touchLinkedName = (node: AnnouncedNode): string => functionName('touch_linked', node);

/** Returns the functions of a type with links. */
export function linkFunctions(own: AnnouncedTable, others: AnnouncedTable[]): FunctionSql[] {
  if (!own.node.links?.length) return [];
  return [linkedRowsFunction(own, others), ...(touchesLinked(own.node) ? [touchLinkedFunction(own)] : [])];
}

/** Returns whether the relay sets `updatedAt` of a row whose links have changed. */
export const touchesLinked = ({ links, updatedAt, setsUpdatedAt }: AnnouncedNode): boolean =>
  links !== undefined && links.length > 0 && updatedAt !== undefined && setsUpdatedAt !== false;

/** Returns SQL for the condition that row `t` has the key `k.key`. Casts the key to the columns' types, so that their index is used. */
function hasKey({ node, facts }: AnnouncedTable): string {
  const part = (place: number) => (node.key.length === 1 ? 'k.key' : `(k.key::jsonb ->> ${place})`);
  return node.key.map((column, place) => `t.${id(column)} = ${part(place)}::${facts.columns[column]?.type}`).join(' AND ');
}

/** Generates the function that returns the present rows with the given keys, as triggers record them, and their tenants. */
function linkedRowsFunction(own: AnnouncedTable, others: AnnouncedTable[]): FunctionSql {
  const { node, facts } = own;
  const name = linkedRowsName(node);
  const rows = `(SELECT t.* FROM unnest($1) k (key) JOIN ${id(facts.schema)}.${id(facts.name)} t ON ${hasKey(own)})`;
  const plain: AnnouncedTable = { node: { ...node, tenant: { none: true } }, facts };
  const read = (reading: Reading) => `SELECT m.key, o.tenant, m.environment, m.doc FROM ${rowsOf(plain, others, rows, reading)} m
    JOIN (SELECT ${keySql(node)} AS key, ${tenantNow(node, others, 'r')} AS tenant FROM ${rows} r) o ON o.key = m.key WHERE m.alive`;
  return {
    name,
    arguments: 'text[]',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(text[]) RETURNS TABLE (node_key text, tenant text, environment text, document jsonb) LANGUAGE plpgsql STABLE ${PINNED} SET enable_nestloop = on AS $hookgraph$
BEGIN
  RETURN QUERY ${read('ATTACHED')};
EXCEPTION WHEN OTHERS THEN
  RETURN QUERY ${read('ALTERED')};
END $hookgraph$`,
  };
}

/**
 * Generates the function that sets updated_at of the rows with the given keys, and returns the keys of rows that another transaction has
 * locked. It never waits for a lock, so it can't be part of a deadlock.
 */
function touchLinkedFunction({ node, facts }: AnnouncedTable): FunctionSql {
  const name = touchLinkedName(node);
  const table = `${id(facts.schema)}.${id(facts.name)}`;
  const own: AnnouncedTable = { node, facts };
  const columns = node.key.map(id);
  const same = columns.map((column) => `r.${column} = f.${column}`).join(' AND ');
  return {
    name,
    arguments: 'text[]',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(text[]) RETURNS SETOF text LANGUAGE sql VOLATILE ${PINNED} SET enable_nestloop = on AS $hookgraph$
WITH free AS MATERIALIZED (
  SELECT ${columns.map((column) => `t.${column}`).join(', ')} FROM unnest($1) k (key) JOIN ${table} t ON ${hasKey(own)} FOR NO KEY UPDATE OF t SKIP LOCKED),
touched AS (UPDATE ${table} r SET ${id(node.updatedAt as string)} = ${nowSql(own)} FROM free f WHERE ${same} RETURNING ${keySql(node)} AS key)
SELECT k.key FROM unnest($1) k (key) JOIN ${table} t ON ${hasKey(own)} WHERE k.key NOT IN (SELECT touched.key FROM touched)
$hookgraph$`,
  };
}
