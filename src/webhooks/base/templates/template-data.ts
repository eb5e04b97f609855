// Creates sample data in the shape of a query's response, so that templates can be checked before the first notification.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { AnnouncedNode, Json, Operation } from '../model.js';

/** The sample text contains characters that need escaping in JSON and XML. */
const TEXT = `invented "text" <of> O'Brien & Co`;
const SCALARS: Record<string, Json> = { ID: 'aW52ZW50ZWQ', Int: 1, Float: 1.5, Boolean: true, DateTime: '2020-01-02T03:04:05.678Z' };

/** Sample values of the variable `notification`, which templates can read. payload/notification.ts builds the real values. */
export const INVENTED_NOTIFICATION: Record<string, Json> = {
  notification: {
    id: '123456789012345678',
    eventId: '123456789012345677',
    topic: 'thing/created',
    topicVersion: '1.1',
    phase: 'after',
    live: false,
    snapshot: false,
    nodeId: 'aW52ZW50ZWQ',
    nodeType: 'Thing',
    webhookId: '00000000-0000-4000-8000-000000000000',
    time: '2020-01-02T03:04:05.678Z',
  },
};

/** The shape of the variable `event`, which templates can read. payload/build-event.ts builds the real values. */
export interface InventedEvent {
  operation: Operation;
  changed: string[];
  before: Record<string, Json> | null;
  after: Record<string, Json> | null;
  actor: Json;
}

/** Returns a sample event with every field that an event of the type can contain, since a template may read any of them. */
export function inventEvent(schema: GraphQLSchema, node: AnnouncedNode | null, operation: Operation): InventedEvent {
  const type = schema.getType(node?.typename ?? '');
  const fields = isObjectType(type) ? type.getFields() : {};
  const names = Object.values(node?.columns ?? {}).filter((name) => Object.hasOwn(fields, name));
  const row = Object.fromEntries(names.map((name) => [name, inventValue(fields[name]?.type as GraphQLOutputType)]));
  return {
    operation,
    changed: operation === 'updated' ? names : [],
    before: operation === 'created' ? null : row,
    after: operation === 'deleted' ? null : row,
    actor: { userId: '00000000-0000-4000-8000-000000000000' },
  };
}

/** Returns a sample value of a column. For a relation, it is the key that the column holds. */
function inventValue(type: GraphQLOutputType): Json {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [inventValue(nullable.ofType)];
  const named = getNamedType(nullable);
  if (isEnumType(named)) return named.getValues()[0]?.name ?? TEXT;
  return Object.hasOwn(SCALARS, named.name) ? (SCALARS[named.name] as Json) : TEXT;
}

/** Returns a sample of the payload of a subscription without a query. It contains a URL if the host has `objectUrl`. */
export function inventLink(objectUrl: ((nodeId: string) => string | null) | undefined): Json {
  const id = 'aW52ZW50ZWQ';
  const url = objectUrl?.(id) ?? null;
  return { id, ...(url !== null && { url }) };
}

/**
 * Returns sample data for a valid query. Where a field returns an interface such as Node, its type is `typename`, the topic's node type.
 */
export function inventData(schema: GraphQLSchema, document: DocumentNode, typename: string): { data: Json } {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const query = schema.getQueryType();
  const data: Record<string, Json> = {};
  if (operation && query) select(query, operation.selectionSet, data);
  return { data };

  function select(type: GraphQLObjectType, set: SelectionSetNode, into: Record<string, Json>): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const key = selection.alias?.value ?? name;
        const field = type.getFields()[name];
        if (field) into[key] = invent(field.type, selection.selectionSet, into[key]);
        else if (name === '__typename') into[key] = type.name;
        else into[key] = null;
        continue;
      }
      const part = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      const condition = part?.typeCondition?.name.value;
      if (part && (condition === undefined || covers(condition, type))) select(type, part.selectionSet, into);
    }
  }

  /** `known`: the value of an earlier selection with the same response key, into which this selection is merged. */
  function invent(type: GraphQLOutputType, set: SelectionSetNode | undefined, known: Json | undefined): Json {
    const nullable = getNullableType(type);
    if (isListType(nullable)) return [invent(nullable.ofType, set, Array.isArray(known) ? known[0] : undefined)];
    const named = getNamedType(nullable);
    if (isEnumType(named)) return named.getValues()[0]?.name ?? TEXT;
    const object = isObjectType(named) ? named : isAbstractType(named) ? implementer(named.name) : null;
    if (!object || !set) return Object.hasOwn(SCALARS, named.name) ? (SCALARS[named.name] as Json) : TEXT;
    const into = typeof known === 'object' && known !== null && !Array.isArray(known) ? known : {};
    select(object, set, into);
    return into;
  }

  function covers(condition: string, type: GraphQLObjectType): boolean {
    const named = schema.getType(condition);
    return named === type || (isAbstractType(named) && schema.isSubType(named, type));
  }

  function implementer(abstract: string): GraphQLObjectType | null {
    const named = schema.getType(abstract);
    if (!isAbstractType(named)) return null;
    const possible = schema.getPossibleTypes(named);
    return possible.find((type) => type.name === typename) ?? possible[0] ?? null;
  }
}
