// Generates a GraphQL schema from announced tables, for hosts without a schema: a type for each table, with a field for
// each column and each relation, and a root field that finds a row by its key.
import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLFloat,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import type { AnnouncedNode } from '../../webhooks/index.js';
import { camelCase } from './fields.js';
import { generatedRelations } from './generated-relations.js';
import type { KnownTable } from './known-table.js';
import type { CatalogColumn } from './read-catalog.js';
import type { Row, RowReader } from './rows.js';
import { fieldName, lowerFirst, plural } from './words.js';

/** Maximum and default number of rows that a list field returns. */
const LIST = { greatest: 100, usual: 25 };

export interface TablesSchema {
  schema: GraphQLSchema;
  /** Maps each typename to the root field that finds an object of the type: `Space: 'space(id: $id)'`. */
  find: Record<string, string>;
}

export interface TablesSchemaOptions {
  tables: KnownTable[];
  nodes: AnnouncedNode[];
  /**
   * Returns the reader that the generated resolvers use. It reads only rows of the tenant of `context`, the GraphQL context.
   */
  readerOf(context: object): RowReader;
}

const JSON_SCALAR = new GraphQLScalarType({ name: 'JSON', description: 'Any JSON value.' });
const DATE_TIME = new GraphQLScalarType({ name: 'DateTime', description: 'A date and time in ISO 8601 format, in UTC.' });

/**
 * Maps a Postgres type to its GraphQL scalar. A type without an entry becomes a String, for example `numeric` and `int8`,
 * because a double can't hold all of their digits.
 */
const SCALARS: Record<string, GraphQLScalarType> = {
  int2: GraphQLInt,
  int4: GraphQLInt,
  float4: GraphQLFloat,
  float8: GraphQLFloat,
  bool: GraphQLBoolean,
  json: JSON_SCALAR,
  jsonb: JSON_SCALAR,
  timestamp: DATE_TIME,
  timestamptz: DATE_TIME,
};

/**
 * Postgres types with values that GraphQL can't represent (infinite timestamps, NaN). Their fields are nullable, so
 * that such a value makes only its own field null.
 */
const SOMETIMES_UNREPRESENTABLE = new Set(['float4', 'float8', 'timestamp', 'timestamptz']);

export function createTablesSchema({ tables, nodes, readerOf }: TablesSchemaOptions): TablesSchema {
  const enums = new Map<string, GraphQLEnumType>();
  const types = new Map<string, GraphQLObjectType>();
  const shown = tables.filter(({ typename }) => nodes.some((node) => node.typename === typename));
  for (const known of shown)
    types.set(
      known.typename,
      new GraphQLObjectType({
        name: known.typename,
        description: known.table.comment ?? `A row of \`${known.table.name}\`.`,
        fields: () => ({ ...ownFields(known, enums, nodes), ...relations(known, { shown, types, nodes, readerOf }) }),
      }),
    );
  const find: Record<string, string> = {};
  const query: GraphQLFieldConfigMap<unknown, object> = {};
  for (const known of shown) {
    const node = nodes.find(({ typename }) => typename === known.typename) as AnnouncedNode;
    const declared = declaredFields(known, nodes);
    const args = node.key.map((column) => ({ column, name: declared[column] ?? camelCase(column) }));
    const field = lowerFirst(known.typename);
    find[known.typename] = `${field}(${args.map(({ name }) => `${name}: $${name}`).join(', ')})`;
    query[field] = {
      type: types.get(known.typename) as GraphQLObjectType,
      description: `The ${known.typename} with this key; \`null\` when it does not exist or you may not read it.`,
      args: Object.fromEntries(
        args.map(({ column, name }) => {
          const { type } = known.table.columns.find((one) => one.name === column) as CatalogColumn;
          return [name, { type: new GraphQLNonNull(keyType(type)) }];
        }),
      ),
      resolve: (_root, given, context) =>
        readerOf(context).one(
          known,
          node.key,
          args.map(({ name }) => (given[name] === null ? null : String(given[name]))),
        ),
    };
  }
  return { schema: new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: query }) }), find };
}

