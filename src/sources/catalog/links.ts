// Turns the option `links` of a table into links: the rows of another table that connect this type's rows with others.
import type { GraphQLSchema } from 'graphql';
import type { Link } from '../../webhooks/index.js';
import type { KnownTable } from './known-table.js';
import type { CatalogTable } from './read-catalog.js';
import { targetOf } from './relations.js';

interface Surroundings {
  tables: KnownTable[];
  catalog: CatalogTable[];
  schema: GraphQLSchema | undefined;
  fail(message: string, hint: string): void;
}

/** Returns the links of a type, and reports those that can't be found. `key`: the type's key columns. */
export function linksOf(known: KnownTable, key: string[], around: Surroundings): Link[] {
  const { links = [] } = known.options;
  const named = Array.isArray(links) ? links.map((field) => [field, undefined] as const) : Object.entries(links);
  return named.flatMap(([field, said]) => {
    const { table: name, column } = typeof said === 'string' ? { table: said } : (said ?? {});
    return linkOf(known, { field, name, column, key }, around) ?? [];
  });
}

interface Wanted {
  field: string;
  name: string | undefined;
  column: string | undefined;
  key: string[];
}

function linkOf(known: KnownTable, { field, name, column, key }: Wanted, around: Surroundings): Link | null {
  const refuse = (message: string): null => {
    around.fail(
      `\`links\` names "${field}", but ${message}`,
      `Name the table: \`links: { ${field}: '<table with a foreign key to ${known.table.name}>' }\`.`,
    );
    return null;
  };
  const [table, second] = name === undefined ? findTables(known, field, around) : around.catalog.filter((one) => one.name === name);
  if (!table) return refuse(name === undefined ? 'no table links the two types.' : `the database has no table "${name}".`);
  if (second) return refuse(`several tables do: ${table.name}, ${second.name}.`);
  if (table.primaryKey.length === 0) return refuse(`${table.name} has no primary key, so its rows can't be identified.`);
  const link = (columns: string[]): Link => ({
    field,
    table: { schema: table.schema, name: table.name },
    key: table.primaryKey,
    columns,
    ...otherEnd(table, columns, { known, field, around }),
  });
  // A named column is used without a foreign key, because a foreign key may be dropped when a table is replaced.
  if (column !== undefined && key.length === 1 && table.columns.some((one) => one.name === column)) return link([column]);
  const [foreign, another] = keysTo(table, known.table).filter(({ columns }) => column === undefined || columns.includes(column));
  if (!foreign)
    return refuse(`${table.name} has no ${column === undefined ? `foreign key to ${known.table.name}` : `column "${column}"`}.`);
  if (another) {
    around.fail(
      `\`links\` names "${field}", but ${table.name} has several foreign keys to ${known.table.name}.`,
      `Name the column: \`links: { ${field}: { table: '${table.name}', column: '${foreign.columns[0]}' } }\`.`,
    );
    return null;
  }
  // A foreign key may list its columns in another order than the key; sorts them in the order of the key's columns.
  const columns = key.map((one) => foreign.columns[foreign.foreignColumns.indexOf(one)]).filter((one) => one !== undefined);
  if (columns.length === key.length && foreign.columns.length === key.length) return link(columns);
  return refuse(`${table.name} refers to (${foreign.foreignColumns.join(', ')}), and must refer to the key (${key.join(', ')}).`);
}

/**
 * Finds the other end of the links: the row of the links' table itself, where the field leads to such rows, otherwise a row that it
 * references. If the field's type is unknown and the table is announced, each row is a link, because the field may list these rows.
 */
function otherEnd(
  table: CatalogTable,
  columns: string[],
  { known, field, around }: { known: KnownTable; field: string; around: Surroundings },
): Pick<Link, 'otherColumns' | 'otherEnds'> {
  const others = (list: string[]) => [...new Set(list)].filter((one) => !columns.includes(one));
  const target = around.tables.find(({ typename }) => typename === targetOf(known, field, around.schema))?.table;
  if (target && sameTable(target, table)) return { otherColumns: others(table.primaryKey) };
  const held = table.foreignKeys.flatMap((foreign) => foreign.columns);
  const otherColumns = others([...held, ...(table.primaryKey.length > 1 ? table.primaryKey : [])]);
  const isNullable = (column: string) => table.columns.some(({ name, notNull }) => name === column && !notNull);
  if (!otherColumns.some(isNullable)) return { otherColumns };
  const foreign = table.foreignKeys.filter((one) => others(one.columns).length > 0);
  const aimed = target ? foreign.filter((one) => sameTable(one.table, target)) : [];
  const isAnnounced = around.tables.some((one) => sameTable(one.table, table));
  const otherEnds = aimed.length > 0 ? aimed : isAnnounced ? [] : foreign;
  return { otherColumns, otherEnds: otherEnds.map((one) => one.columns) };
}

const sameTable = (one: { schema: string; name: string }, other: { schema: string; name: string }): boolean =>
  one.schema === other.schema && one.name === other.name;

/** Returns the tables whose rows may be the links: join tables of the two types, otherwise the table of the other type itself. */
function findTables(known: KnownTable, field: string, { tables, catalog, schema }: Surroundings): CatalogTable[] {
  const typename = targetOf(known, field, schema);
  const other = tables.find((one) => one.typename === typename)?.table;
  if (!other) return [];
  const joins = catalog.filter((table) => {
    const held = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
    const isJoin = table.primaryKey.length > 0 && table.primaryKey.every((column) => held.has(column));
    return isJoin && table.foreignKeys.length > 1 && keysTo(table, known.table).length > 0 && keysTo(table, other).length > 0;
  });
  if (joins.length > 0) return joins;
  return keysTo(other, known.table).length > 0 ? [other] : [];
}

const keysTo = (from: CatalogTable, to: CatalogTable) =>
  from.foreignKeys.filter(({ table }) => table.schema === to.schema && table.name === to.name);
