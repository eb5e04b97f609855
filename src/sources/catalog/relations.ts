// Finds the table that a type's relation leads to, and the columns that join the two.
import { type GraphQLSchema, getNamedType } from 'graphql';
import { columnOf, objectTypeOf } from './fields.js';
import type { KnownTable } from './known-table.js';
import type { CatalogForeignKey } from './read-catalog.js';

export interface Relation {
  other: KnownTable;
  columns: string[];
  foreignColumns: string[];
  /** Whether this type's table holds the foreign key. */
  holdsKey: boolean;
}

/**
 * Finds the relation that a host means by `name` in a table option such as `tenant: { of: name }`. The name may be a
 * relation of the source's model, a column with a foreign key, a relation field of the GraphQL type, or another type's name.
 */
export function relationOf(
  known: KnownTable,
  name: string,
  { tables, schema }: { tables: KnownTable[]; schema: GraphQLSchema | undefined },
): Relation | null {
  const ofModel = known.model?.relations.find(({ field }) => field === name);
  if (ofModel && ofModel.columns.length > 0) {
    const other = tables.find(({ typename }) => typename === ofModel.typename);
    return other ? { other, columns: ofModel.columns, foreignColumns: ofModel.foreignColumns, holdsKey: ofModel.holdsKey } : null;
  }
  const column = columnOf(known, name);
  const byColumn = known.table.foreignKeys.filter(({ columns }) => column !== undefined && columns.includes(column));
  const down = byColumn.map((key) => outward(key, tables)).find(Boolean);
  if (down) return down;
  const typename = targetOf(known, name, schema);
  const other = tables.find((table) => table.typename === typename);
  return other ? between(known, other, tables) : null;
}

/**
 * Returns the type that a relation leads to, from the source or the GraphQL schema. If neither knows the relation,
 * returns `name`, which may itself be a typename.
 */
export const targetOf = (known: KnownTable, name: string, schema: GraphQLSchema | undefined): string =>
  known.model?.relations.find(({ field }) => field === name)?.typename ?? graphqlTarget(known, name, schema) ?? name;

function graphqlTarget({ typename }: KnownTable, name: string, schema: GraphQLSchema | undefined): string | undefined {
  const field = objectTypeOf(schema, typename)?.getFields()[name];
  if (!field) return undefined;
  const target = getNamedType(field.type);
  if (target.name === undefined) return undefined;
  // The field may return a Relay connection, such as OrderConnection; then the relation leads to the type of its `nodes`.
  const nodes = objectTypeOf(schema, target.name)?.getFields().nodes;
  return nodes ? getNamedType(nodes.type).name : target.name;
}

function outward(key: CatalogForeignKey, tables: KnownTable[]): Relation | null {
  const other = tables.find(({ table }) => table.schema === key.table.schema && table.name === key.table.name);
  return other ? { other, columns: key.columns, foreignColumns: key.foreignColumns, holdsKey: true } : null;
}

/**
 * Finds the relation between two tables. Returns `null` when they have no foreign key between them, or several in one
 * direction; then the host must name a column.
 */
function between(known: KnownTable, other: KnownTable, tables: KnownTable[]): Relation | null {
  const leads = (from: KnownTable, to: KnownTable) =>
    from.table.foreignKeys.filter(({ table }) => table.schema === to.table.schema && table.name === to.table.name);
  const [out, second] = leads(known, other);
  if (out && !second) return outward(out, tables);
  const [back, another] = leads(other, known);
  if (out || !back || another) return null;
  return { other, columns: back.foreignColumns, foreignColumns: back.columns, holdsKey: false };
}
