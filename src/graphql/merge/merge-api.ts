// Merges Hookgraph's API into a host's schema, leaving the host's types and resolvers unchanged.
import { rewireTypes } from '@graphql-tools/utils';
import {
  type GraphQLFieldConfigMap,
  type GraphQLNamedType,
  GraphQLObjectType,
  GraphQLSchema,
  type GraphQLSchemaConfig,
  getNamedType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import type { Api } from '../create-api.js';
import { findOwnNodes, readOwnValues } from './own-values.js';
import { type MergedNames, planNames } from './plan-names.js';

export interface MergeOptions {
  /** A prefix for Hookgraph's names that collide with the host's. `Acme` makes `AcmeWebhookEvent` and `acmeWebhookEvents`. */
  prefix?: string;
}

/**
 * Whether a schema already contains Hookgraph's API, possibly under other names, as a printed copy of a merged schema does. The fields of
 * a type `WebhookSubscription` show whether it is Hookgraph's or the host's own.
 */
export function isMerged(schema: GraphQLSchema, api: Api): boolean {
  const ours = api.schema.getType('WebhookSubscription') as GraphQLObjectType;
  const fields = Object.keys(ours.getFields());
  return Object.values(schema.getTypeMap()).some((type) => {
    if (!isObjectType(type) || !type.name.endsWith(ours.name)) return false;
    const theirs = type.getFields();
    return fields.every((field) => Object.hasOwn(theirs, field));
  });
}

type Types = Record<string, GraphQLNamedType>;
type Fields = GraphQLFieldConfigMap<unknown, object>;

/**
 * Merges the schemas. Copies types by `toConfig()` and joins them by name, which keeps resolvers, `isTypeOf`, enum values, directives and
 * extensions. `mergeSchemas` of @graphql-tools/schema would lose a root type that isn't called Query.
 * @throws WebhooksError `SCHEMA_COLLISION` with all collisions; `TYPE_UNKNOWN` when the host lacks a type that
 * createApi was given
 */
export function mergeApi(host: GraphQLSchema, api: Api, { prefix }: MergeOptions = {}): GraphQLSchema {
  const names = planNames(host, api, prefix);
  const ours = copyOfOurs(api, names);
  const types: Types = { ...host.getTypeMap() };
  for (const name of names.joined) types[name] = readOwnValues(types[name] as GraphQLNamedType, ours[name], names);
  for (const [own, name] of names.receivers) types[name] = withFields(types[name], { own: ours[own], name, names });
  const query = names.receivers.get('Query') as string;
  if (names.joined.has('Node')) types[query] = findOwnNodes(types[query] as GraphQLObjectType, { api, names });
  for (const own of names.added) types[names.types.get(own) as string] = ours[own] as GraphQLNamedType;
  const { typeMap, directives } = rewireTypes(types, host.getDirectives());
  const root = (name = '') => (typeMap[name] as GraphQLObjectType | undefined) ?? null;
  return new GraphQLSchema({
    ...(host.toConfig() as GraphQLSchemaConfig),
    query: root(query),
    mutation: root(names.receivers.get('Mutation')),
    subscription: root(host.getSubscriptionType()?.name),
    types: Object.values(typeMap),
    directives,
    extensions: { ...host.extensions, [RENAMED]: renamedOf(names) } as GraphQLSchemaConfig['extensions'],
  });
}

/** Hookgraph's names that the merged schema has under another name: types by their own names, fields such as `Query.webhookTopics`. */
export interface RenamedParts {
  types: Record<string, string>;
  fields: Record<string, string>;
}

/** The key of the renamed parts in the extensions of a merged schema. */
const RENAMED = 'hookgraphRenamed';

function renamedOf({ types, fields }: MergedNames): RenamedParts {
  return {
    types: Object.fromEntries([...types].filter(([own, merged]) => merged !== own)),
    fields: Object.fromEntries([...fields].filter(([own, merged]) => merged !== own.split('.')[1])),
  };
}

/** Returns what mergeApi renamed in this schema. */
export function renamedIn(schema: GraphQLSchema): RenamedParts {
  return (schema.extensions[RENAMED] as RenamedParts | undefined) ?? { types: {}, fields: {} };
}

/** Copies Hookgraph's types under their merged names, and returns the copies by their original names. */
function copyOfOurs(api: Api, names: MergedNames): Types {
  const renamed: Types = {};
  for (const [own, name] of names.types) renamed[own] = copyOf(api.schema.getType(own) as GraphQLNamedType, name, names);
  const { typeMap } = rewireTypes(renamed, []);
  return Object.fromEntries([...names.types].map(([own, name]) => [own, typeMap[name] as GraphQLNamedType]));
}

/**
 * Copies a type under another name. Drops the interface Node, and fields that return an interface, when the host has no
 * equivalent Node.
 */
function copyOf(type: GraphQLNamedType, name: string, names: MergedNames): GraphQLNamedType {
  if (!isObjectType(type)) {
    const Type = type.constructor as new (config: unknown) => GraphQLNamedType;
    return new Type({ ...type.toConfig(), name });
  }
  const { fields, interfaces, ...config } = type.toConfig();
  const isKnown = (named: GraphQLNamedType) => names.types.has(named.name);
  const answersNode = (field: Fields[string]) => isInterfaceType(getNamedType(field.type));
  return new GraphQLObjectType({
    ...config,
    name,
    interfaces: interfaces.filter(isKnown),
    fields: names.joined.has('Node') ? fields : Object.fromEntries(Object.entries(fields).filter(([, field]) => !answersNode(field))),
  });
}

/** Adds Hookgraph's fields to the host's type. Creates a root type that the host lacks. */
function withFields(
  theirs: GraphQLNamedType | undefined,
  { own, name, names }: { own: GraphQLNamedType | undefined; name: string; names: MergedNames },
): GraphQLNamedType {
  const added: Fields = {};
  for (const [field, config] of Object.entries((own as GraphQLObjectType).toConfig().fields)) {
    const merged = names.fields.get(`${own?.name}.${field}`);
    if (merged !== undefined) added[merged] = config;
  }
  if (Object.keys(added).length === 0) return theirs as GraphQLNamedType;
  const { fields, ...config } = (theirs as GraphQLObjectType | undefined)?.toConfig() ?? { description: own?.description, fields: {} };
  return new GraphQLObjectType({ ...config, name, fields: { ...fields, ...added } });
}
