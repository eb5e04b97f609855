// Finds the keys of a tenant's rows in the table of an announced node. The SQL can use the indexes of the host's tables.
import pg, { type Pool } from 'pg';
import type { AnnouncedNode, RowTexts } from '../model.js';
import { decidingRows } from '../own-node.js';
import { keyTexts } from '../query/key-variables.js';

const id = pg.escapeIdentifier;

/**
 * Returns the keys of the tenant's newest rows: by creation time, without such a column by the time of the last change, otherwise by key.
 */
export async function newestKeys(
  pool: Pool,
  node: AnnouncedNode,
  nodes: AnnouncedNode[],
  tenant: string,
  limit: number,
): Promise<string[]> {
  const newest = node.createdAt ?? node.updatedAt;
  const order = [...new Set([...(newest === undefined ? [] : [newest]), ...node.key])].map((column) => `r.${id(column)} DESC`);
  return readKeys(pool, `${selectKeys(node, nodes)} ORDER BY ${order.join(', ')} LIMIT $2`, [tenant, limit]);
}

/** Returns the keys, out of `keys`, whose rows belong to the tenant. */
export async function keysWithin(
  pool: Pool,
  node: AnnouncedNode,
  nodes: AnnouncedNode[],
  tenant: string,
  keys: readonly string[],
): Promise<Set<string>> {
  // Keys are compared as text, so that a key that is not a valid number or uuid matches no row instead of raising an error.
  const isOne = `(${node.key.map((column) => `r.${id(column)}::text`).join(', ')})`;
  const texts = keys.flatMap((key) => {
    const parts = keyTexts(node, key);
    return parts && !parts.join('').includes('\0') ? [parts] : [];
  });
  const columns = node.key.map((_, index) => texts.map((list) => list[index]));
  const given = `SELECT * FROM unnest(${columns.map((_, index) => `$${index + 2}::text[]`).join(', ')})`;
  return new Set(await readKeys(pool, `${selectKeys(node, nodes)} AND ${isOne} IN (${given})`, [tenant, ...columns]));
}

/** A row by its key, as the texts of the key's parts. */
export interface KeyedRow {
  key: string[];
  /** Whether the row belongs to the tenant, and is not marked as deleted. */
  isOwn: boolean;
  environment: string | null;
}

/**
 * Reads the next rows of all tenants after a key, in the order of the key. The statement thus stays short, even if few rows belong to the
 * tenant. `seen`: the snapshot of the database in which they were read, at the time `seenAt`.
 */
export async function readRowsAfter(
  pool: Pool,
  node: AnnouncedNode,
  nodes: AnnouncedNode[],
  { tenant, after, limit }: { tenant: string; after: string[] | null; limit: number },
): Promise<{ rows: KeyedRow[]; seen: string; seenAt: Date }> {
  const { table, softDelete, environment, key } = node;
  const columns = key.map((column) => `r.${id(column)}`);
  // Parameters take the types of the key columns, so that the primary key's index is used.
  const beyond = after ? `WHERE (${columns.join(', ')}) > (${after.map((_, index) => `$${index + 3}`).join(', ')})` : '';
  const alive = softDelete ? ` AND r.${id(softDelete.column)} IS NULL` : '';
  const { rows } = await pool.query<{ rows: KeyedRow[]; seen: string; seenAt: Date }>(
    `SELECT coalesce(jsonb_agg(jsonb_build_object('key', f.key, 'isOwn', f.is_own, 'environment', f.environment) ORDER BY f.number), '[]') AS rows,
       pg_current_snapshot()::text AS seen, clock_timestamp() AS "seenAt"
     FROM (
       SELECT ARRAY[${columns.map((column) => `${column}::text`).join(', ')}] AS key, row_number() OVER (ORDER BY ${columns.join(', ')}) AS number,
         (${isOfTenant(node, nodes, 'r')}${alive}) IS TRUE AS is_own, ${environment ? `r.${id(environment.column)}::text` : 'NULL::text'} AS environment
       FROM (
         SELECT * FROM ${id(table.schema)}.${id(table.name)} r ${beyond} ORDER BY ${columns.join(', ')} LIMIT $2
       ) r
     ) f`,
    [tenant, limit, ...(after ?? [])],
  );
  return rows[0] as { rows: KeyedRow[]; seen: string; seenAt: Date };
}

