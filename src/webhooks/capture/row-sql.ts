// Generates SQL by which triggers read a row's key, tenant, environment and document (the announced columns as jsonb). Runs no SQL.
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { AnnouncedNode } from '../base/model.js';
import { decidingRows } from '../base/own-node.js';
import { isLarge, LIMITS, largestSql, limitsFor, SHORT_BYTES, sizeSql } from './large-values.js';
import type { ColumnFacts, TableFacts } from './table-facts.js';

const id = pg.escapeIdentifier;
const text = pg.escapeLiteral;

/** An announced node with the facts about its table. */
export interface AnnouncedTable {
  node: AnnouncedNode;
  facts: TableFacts;
}

/**
 * How triggers read a row. `ATTACHED`: column by column, when no column was altered since the triggers were attached. `ALTERED`: through
 * the JSON of the whole row, which is slower, but still works when a column was altered.
 */
export type Reading = 'ATTACHED' | 'ALTERED';

/** Returns the name of a generated function. It is readable, unique per type and table, and within Postgres' limit of 63 bytes. */
export function functionName(kind: string, { typename, table }: AnnouncedNode): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([typename, table.schema, table.name]))
    .digest('hex')
    .slice(0, 8);
  return `${kind}_${typename.slice(0, 40)}_${hash}`;
}

/**
 * Returns how many parents up the tenant of a row is found: 0 in the row itself (a column or an SQL expression), 1 in its parent, and so
 * on. -1 when rows that point to the row, such as memberships, decide its tenant. The relay processes the changes of a transaction in
 * ascending order of this number, parents first.
 */
export function depthOf(node: AnnouncedNode, others: AnnouncedTable[]): number {
  if (decidingRows(node)) return -1;
  const { tenant } = node;
  const parent = 'parent' in tenant ? others.find(({ node }) => node.typename === tenant.parent.typename) : undefined;
  return parent ? depthOf(parent.node, others) + 1 : 0;
}

/**
 * Returns SQL that reads the rows of `transition`, the trigger's table of old or new rows, as key, alive (not soft-deleted), tenant,
 * parent_key, environment, doc (the announced columns as jsonb). With `ATTACHED`, it adds `large` (whether a value may be too large to be
 * recorded in full) and the large columns themselves as `v0`, `v1`, …
 */
export function rowsOf(own: AnnouncedTable, others: AnnouncedTable[], transition: string, reading: Reading): string {
  const { node } = own;
  const tenant = 'sql' in node.tenant ? `captured.${transition}_tenants ->> ${keySql(node)}` : tenantSql(own, others);
  const columns = `${keySql(node)} AS key, ${node.softDelete ? `num_nonnulls(r.${id(node.softDelete.column)}) = 0` : 'true'} AS alive,
            ${tenant} AS tenant, ${'parent' in node.tenant ? `r.${id(node.tenant.parent.column)}::text` : 'NULL::text'} AS parent_key,
            ${node.environment ? `r.${id(node.environment.column)}::text` : 'NULL::text'} AS environment`;
  if (reading === 'ATTACHED') {
    const large = largeColumns(own);
    const values = large.map((column, index) => `, r.${id(column)} AS v${index}`).join('');
    const flag =
      large.length > 0 ? `, ${largestSql('r', factsOf(own, large))} > ${limitsFor(large.length).compressedBytes} AS large${values}` : '';
    return `(SELECT ${columns},
            ${docSql(own)} AS doc${flag}
          FROM ${transition} r
          OFFSET 0)`;
  }
  const texts = [...new Set(columnsBesides(node))].map((column) => `w.row ->> ${text(column)} AS ${id(column)}`);
  return `(SELECT ${columns},
            ${objectSql(sorted(node), (column) => `w.row -> ${text(column)}`)} AS doc
          FROM ${transition} t
          CROSS JOIN LATERAL (SELECT hookgraph.row_json(t.*) AS row OFFSET 0) w
          CROSS JOIN LATERAL (SELECT ${texts.join(', ')} OFFSET 0) r
          OFFSET 0)`;
}

/** Returns the columns that triggers read beside the announced ones: those of key, tenant, environment and soft deletion. */
export function columnsBesides(node: AnnouncedNode): string[] {
  return [...textColumns(node), ...(node.softDelete ? [node.softDelete.column] : [])];
}

/** Returns all columns that triggers read, including those from which virtual columns are computed. */
export function readColumns(own: AnnouncedTable): string[] {
  return [...new Set([...Object.keys(own.node.columns), ...columnsBesides(own.node), ...virtualInputs(own)])];
}

/** Returns the columns that triggers record as text, outside the document: those of key, tenant and environment. */
export function textColumns({ key, tenant, environment }: AnnouncedNode): string[] {
  const ofTenant = 'column' in tenant ? [tenant.column] : 'parent' in tenant ? [tenant.parent.column] : [];
  return [...key, ...ofTenant, ...(environment ? [environment.column] : [])];
}

/** Returns the announced columns that are virtual: Postgres computes them when they are read. */
export function virtualColumns({ node, facts }: AnnouncedTable): string[] {
  return Object.keys(node.columns).filter((column) => typeof facts.columns[column]?.virtual === 'string');
}

/** Returns the columns from which the announced virtual columns are computed. */
export function virtualInputs(own: AnnouncedTable): string[] {
  return [...new Set(virtualColumns(own).flatMap((column) => own.facts.columns[column]?.generatedFrom ?? []))].sort();
}

