// Finds the fields by which announced rows lead to each other: those of the host's GraphQL type or, without a schema, one for each
// foreign key.
import type { GraphQLSchema } from 'graphql';
import type { Relation } from '../../webhooks/index.js';
import { camelCase, objectTypeOf } from './fields.js';
import type { KnownTable } from './known-table.js';
import { relationOf, targetOf } from './relations.js';
import { fieldName, lowerFirst, plural } from './words.js';

export interface GeneratedRelation {
  field: string;
  other: KnownTable;
  columns: string[];
  foreignColumns: string[];
  /** Whether the other rows refer to this one. */
  isList: boolean;
}

/**
 * Returns the relations of a type that is generated from its table. `shown`: the tables that have types. A name that a column has (`taken`)
 * gets another ending.
 */
export function generatedRelations(known: KnownTable, shown: KnownTable[], taken: readonly string[]): GeneratedRelation[] {
  const used = new Set(taken);
  return [...belongings(known, shown), ...possessions(known, shown)].flatMap((relation) => {
    const { field } = relation;
    const free = [field, `${field}Row`, `${field}Rows`].find((candidate) => !used.has(candidate));
    if (free === undefined) return [];
    used.add(free);
    return [{ ...relation, field: free }];
  });
}

/** Returns a relation for each foreign key of the table: `customer` is the row that `customer_id` refers to. */
function belongings(known: KnownTable, shown: KnownTable[]): GeneratedRelation[] {
  return known.table.foreignKeys.flatMap(({ columns, foreignColumns, table }) => {
    const other = shown.find((one) => one.table.schema === table.schema && one.table.name === table.name);
    if (!other) return [];
    const field =
      columns.length === 1 ? camelCase((columns[0] as string).replace(/_id$/, '')).replace(/Id$/, '') : lowerFirst(other.typename);
    return [{ field, other, columns, foreignColumns, isList: false }];
  });
}

/** Returns a relation for each foreign key that refers to the table: `orders` are the rows whose `customer_id` is this row's. */
function possessions({ table }: KnownTable, shown: KnownTable[]): GeneratedRelation[] {
  return shown.flatMap((other) =>
    other.table.foreignKeys
      .filter((key) => key.table.schema === table.schema && key.table.name === table.name)
      .map(({ columns, foreignColumns }) => ({
        ...{ field: lowerFirst(plural(other.typename)), other, isList: true },
        ...{ columns: foreignColumns, foreignColumns: columns },
      })),
  );
}

/** Returns the relations of an announced type to others. `columns`: its announced columns. */
export function relationsOf(
  known: KnownTable,
  { tables, schema, columns }: { tables: KnownTable[]; schema: GraphQLSchema | undefined; columns: readonly string[] },
): Relation[] {
  if (!schema)
    return generatedRelations(known, tables, columns.map(fieldName)).map(({ field, other, columns, foreignColumns }) => ({
      ...{ field, typename: other.typename },
      ...{ columns, otherColumns: foreignColumns },
    }));
  return Object.keys(objectTypeOf(schema, known.typename)?.getFields() ?? {}).flatMap((field) => {
    const typename = targetOf(known, field, schema);
    if (!tables.some((one) => one.typename === typename)) return [];
    const found = relationOf(known, field, { tables, schema });
    return found?.other.typename === typename ? [{ field, typename, columns: found.columns, otherColumns: found.foreignColumns }] : [];
  });
}
