// An announced node and the catalog's facts about its table -> the SQL that reads one row: key, tenant, environment, document. Pure.
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { AnnouncedNode } from '../base/model.js';
import { decidingRows } from '../base/own-node.js';
import type { ColumnFacts, TableFacts } from './table-facts.js';

const id = pg.escapeIdentifier;
const text = pg.escapeLiteral;

/** No compression makes a megabyte of it. */
const SHORT_BYTES = 2000;

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

/** How many parents up the tenant is; -1 where other rows decide it, since the relay takes it before them. */
export function depthOf(node: AnnouncedNode, others: AnnouncedTable[]): number {
  if (decidingRows(node)) return -1;
  const { tenant } = node;
  const parent = 'parent' in tenant ? others.find(({ node }) => node.typename === tenant.parent.typename) : undefined;
  return parent ? depthOf(parent.node, others) + 1 : 0;
}

/**
 * A transition table -> key, alive, tenant, parent_key, environment, doc. A column that was dropped or renamed after we were attached
 * is read from `absent`, so that the write goes on until migrate attaches us anew; hence also no expression that needs a certain type.
 */
export function rowsOf(own: AnnouncedTable, others: AnnouncedTable[], transition: string): string {
  const { node } = own;
  const used = [...new Set([...Object.keys(node.columns), ...columnsBesides(node)])];
  const tenant = 'sql' in node.tenant ? `captured.${transition}_tenants ->> ${keySql(node)}` : tenantSql(own, others);
  return `(SELECT ${keySql(node)} AS key, ${node.softDelete ? `num_nonnulls(r.${id(node.softDelete.column)}) = 0` : 'true'} AS alive,
            ${tenant} AS tenant, ${'parent' in node.tenant ? `r.${id(node.tenant.parent.column)}::text` : 'NULL::text'} AS parent_key,
            ${node.environment ? `r.${id(node.environment.column)}::text` : 'NULL::text'} AS environment,
            ${docSql(own)} AS doc
          FROM ${transition} t
          CROSS JOIN (SELECT ${used.map((column) => `NULL::text AS ${id(column)}`).join(', ')}) absent
          CROSS JOIN LATERAL (SELECT ${used.map(id).join(', ')} FROM (SELECT t.*) present) r
          OFFSET 0)`;
}

/** The columns that capture reads, declared or not. */
export function columnsBesides(node: AnnouncedNode): string[] {
  return [...textColumns(node), ...(node.softDelete ? [node.softDelete.column] : [])];
}

/** Those whose text it keeps. */
export function textColumns({ key, tenant, environment }: AnnouncedNode): string[] {
  const ofTenant = 'column' in tenant ? [tenant.column] : 'parent' in tenant ? [tenant.parent.column] : [];
  return [...key, ...ofTenant, ...(environment ? [environment.column] : [])];
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

/** A short row, as nearly all are, needs no look at its values: one that a page holds uncompressed or nearly so can't be too long. */
function docSql({ node, facts }: AnnouncedTable): string {
  // As jsonb sorts its keys: then there is nothing to sort.
  const columns = Object.keys(node.columns).sort(
    (a, b) => Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const object = (valueSql: typeof shortValueSql) =>
    inChunks(columns, 50)
      .map(
        (chunk) => `jsonb_build_object(${chunk.map((column) => `${text(column)}, ${valueSql(column, facts.columns[column])}`).join(', ')})`,
      )
      .join(' || ') || `'{}'::jsonb`;
  if (!columns.some((column) => facts.columns[column]?.kind === 'PLAIN' && facts.columns[column].long)) return object(shortValueSql);
  return `CASE WHEN pg_column_size(t.*) > ${SHORT_BYTES}
              THEN ${object(longValueSql)}
              ELSE ${object(shortValueSql)} END`;
}

function shortValueSql(column: string, facts: ColumnFacts | undefined): string {
  const value = `r.${id(column)}`;
  if (facts?.kind === 'ENUM') return `${value}::text`;
  if (facts?.kind === 'ENUM_ARRAY') return `${value}::text[]`;
  return facts?.kind === 'PLAIN' ? value : `hookgraph.json_of(${value})`;
}

function longValueSql(column: string, facts: ColumnFacts | undefined): string {
  const value = `r.${id(column)}`;
  return facts?.kind === 'PLAIN' && facts.long
    ? `CASE WHEN pg_column_size(${value}) > ${SHORT_BYTES} THEN hookgraph.json_of(${value}) ELSE to_jsonb(${value}) END`
    : shortValueSql(column, facts);
}

/** The tenant of row `r`, where it needs no care: a column, or what the parent's function answers. */
export function tenantSql({ node: { tenant } }: AnnouncedTable, others: AnnouncedTable[]): string {
  if ('column' in tenant) return `r.${id(tenant.column)}::text`;
  if ('sql' in tenant) return `(\n${tenant.sql}\n)::text`;
  if (!('parent' in tenant)) return 'NULL::text';
  const parent = others.find(({ node }) => node.typename === tenant.parent.typename) as AnnouncedTable;
  return `hookgraph.${id(functionName('tenant_of', parent.node))}(r.${id(tenant.parent.column)}::text)`;
}

/** The tenant of a row of `alias` as it is now, by one statement for all rows. */
export function tenantNow({ tenant }: AnnouncedNode, others: AnnouncedTable[], alias: string): string {
  if ('column' in tenant) return `${alias}.${id(tenant.column)}::text`;
  if ('sql' in tenant) return `(SELECT (\n${tenant.sql}\n)::text FROM (SELECT ${alias}.*) r)`;
  if (!('parent' in tenant)) return 'NULL::text';
  const { column, typename } = tenant.parent;
  const { node, facts } = others.find((other) => other.node.typename === typename) as AnnouncedTable;
  const up = `${alias}p`;
  return `(SELECT ${tenantNow(node, others, up)} FROM ${id(facts.schema)}.${id(facts.name)} ${up}
        WHERE ${up}.${id(node.key[0] as string)} = ${alias}.${id(column)})`;
}