interface Graph extends Pick<TablesSchemaOptions, 'nodes' | 'readerOf'> {
  /** The tables whose type the generated schema contains. */
  shown: KnownTable[];
  types: ReadonlyMap<string, GraphQLObjectType>;
}

type RowField = GraphQLFieldConfigMap<Row, object>[string];

/** Returns a field for each foreign key of the table, and for each foreign key that refers to the table. */
function relations(known: KnownTable, { shown, types, nodes, readerOf }: Graph): GraphQLFieldConfigMap<Row, object> {
  const taken = Object.values(declaredFields(known, nodes));
  return Object.fromEntries(
    generatedRelations(known, shown, taken).flatMap(({ field, other, columns, foreignColumns, isList }): [string, RowField][] => {
      const type = types.get(other.typename);
      if (!type) return [];
      const valuesOf = (row: Row) => columns.map((column) => row.columns[column] ?? null);
      const toOne: RowField = {
        type,
        description: `The ${other.typename} that this ${known.typename} belongs to.`,
        resolve: (row, _args, context) => readerOf(context).one(other, foreignColumns, valuesOf(row)),
      };
      if (!isList) return [[field, toOne]];
      const toMany: RowField = {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type))),
        description: `The ${plural(other.typename)} that belong to this ${known.typename}, sorted by key.`,
        args: {
          first: {
            type: GraphQLInt,
            description: `The maximum number of rows, 1–${LIST.greatest}. Default: ${LIST.usual}.`,
            defaultValue: LIST.usual,
          },
        },
        resolve: (row, args, context) =>
          readerOf(context).many(other, foreignColumns, {
            values: valuesOf(row),
            first: Math.min(Math.max(1, args.first ?? LIST.usual), LIST.greatest),
          }),
      };
      return [[field, toMany]];
    }),
  );
}

/** Maps each announced column to the name of its field. Columns that the host omits have no field. */
function declaredFields({ typename, table }: KnownTable, nodes: AnnouncedNode[]): Record<string, string> {
  const declared = nodes.find((node) => node.typename === typename)?.columns ?? {};
  // A foreign key keeps its column's name; the relation is a separate field.
  return Object.fromEntries(table.columns.filter(({ name }) => declared[name] !== undefined).map(({ name }) => [name, fieldName(name)]));
}

function ownFields(known: KnownTable, enums: Map<string, GraphQLEnumType>, nodes: AnnouncedNode[]): GraphQLFieldConfigMap<Row, object> {
  const declared = declaredFields(known, nodes);
  return Object.fromEntries(
    known.table.columns.flatMap((column) => {
      const name = declared[column.name];
      if (name === undefined) return [];
      const item = typeOf(column, enums);
      const type = column.isArray ? new GraphQLList(item) : item;
      return [
        [
          name,
          {
            type: column.notNull && !SOMETIMES_UNREPRESENTABLE.has(column.type) ? new GraphQLNonNull(type) : type,
            description: column.comment ?? `The value of the column \`${column.name}\`.`,
            resolve: (row: Row) => row.values(column),
          },
        ],
      ];
    }),
  );
}

function typeOf({ type, labels }: CatalogColumn, enums: Map<string, GraphQLEnumType>): GraphQLOutputType {
  if (!labels?.every((label) => /^[A-Za-z_]\w*$/.test(label) && !['true', 'false', 'null'].includes(label)))
    return SCALARS[type] ?? GraphQLString;
  const name = fieldName(type).replace(/^./, (first) => first.toUpperCase());
  const known = enums.get(name) ?? new GraphQLEnumType({ name, values: Object.fromEntries(labels.map((label) => [label, {}])) });
  enums.set(name, known);
  return known;
}

const keyType = (type: string): GraphQLInputType => (type === 'int2' || type === 'int4' ? GraphQLInt : GraphQLString);
