// Which other table a relation of a type leads to, and by which columns.
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

/** By the source's relation, a column with a foreign key, the field of the GraphQL type, or the other type's name. */
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

/** The type that a relation leads to, as the source or the GraphQL type says; else what is named may be a type itself. */
export const targetOf = (known: KnownTable, name: string, schema: GraphQLSchema | undefined): string =>
  known.model?.relations.find(({ field }) => field === name)?.typename ?? graphqlTarget(known, name, schema) ?? name;

function graphqlTarget({ typename }: KnownTable, name: string, schema: GraphQLSchema | undefined): string | undefined {
  const field = objectTypeOf(schema, typename)?.getFields()[name];
  if (!field) return undefined;
  const target = getNamedType(field.type);
  if (target.name === undefined) return undefined;
  // A connection stands for what its nodes are.
  const nodes = objectTypeOf(schema, target.name)?.getFields().nodes;
  return nodes ? getNamedType(nodes.type).name : target.name;
}

function outward(key: CatalogForeignKey, tables: KnownTable[]): Relation | null {
  const other = tables.find(({ table }) => table.schema === key.table.schema && table.name === key.table.name);
  return other ? { other, columns: key.columns, foreignColumns: key.foreignColumns, holdsKey: true } : null;
}

/** Null where there is none or, in one direction, more than one: then a column says which. */
function between(known: KnownTable, other: KnownTable, tables: KnownTable[]): Relation | null {
  const leads = (from: KnownTable, to: KnownTable) =>
    from.table.foreignKeys.filter(({ table }) => table.schema === to.table.schema && table.name === to.table.name);
  const [out, second] = leads(known, other);
  if (out && !second) return outward(out, tables);
  const [back, another] = leads(other, known);
  if (out || !back || another) return null;
  return { other, columns: back.foreignColumns, foreignColumns: back.columns, holdsKey: false };
}
