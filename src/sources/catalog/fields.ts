// Finds the field of each column of a table: the field in the source's model (such as Prisma's), or the GraphQL field with
// the column's name in either snake_case or camelCase.
import { type GraphQLObjectType, type GraphQLSchema, isObjectType } from 'graphql';
import type { SourceModel } from '../source.js';
import type { KnownTable } from './known-table.js';
import type { CatalogTable } from './read-catalog.js';

export const camelCase = (name: string): string => name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

export function objectTypeOf(schema: GraphQLSchema | undefined, typename: string): GraphQLObjectType | undefined {
  const type = schema?.getType(typename);
  return isObjectType(type) ? type : undefined;
}

/**
 * Maps each column's name to its field's name. A foreign key `author_id` maps to the relation's field `author` when the
 * GraphQL type has that field, but no field `authorId`.
 */
export function fieldsOf({
  typename,
  table,
  model,
  schema,
}: {
  typename: string;
  table: CatalogTable;
  model: SourceModel | undefined;
  schema?: GraphQLSchema;
}): Record<string, string> {
  const shown = objectTypeOf(schema, typename)?.getFields();
  const has = (name: string) => shown?.[name] !== undefined;
  return Object.fromEntries(
    table.columns.map(({ name: column }) => {
      const own = model?.columns[column] ?? (has(column) ? column : camelCase(column));
      if (has(own)) return [column, own];
      const relation = model?.relations.find(({ holdsKey, columns }) => holdsKey && columns.length === 1 && columns[0] === column)?.field;
      const stem = camelCase(column.replace(/_id$/, '')).replace(/Id$/, '');
      const isKey = table.foreignKeys.some(({ columns }) => columns.length === 1 && columns[0] === column);
      const related = relation ?? (isKey && has(stem) ? stem : undefined);
      return [column, related ?? own];
    }),
  );
}

/** Finds a column by its own name or by its field's name. */
export function columnOf({ table, model, fields }: Pick<KnownTable, 'table' | 'model' | 'fields'>, name: string): string | undefined {
  const has = (column: string | undefined) => table.columns.some((one) => one.name === column);
  const ofModel = Object.entries(model?.columns ?? {}).find(([, field]) => field === name)?.[0];
  if (has(ofModel)) return ofModel;
  if (has(name)) return name;
  return Object.entries(fields).find(([, field]) => field === name)?.[0] ?? table.columns.find((one) => camelCase(one.name) === name)?.name;
}
