// Defines node types: each from the name of a Prisma model, and from options for what the model doesn't say.

import type { Viewer } from '../../auth/viewer.js';
import type PrismaTypes from '../../generated/nodes/pothos-types.js';
import type { When } from '../../index.js';
import { type Field, fieldOf, type Model, type Row } from '../../sources/prisma/index.js';
import { type Client, modelOf } from '../prisma.js';
import type { Types } from './schema-types.js';

type ModelName = keyof PrismaTypes;
type FieldName<M extends ModelName> = Extract<keyof PrismaTypes[M]['Shape'], string>;
type ListName<M extends ModelName> = Extract<PrismaTypes[M]['ListRelations'], string>;
type RelationName<M extends ModelName> = Extract<PrismaTypes[M]['RelationName'], string>;

export interface NodeOptions<M extends ModelName> {
  /** The name of the root field that lists the type. Default: the type's name in lower case with an s, like `users`. */
  plural?: string;
  /** The field with the organization's id, or the relation to a parent node that determines the organization. Default: `organizationId`. */
  tenant?: FieldName<M> | RelationName<M>;
  /** The field with the environment's id. Default: `environmentId`, if the model has it. */
  environment?: FieldName<M>;
  /** The field that becomes non-null when a row is soft-deleted. */
  softDelete?: FieldName<M>;
  /**
   * Additional topics, each with the changes that cause its events: `'call/completed': { state: { to: 'COMPLETED', description: 'A call is
   * over.' } }`.
   */
  when?: Record<string, Partial<Record<FieldName<M>, When[string]>>>;
  /** To-many relations that become connections (paginated lists) of the GraphQL type. */
  connections?: ListName<M>[];
  /** Connections that mutations can set, by a list of ids: `members` by `memberIds`. */
  writableConnections?: ListName<M>[];
  /** Connections under another name, or limited to some of the related rows. */
  furtherConnections?: Record<string, { of: ListName<M>; where?: Row; description?: string }>;
  /** Fields and relations that the API doesn't show. */
  hidden?: (FieldName<M> | RelationName<M>)[];
  /** Text fields that the argument `fullText` searches; without any, the argument doesn't exist. */
  fullText?: FieldName<M>[];
  /** Additional arguments of connections, each of which filters by a list of values of an attribute: `{ valueTypes: 'valueType' }`. */
  anyOf?: Record<string, FieldName<M>>;
  /** Deprecated attributes and to-one relations, with the deprecation reason. */
  deprecated?: Partial<Record<FieldName<M> | RelationName<M>, string>>;
  /** Further attributes for `orderBy`, each with the fields to sort by: `name: ['firstName', 'lastName']`. */
  orderBy?: Record<string, FieldName<M>[]>;
  /** Whether only admins may change rows of the type. */
  adminOnly?: boolean;
  /**
   * Computes further values of a new row from the given values. Must not write to the database, because it may be called several times for
   * a row, and outside of the transaction that writes the row.
   */
  complete?: (row: Partial<PrismaTypes[M]['Shape']>, source: { tx: Client; viewer: Viewer }) => Promise<Partial<PrismaTypes[M]['Shape']>>;
  /** Fields that are computed, in addition to the model's fields. */
  fields?: (t: PothosSchemaTypes.PrismaObjectFieldBuilder<Types, PrismaTypes[M]>) => object;
}

/** The untyped form of NodeOptions, for code that handles any type. */
export interface NodeDefinition {
  model: Model;
  plural: string;
  tenant: string;
  environment?: string;
  softDelete?: string;
  when: Record<string, When>;
  connections: string[];
  writableConnections: string[];
  furtherConnections: Record<string, { of: string; where?: Row; description?: string }>;
  hidden: string[];
  fullText: string[];
  anyOf: Record<string, string>;
  deprecated: Record<string, string>;
  orderBy: Record<string, string[]>;
  adminOnly: boolean;
  complete?: (row: Row, source: { tx: Client; viewer: Viewer }) => Promise<Row>;
  fields?: (t: never) => object;
}

/** Names of the fields that the database sets, and that mutations can't set. */
export const KEPT_BY_DATABASE = ['createdAt', 'updatedAt'];

export function defineNode<M extends ModelName>(name: M, options: NodeOptions<M> = {}): NodeDefinition {
  const model = modelOf(name);
  const has = (field: string) => model.fields.some((candidate) => candidate.name === field);
  return {
    when: {},
    connections: [],
    writableConnections: [],
    furtherConnections: {},
    hidden: [],
    fullText: [],
    anyOf: {},
    deprecated: {},
    orderBy: {},
    adminOnly: false,
    ...(options as object),
    model,
    plural: options.plural ?? `${name.charAt(0).toLowerCase()}${name.slice(1)}s`,
    tenant: options.tenant ?? 'organizationId',
    environment: options.environment ?? (has('environmentId') ? 'environmentId' : undefined),
  };
}

/**
 * Returns the fields that lead from a row to its organization's id: `['organizationId']`, or for example `['call',
 * 'organizationId']`.
 */
export function tenantPath(definition: NodeDefinition, definitions: NodeDefinition[]): string[] {
  const field = fieldOf(definition.model, definition.tenant);
  if (field.kind !== 'object') return [field.name];
  return [field.name, ...tenantPath(definitionOf(field.type, definitions), definitions)];
}

export function definitionOf(typename: string, definitions: NodeDefinition[]): NodeDefinition {
  const found = definitions.find(({ model }) => model.name === typename);
  if (!found) throw new Error(`${typename} is not a node type, because src/sample/nodes/list.ts does not list it`);
  return found;
}

/** Returns Prisma's `where` for the rows of an organization. `path` is the result of tenantPath. */
export function whereTenant(path: string[], organizationId: string): Row {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), organizationId) as Row;
}

/** Returns the columns that the API shows as fields: all but keys, foreign keys and hidden fields. */
export function attributesOf({ model, hidden, tenant }: NodeDefinition): Field[] {
  const keys = new Set(model.fields.flatMap(({ relationFromFields }) => relationFromFields ?? []));
  return model.fields.filter(
    (field) =>
      (field.kind === 'scalar' || field.kind === 'enum') &&
      !field.isId &&
      !model.primaryKey?.fields.includes(field.name) &&
      !keys.has(field.name) &&
      field.name !== tenant &&
      !hidden.includes(field.name),
  );
}

/** Returns the to-one relations that the API shows as fields. */
export function relationsOf({ model, hidden }: NodeDefinition, definitions: NodeDefinition[]): Field[] {
  return model.fields.filter(
    ({ kind, isList, type, name }) =>
      kind === 'object' && !isList && !hidden.includes(name) && definitions.some((definition) => definition.model.name === type),
  );
}
