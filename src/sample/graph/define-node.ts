// A Prisma model's name and what the model can't say in, the definition of a node type out.

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
  /** Default: the name with an s. */
  plural?: string;
  /** The field with the organization's id, or the relation to the node that has it. Default: `organizationId`. */
  tenant?: FieldName<M> | RelationName<M>;
  /** The field with the environment's id. Default: `environmentId`, where there is one. */
  environment?: FieldName<M>;
  /** The field that turns non-null when a row is deleted softly. */
  softDelete?: FieldName<M>;
  /** Further topics: `'call/completed': { state: { to: 'COMPLETED', description: 'A call is over.' } }`. */
  when?: Record<string, Partial<Record<FieldName<M>, When[string]>>>;
  /** Relations to many that are connections of the type. */
  connections?: ListName<M>[];
  /** Those of them that mutations set, by the ids of their members. */
  writableConnections?: ListName<M>[];
  /** Connections under another name, or to some of the related only. */
  furtherConnections?: Record<string, { of: ListName<M>; where?: Row; description?: string }>;
  /** Fields and relations that the API doesn't show. */
  hidden?: (FieldName<M> | RelationName<M>)[];
  /** Text fields that `fullText` searches; without any there is no such argument. */
  fullText?: FieldName<M>[];
  /** Arguments of its connections that take several values of an attribute: any of them will do. */
  anyOf?: Record<string, FieldName<M>>;
  /** Attributes and relations to one that shall not be used any more, with what to use instead. */
  deprecated?: Partial<Record<FieldName<M> | RelationName<M>, string>>;
  /** Attributes to order by that are no fields, as the fields that they stand for. */
  orderBy?: Record<string, FieldName<M>[]>;
  /** Only admins may change them. */
  adminOnly?: boolean;
  /** Completes a new row: what was not given follows from what was. Reads only: it is asked more than once, outside of the write too. */
  complete?: (row: Partial<PrismaTypes[M]['Shape']>, source: { tx: Client; viewer: Viewer }) => Promise<Partial<PrismaTypes[M]['Shape']>>;
  /** Fields beyond the model's: computed ones. */
  fields?: (t: PothosSchemaTypes.PrismaObjectFieldBuilder<Types, PrismaTypes[M]>) => object;
}

/** The same for code that works on any type. */
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

/** Fields that only the database sets. */
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

/** The fields that lead from a row to its organization's id, e.g. `['organizationId']` or `['call', 'organizationId']`. */
export function tenantPath(definition: NodeDefinition, definitions: NodeDefinition[]): string[] {
  const field = fieldOf(definition.model, definition.tenant);
  if (field.kind !== 'object') return [field.name];
  return [field.name, ...tenantPath(definitionOf(field.type, definitions), definitions)];
}

export function definitionOf(typename: string, definitions: NodeDefinition[]): NodeDefinition {
  const found = definitions.find(({ model }) => model.name === typename);
  if (!found) throw new Error(`${typename} is no node: src/sample/nodes/list.ts doesn't list it`);
  return found;
}

/** Prisma's `where` of the rows of one organization. */
export function whereTenant(path: string[], organizationId: string): Row {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), organizationId) as Row;
}

/** The model's own attributes that the API shows: no keys, no foreign keys. */
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

/** The relations to one node that the API shows. */
export function relationsOf({ model, hidden }: NodeDefinition, definitions: NodeDefinition[]): Field[] {
  return model.fields.filter(
    ({ kind, isList, type, name }) =>
      kind === 'object' && !isList && !hidden.includes(name) && definitions.some((definition) => definition.model.name === type),
  );
}
