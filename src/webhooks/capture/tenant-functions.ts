// Generates the SQL functions that find a row's tenants through other rows (its parent, or rows that point to it), and that read the rows
// that a tenant gains or loses. Runs no SQL.
import pg from 'pg';
import type { AnnouncedNode, PointingRows } from '../base/model.js';
import { decidingRows } from '../base/own-node.js';
import { type AnnouncedTable, functionName, type Reading, rowsOf, tenantNow, tenantSql } from './row-sql.js';
import { type FunctionSql, PINNED } from './shared-functions.js';

const id = pg.escapeIdentifier;

/**
 * Generates the function that returns the tenant of a parent row by its key; null when the row doesn't exist or reading it fails. Only
 * capture functions call it.
 */
export function tenantFunction(own: AnnouncedTable, others: AnnouncedTable[]): FunctionSql {
  const { node, facts } = own;
  const name = functionName('tenant_of', node);
  const key = node.key[0] as string;
  return {
    name,
    arguments: 'text',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $hookgraph$
BEGIN
  RETURN (SELECT ${tenantSql(own, others)} FROM ${id(facts.schema)}.${id(facts.name)} r WHERE r.${id(key)} = $1::${facts.columns[key]?.type});
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'hookgraph: reading the tenant of ${node.typename} % failed: %', $1, SQLERRM;
  RETURN NULL;
END $hookgraph$`,
  };
}

/**
 * Generates the function that returns the tenants of rows with the given keys, as decided by the rows that point to them. If the node's
 * tenant is declared with `several`, it returns one line per pointing row instead of one per tenant, so that the relay can count them. The
 * relay calls it through hookgraph.tenants_by_children and hookgraph.told_by_memberships.
 */
export function tenantsFunction(own: AnnouncedTable, others: AnnouncedTable[]): FunctionSql {
  const { typename, columns } = decidingRows(own.node) as PointingRows;
  const { node, facts } = others.find((other) => other.node.typename === typename) as AnnouncedTable;
  const part = (place: number) => (columns.length === 1 ? 'k.key' : `(k.key::jsonb ->> ${place})`);
  // Casts the key to the column's type, so that the column's index is used.
  const points = columns.map((column, place) => `r.${id(column)} = ${part(place)}::${facts.columns[column]?.type}`);
  const alive = node.softDelete ? [`num_nonnulls(r.${id(node.softDelete.column)}) = 0`] : [];
  const name = tenantsFunctionName(own.node);
  return {
    name,
    arguments: 'text[]',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(text[]) RETURNS TABLE (node_key text, tenant text) LANGUAGE sql STABLE ${PINNED} SET enable_nestloop = on AS $hookgraph$
SELECT ${'several' in own.node.tenant ? '' : 'DISTINCT '}key, tenant FROM (
  SELECT k.key, ${tenantNow(node, others, 'r')} AS tenant
  FROM unnest($1) k (key) JOIN ${id(facts.schema)}.${id(facts.name)} r ON ${[...points, ...alive].join(' AND ')}) found
WHERE tenant IS NOT NULL
$hookgraph$`,
  };
}

export const tenantsFunctionName = (node: AnnouncedNode): string => functionName('tenants_of', node);

/**
 * Generates the function that returns the current rows with the given keys, in the form in which triggers record them. The relay sends them
 * to tenants that gain or lose them; it calls the function through hookgraph.told_by_memberships.
 */
export function membersFunction(own: AnnouncedTable, others: AnnouncedTable[]): FunctionSql {
  const { node, facts } = own;
  const part = (place: number) => (node.key.length === 1 ? 'k.key' : `(k.key::jsonb ->> ${place})`);
  const found = node.key.map((column, place) => `t.${id(column)} = ${part(place)}::${facts.columns[column]?.type}`);
  const rows = `(SELECT t.* FROM unnest($1) k (key) JOIN ${id(facts.schema)}.${id(facts.name)} t ON ${found.join(' AND ')})`;
  const read = (reading: Reading) => `SELECT m.key, m.environment, m.doc FROM ${rowsOf(own, others, rows, reading)} m WHERE m.alive`;
  const name = membersFunctionName(node);
  return {
    name,
    arguments: 'text[]',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.${id(name)}(text[]) RETURNS TABLE (node_key text, environment text, document jsonb) LANGUAGE plpgsql STABLE ${PINNED} SET enable_nestloop = on AS $hookgraph$
BEGIN
  RETURN QUERY ${read('ATTACHED')};
EXCEPTION WHEN OTHERS THEN
  RETURN QUERY ${read('ALTERED')};
END $hookgraph$`,
  };
}

export const membersFunctionName = (node: AnnouncedNode): string => functionName('members_of', node);
