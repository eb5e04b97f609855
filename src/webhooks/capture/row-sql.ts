// An announced node and the catalog's facts about its table -> the SQL that reads one row: key, tenant, environment, document. Pure.
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { AnnouncedNode } from '../base/model.js';
import type { ColumnFacts, TableFacts } from './table-facts.js';

const id = pg.escapeIdentifier;
const text = pg.escapeLiteral;

/** A table's node type, with the facts; those of the parent are looked up among the others. */
export interface AnnouncedTable {
  node: AnnouncedNode;
  facts: TableFacts;
}

/** Readable, unique per type and table, and within Postgres' 63 bytes. */
export function functionName(kind: string, { typename, table }: AnnouncedNode): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([typename, table.schema, table.name]))
    .digest('hex')
    .slice(0, 8);
  return `${kind}_${typename.slice(0, 40)}_${hash}`;
}

/**
 * A transition table -> key, alive, tenant, parent_key, environment, doc. A column that was dropped or renamed after we were attached
 * is read from `absent`, so that the write goes on until migrate attaches us anew; hence also no expression that needs a certain type.
 */
export function rowsOf(own: AnnouncedTable, others: AnnouncedTable[], transition: string): string {
  const { node, facts } = own;
  const used = [...new Set([...Object.keys(node.columns), ...columnsBesides(node)])];
  const doc = inChunks(Object.keys(node.columns), 50)
    .map(
      (columns) =>
        `jsonb_build_object(${columns.map((column) => `${text(column)}, ${valueSql(column, facts.columns[column])}`).join(', ')})`,
    )
    .join('\n            || ');
  const tenant = 'sql' in node.tenant ? `captured.${transition}_tenants ->> ${keySql(node)}` : tenantSql(own, others);
  return `(SELECT ${keySql(node)} AS key, ${node.softDelete ? `num_nonnulls(r.${id(node.softDelete.column)}) = 0` : 'true'} AS alive,
            ${tenant} AS tenant, ${'parent' in node.tenant ? `r.${id(node.tenant.parent.column)}::text` : 'NULL::text'} AS parent_key,
            ${node.environment ? `r.${id(node.environment.column)}::text` : 'NULL::text'} AS environment,
            ${doc || `'{}'::jsonb`} AS doc
          FROM ${transition} t
          CROSS JOIN (SELECT ${used.map((column) => `NULL::text AS ${id(column)}`).join(', ')}) absent
          CROSS JOIN LATERAL (SELECT ${used.map(id).join(', ')} FROM (SELECT t.*) present) r
          OFFSET 0)`;
}

/** The columns that capture reads, declared or not. */
export function columnsBesides({ key, tenant, environment, softDelete }: AnnouncedNode): string[] {
  const ofTenant = 'column' in tenant ? [tenant.column] : 'parent' in tenant ? [tenant.parent.column] : [];
  return [...key, ...ofTenant, ...(environment ? [environment.column] : []), ...(softDelete ? [softDelete.column] : [])];
}

function inChunks<T>(list: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}

/** One column: its text. Several: what JSON.stringify() makes of the list of their texts. */
export function keySql({ key }: AnnouncedNode): string {
  const texts = key.map((column) => `r.${id(column)}::text`);
  if (texts.length === 1) return `(${texts[0]} COLLATE "C")`;
  return `(('[' || ${texts.map((one) => `to_json(${one})::text`).join(` || ',' || `)} || ']') COLLATE "C")`;
}

function valueSql(column: string, facts: ColumnFacts | undefined): string {
  const value = `r.${id(column)}`;
  if (facts?.kind === 'ENUM') return `to_jsonb(${value}::text)`;
  if (facts?.kind === 'ENUM_ARRAY') return `to_jsonb(${value}::text[])`;
  if (facts?.kind !== 'PLAIN') return `hookgraph.json_of(${value})`;
  return facts.long
    ? `CASE WHEN pg_column_size(${value}) > 2000 THEN hookgraph.json_of(${value}) ELSE to_jsonb(${value}) END`
    : `to_jsonb(${value})`;
}

/** The tenant of row `r`, where it needs no care: a column, or what the parent's function answers. */
export function tenantSql({ node: { tenant } }: AnnouncedTable, others: AnnouncedTable[]): string {
  if ('column' in tenant) return `r.${id(tenant.column)}::text`;
  if ('sql' in tenant) return `(\n${tenant.sql}\n)::text`;
  const parent = others.find(({ node }) => node.typename === tenant.parent.typename) as AnnouncedTable;
  return `hookgraph.${id(functionName('tenant_of', parent.node))}(r.${id(tenant.parent.column)}::text)`;
}