/** Returns the announced columns whose values may be too large to be recorded in full. */
export function largeColumns({ node, facts }: AnnouncedTable): string[] {
  return Object.keys(node.columns).filter((column) => isLarge(facts.columns[column]) && facts.columns[column]?.virtual === null);
}

export function factsOf({ facts }: AnnouncedTable, columns: string[]): [string, ColumnFacts][] {
  return columns.map((column) => [column, facts.columns[column] as ColumnFacts]);
}

function inChunks<T>(list: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}

/**
 * Returns SQL for a row's key: the text of its column or, for several columns, a JSON array of their texts as `JSON.stringify()` writes it.
 */
export function keySql({ key }: AnnouncedNode): string {
  const texts = key.map((column) => `r.${id(column)}::text`);
  if (texts.length === 1) return `(${texts[0]} COLLATE "C")`;
  return `(('[' || ${texts.map((one) => `to_json(${one})::text`).join(` || ',' || `)} || ']') COLLATE "C")`;
}

/** Returns the announced columns in the order in which jsonb sorts its keys, so that Postgres need not sort them. */
function sorted(node: AnnouncedNode): string[] {
  return Object.keys(node.columns).sort(
    (a, b) => Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
}

function objectSql(columns: string[], valueSql: (column: string) => string): string {
  const objects = inChunks(columns, 50).map(
    (chunk) => `jsonb_build_object(${chunk.map((column) => `${text(column)}, ${valueSql(column)}`).join(', ')})`,
  );
  return objects.join(' || ') || `'{}'::jsonb`;
}

/**
 * Returns SQL for a row's document, the announced columns as jsonb. A row without long values, the usual case, skips the size check of each
 * value.
 */
function docSql(own: AnnouncedTable): string {
  const virtual = virtualColumns(own);
  const inputs = virtualInputs(own).filter((column) => isLarge(own.facts.columns[column]));
  const columns = sorted(own.node).filter((column) => !virtual.includes(column));
  const large = [...new Set([...largeColumns(own), ...inputs])];
  const computed = virtual.length > 0 ? ` || ${virtualSql(own)}` : '';
  const short = `${objectSql(columns, (column) => shortValueSql(column, own.facts.columns[column]))}${computed}`;
  if (large.length === 0) return short;
  const limits = limitsFor(large.length);
  const guarded =
    inputs.length > 0
      ? ` || CASE WHEN ${largestSql('r', factsOf(own, inputs))} > ${LIMITS.compressedBytes} THEN ${objectSql(virtual, () => `'(not computed from large values)'::text`)}
                ELSE ${virtualSql(own)} END`
      : computed;
  return `CASE WHEN ${largestSql('r', factsOf(own, large))} > ${SHORT_BYTES}
              THEN ${objectSql(columns, (column) => longValueSql(column, own.facts.columns[column], limits))}${guarded}
              ELSE ${short} END`;
}

/**
 * Returns SQL that computes the announced virtual columns of row `r` by a generated function. The function gets the columns that it needs
 * as texts: if it had a parameter of the table's row type, the table could not be dropped.
 */
function virtualSql(own: AnnouncedTable): string {
  const inputs = virtualInputs(own).map((column) => `r.${id(column)}::text`);
  return `hookgraph.${id(functionName('virtual', own.node))}(ARRAY[${inputs.join(', ')}]::text[])`;
}

function shortValueSql(column: string, facts: ColumnFacts | undefined): string {
  const value = `r.${id(column)}`;
  if (facts?.kind === 'ENUM') return `${value}::text`;
  if (facts?.kind === 'ENUM_ARRAY') return `${value}::text[]`;
  return facts?.kind === 'PLAIN' ? value : `hookgraph.json_of(${value})`;
}

function longValueSql(column: string, facts: ColumnFacts | undefined, limits: typeof LIMITS): string {
  const value = `r.${id(column)}`;
  if (!facts || !isLarge(facts)) return shortValueSql(column, facts);
  const size = sizeSql(value, facts);
  // Every write of the table initializes every expression of this SQL, even for rows without long values. A function call is initialized
  // quickly.
  if (facts.size === 'TEXT' && facts.kind === 'PLAIN') return `hookgraph.text_json(${value}::text, ${limits.bytes})`;
  const careful = facts.kind === 'ENUM_ARRAY' ? `to_jsonb(${value}::text[])` : `hookgraph.json_of(${value})`;
  if (facts.size === 'TEXT')
    return `CASE WHEN ${size} > ${limits.bytes} THEN hookgraph.text_json(${value}::text, ${limits.bytes}) ELSE ${careful} END`;
  return `coalesce(hookgraph.cut(${size}, pg_column_compression(${value}), ${limits.bytes}, ${limits.compressedBytes}), ${careful})`;
}

/**
 * Returns SQL for the tenant of row `r`: a column, the application's expression, or the parent's tenant. NULL when other rows decide the
 * tenant, which the relay then finds.
 */
export function tenantSql({ node: { tenant } }: AnnouncedTable, others: AnnouncedTable[]): string {
  if ('column' in tenant) return `r.${id(tenant.column)}::text`;
  if ('sql' in tenant) return `(\n${tenant.sql}\n)::text`;
  if (!('parent' in tenant)) return 'NULL::text';
  const parent = others.find(({ node }) => node.typename === tenant.parent.typename) as AnnouncedTable;
  return `hookgraph.${id(functionName('tenant_of', parent.node))}(r.${id(tenant.parent.column)}::text)`;
}

/**
 * Returns SQL for the tenant of the row `alias`, for a statement that reads many rows: it reads the tenants of parents by subqueries
 * instead of a function call per row.
 */
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