/**
 * Reads the announced columns of the tenant's rows with these keys, as they are now. A row that was deleted, or belongs to another tenant,
 * is missing.
 */
export async function rowsNow(
  pool: Pool,
  node: AnnouncedNode,
  nodes: AnnouncedNode[],
  tenant: string,
  keys: readonly string[],
): Promise<Map<string, RowTexts>> {
  const { table, softDelete, key } = node;
  const texts = keys.flatMap((one) => [keyTexts(node, one)].filter((parts) => parts !== null));
  if (texts.length === 0) return new Map();
  const columns = node.key.map((column) => `r.${id(column)}`);
  const wanted = texts.map((parts, row) => `(${parts.map((_, part) => `$${row * key.length + part + 3}`).join(', ')})`);
  const alive = softDelete ? ` AND r.${id(softDelete.column)} IS NULL` : '';
  const { rows } = await pool.query<{ key: string[]; row: RowTexts }>(
    `SELECT ARRAY[${columns.map((column) => `${column}::text`).join(', ')}] AS key,
       (SELECT coalesce(jsonb_object_agg(d.key, d.value::text), '{}') FROM jsonb_each(to_jsonb(r)) d WHERE d.key = ANY ($2)) AS row
     FROM ${id(table.schema)}.${id(table.name)} r
     WHERE (${columns.join(', ')}) IN (${wanted.join(', ')}) AND ${isOfTenant(node, nodes, 'r')}${alive}`,
    [tenant, Object.keys(node.columns), ...texts.flat()],
  );
  return new Map(rows.map((row) => [row.key.length === 1 ? (row.key[0] as string) : JSON.stringify(row.key), row.row]));
}

async function readKeys(pool: Pool, sql: string, values: unknown[]): Promise<string[]> {
  const { rows } = await pool.query<{ key: string[] }>(sql, values);
  return rows.map(({ key }) => (key.length === 1 ? (key[0] as string) : JSON.stringify(key)));
}

function selectKeys(node: AnnouncedNode, nodes: AnnouncedNode[]): string {
  const { table, softDelete } = node;
  const alive = softDelete ? ` AND r.${id(softDelete.column)} IS NULL` : '';
  return `SELECT ARRAY[${node.key.map((column) => `r.${id(column)}::text`).join(', ')}] AS key
    FROM ${id(table.schema)}.${id(table.name)} r WHERE ${isOfTenant(node, nodes, 'r')}${alive}`;
}

/**
 * Returns SQL that checks whether a row belongs to the tenant; `alias` is the row's name in the statement. The parameter $1 is compared
 * with a tenant column in its own type, so that its index can be used. Another expression for the tenant, and the value of a host's SQL
 * expression, are compared as text.
 */
export function isOfTenant(node: AnnouncedNode, nodes: AnnouncedNode[], alias: string, wanted = '$1'): string {
  const { tenant } = node;
  if ('column' in tenant) return `${alias}.${id(tenant.column)}${wanted === '$1' ? '' : '::text'} = ${wanted}`;
  // The host's SQL expression reads the row under the alias `r`.
  if ('sql' in tenant) return `(SELECT (\n${tenant.sql}\n)::text FROM (SELECT ${alias}.*) r) = ${wanted}`;
  const deciding = decidingRows(node);
  if (deciding) {
    const child = nodes.find(({ typename }) => typename === deciding.typename) as AnnouncedNode;
    const down = `${alias}c`;
    const points = deciding.columns.map((column, place) => `${down}.${id(column)} = ${alias}.${id(node.key[place] as string)}`);
    const alive = child.softDelete ? [`${down}.${id(child.softDelete.column)} IS NULL`] : [];
    return `EXISTS (SELECT 1 FROM ${id(child.table.schema)}.${id(child.table.name)} ${down}
    WHERE ${[...points, ...alive, isOfTenant(child, nodes, down, wanted)].join(' AND ')})`;
  }
  const { parent: above } = tenant as { parent: { column: string; typename: string } };
  const parent = nodes.find(({ typename }) => typename === above.typename) as AnnouncedNode;
  const up = `${alias}p`;
  return `EXISTS (SELECT 1 FROM ${id(parent.table.schema)}.${id(parent.table.name)} ${up}
    WHERE ${up}.${id(parent.key[0] as string)} = ${alias}.${id(above.column)} AND ${isOfTenant(parent, nodes, up, wanted)})`;
}
