// Decides the names of Hookgraph's types and fields in the merged schema, and which of the host's types replace
// Hookgraph's.
import { type GraphQLSchema, isCompositeType, isIntrospectionType, isObjectType, isSpecifiedScalarType } from 'graphql';
import { WebhooksError } from '../../webhooks/index.js';
import type { Api } from '../create-api.js';
import { isShared, meansTheSame } from './same-meaning.js';

export interface MergedNames {
  /** Names in the merged schema, by Hookgraph's original type names. A type that isn't in the map is left out. */
  types: Map<string, string>;
  /**
   * Original names of Hookgraph's types that are added to the host's schema.
   */
  added: string[];
  /** Names of the host's types, such as PageInfo, that replace Hookgraph's types of the same name. */
  joined: Set<string>;
  /** Maps Hookgraph's root and placeholder types to the host's types that get their fields. */
  receivers: Map<string, string>;
  /** Names of the fields that are added to the host's types, by their original names such as `Query.webhookTopics`. */
  fields: Map<string, string>;
}

/**
 * The default prefix of a root type or shared type (such as PageInfo) whose name the host uses with another meaning. The configured prefix,
 * if any, is used instead.
 */
const USUAL_PREFIX = 'Hookgraph';

export function planNames(host: GraphQLSchema, api: Api, prefix: string | undefined): MergedNames {
  if (prefix !== undefined && !/^(?!__)[A-Za-z_]\w*$/.test(prefix))
    throw new WebhooksError('PREFIX_INVALID', `The prefix ${JSON.stringify(prefix)} can't begin a GraphQL name.`);
  refuseUnknown(host, api);
  const types = planTypes(host, api, prefix);
  const fields = planFields(host, { api, prefix, receivers: types.receivers });
  const taken = [...types.taken, ...fields.taken];
  if (taken.length > 0) throw collision(taken, prefix);
  return { ...types, fields: fields.names };
}

type TypePlan = Omit<MergedNames, 'fields'> & { taken: string[] };

function planTypes(host: GraphQLSchema, api: Api, prefix: string | undefined): TypePlan {
  const plan: TypePlan = { types: new Map(), added: [], joined: new Set(), receivers: new Map(), taken: [] };
  const receivers = new Map([
    ['Query', rootName(host, 'Query')],
    ['Mutation', rootName(host, 'Mutation')],
    ...api.placeholders.map((name): [string, string] => [name, name]),
  ]);
  for (const type of Object.values(api.schema.getTypeMap())) {
    const { name } = type;
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    const theirs = host.getType(name);
    if (receivers.has(name) || !theirs) plan.types.set(name, name);
    else if (meansTheSame(type, theirs)) plan.joined.add(name);
    // Leaves Node out when the host's Node is different: each type of Hookgraph also has a root field that finds its objects.
    else if (name !== 'Node') {
      const before = prefix ?? (isShared(name) ? USUAL_PREFIX : '');
      const merged = prefixedType(before, name);
      if (host.getType(merged)) plan.taken.push(`the type ${merged}`);
      plan.types.set(name, merged);
    }
    if (plan.types.has(name) && !receivers.has(name)) plan.added.push(name);
    if (plan.joined.has(name)) plan.types.set(name, name);
  }
  return { ...plan, receivers };
}

interface FieldPlan {
  api: Api;
  prefix: string | undefined;
  receivers: Map<string, string>;
}

function planFields(host: GraphQLSchema, { api, prefix, receivers }: FieldPlan): { names: Map<string, string>; taken: string[] } {
  const names = new Map<string, string>();
  const taken: string[] = [];
  for (const [own, receiver] of receivers) {
    const type = host.getType(receiver);
    const theirs = isObjectType(type) ? type.getFields() : {};
    for (const field of addedFields(api, own)) {
      const merged = field in theirs && prefix !== undefined ? prefixedField(prefix, field) : field;
      if (merged in theirs) taken.push(`the field ${receiver}.${merged}`);
      names.set(`${own}.${field}`, merged);
    }
  }
  return { names, taken };
}

/**
 * Returns the names of the fields that a type of Hookgraph adds to the host's type. The `id` of a placeholder type is left out, because the
 * host's type has an `id` already.
 */
function addedFields(api: Api, typename: string): string[] {
  const type = api.schema.getType(typename);
  const fields = isObjectType(type) ? Object.keys(type.getFields()) : [];
  return api.placeholders.includes(typename) ? fields.filter((name) => name !== 'id') : fields;
}

function refuseUnknown(host: GraphQLSchema, api: Api): void {
  const unknown = api.placeholders.filter((name) => {
    const type = host.getType(name);
    return addedFields(api, name).length > 0 ? !isObjectType(type) : !isCompositeType(type);
  });
  if (unknown.length === 0) return;
  const what = unknown.length === 1 ? 'type' : 'types';
  throw new WebhooksError(
    'TYPE_UNKNOWN',
    `The option \`types\` of createApi names the ${what} ${unknown.join(', ')}, but the schema has no such object type. Correct the option.`,
  );
}

/** Returns the name of the host's root type or, when the host has none, the name of the root type to create. */
function rootName(host: GraphQLSchema, own: 'Query' | 'Mutation'): string {
  const theirs = own === 'Query' ? host.getQueryType() : host.getMutationType();
  return theirs?.name ?? (host.getType(own) ? prefixedType(USUAL_PREFIX, own) : own);
}

function prefixedType(prefix: string, name: string): string {
  return `${prefix.charAt(0).toUpperCase()}${prefix.slice(1)}${name}`;
}

function prefixedField(prefix: string, name: string): string {
  const rest = prefix.endsWith('_') ? name : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return `${prefix.charAt(0).toLowerCase()}${prefix.slice(1)}${rest}`;
}

function collision(taken: string[], prefix: string | undefined): WebhooksError {
  const [given, advice] =
    prefix === undefined
      ? ['', `Set a prefix for Hookgraph's names, e.g. \`prefix: '${USUAL_PREFIX}'\``]
      : [` with the prefix ${JSON.stringify(prefix)}`, 'Set another prefix'];
  return new WebhooksError(
    'SCHEMA_COLLISION',
    `The webhook API can't be merged${given} into the schema, which uses these names for something else: ${taken.join(', ')}. ${advice}, or rename them in your schema.`,
  );
}
