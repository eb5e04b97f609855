// Finds the tables that an application may announce (whose changes Hookgraph would record), each with a proposed type, and
// the tables to leave out.
import type { GraphQLObjectType, GraphQLSchema } from 'graphql';
import { isObjectType } from 'graphql';
import type { Knowledge } from '../../sources/catalog/complete.js';
import { fieldsOf } from '../../sources/catalog/fields.js';
import { findTable } from '../../sources/catalog/find-table.js';
import type { KnownTable } from '../../sources/catalog/known-table.js';
import type { CatalogTable } from '../../sources/catalog/read-catalog.js';
import type { TableDefaults, TableOptions } from '../../sources/catalog/table-options.js';
import { toolOf, typenameOf } from './names.js';

/** A table that may be announced. */
export interface Candidate extends KnownTable {
  /** Whether the GraphQL schema has a type for the table; `true` when the application has no GraphQL schema. */
  isShown: boolean;
  key: string[];
}

export interface LeftOut {
  table: CatalogTable;
  why: string;
}

export interface Survey extends Knowledge {
  candidates: Candidate[];
  left: LeftOut[];
  /** The Postgres schema that has all tables; `undefined` for `public`, or when several schemas have tables. */
  schemaName: string | undefined;
}

export function findCandidates(knowledge: Knowledge): Survey {
  const left: LeftOut[] = [];
  const own = knowledge.catalog.filter((table) => {
    const why = toolOf(table);
    if (why !== null) left.push({ table, why });
    return why === null;
  });
  const schemas = new Set(own.map(({ schema }) => schema));
  const [only] = schemas;
  const schemaName = schemas.size === 1 && only !== 'public' ? only : undefined;
  const taken = new Set<string>();
  const candidates = own.flatMap((table): Candidate[] => {
    const key = keyOf(table);
    const found = key && typeFor(table, knowledge, schemaName);
    if (!found) {
      left.push({ table, why: key ? 'Prisma has no model for this table' : 'the table has no key' });
      return [];
    }
    const typename = taken.has(found.typename) ? typenameOf(`${table.schema}_${table.name}`) : found.typename;
    taken.add(typename);
    const model = knowledge.models.find((candidate) => candidate.typename === typename);
    const options: TableOptions = {
      ...(isFound(table, typename, knowledge, schemaName) ? {} : { table: nameOf(table, schemaName) }),
      ...(table.primaryKey.length === 0 && { key }),
    };
    return [{ typename, options, table, model, key, isShown: found.isShown, fields: fieldsOf({ typename, table, model, ...knowledge }) }];
  });
  return { ...knowledge, candidates, left, schemaName };
}

/** Returns the primary key, else a unique key of NOT NULL columns; `null` when the table has neither. */
function keyOf({ primaryKey, uniqueKeys, columns }: CatalogTable): string[] | null {
  if (primaryKey.length > 0) return primaryKey;
  return uniqueKeys.find((key) => key.length > 0 && key.every((name) => columns.find((column) => column.name === name)?.notNull)) ?? null;
}

function typeFor(
  table: CatalogTable,
  { catalog, models, schema }: Knowledge,
  schemaName: string | undefined,
): { typename: string; isShown: boolean } | null {
  const model = models.find((candidate) => candidate.table.schema === table.schema && candidate.table.name === table.name);
  if (model) return { typename: model.typename, isShown: !schema || isObjectType(schema.getType(model.typename)) };
  if (models.length > 0) return null;
  const fitting =
    schema &&
    typesOf(schema).find(({ name }) => {
      const found = findTable({ typename: name, options: {}, defaults: defaultsFor(schemaName), catalog, models });
      return 'table' in found && found.table === table;
    });
  return fitting ? { typename: fitting.name, isShown: true } : { typename: typenameOf(table.name), isShown: !schema };
}

function typesOf(schema: GraphQLSchema): GraphQLObjectType[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type),
  ) as GraphQLObjectType[];
}

const defaultsFor = (schema: string | undefined): TableDefaults => (schema === undefined ? {} : { schema });

function isFound(table: CatalogTable, typename: string, { catalog, models }: Knowledge, schemaName: string | undefined): boolean {
  const found = findTable({ typename, options: {}, defaults: defaultsFor(schemaName), catalog, models });
  return 'table' in found && found.table === table;
}

const nameOf = ({ schema, name }: CatalogTable, schemaName: string | undefined): string =>
  schema === (schemaName ?? 'public') ? name : `${schema}.${name}`;
