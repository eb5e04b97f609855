// A query and its schema -> invented data of the shape that the query answers, for trying templates before there is a notification.
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
import type { Json } from '../model.js';

/** The string says what it is, and holds what has to be escaped everywhere. */
const TEXT = `invented "text" <of> O'Brien & Co`;
const SCALARS: Record<string, Json> = { ID: 'aW52ZW50ZWQ', Int: 1, Float: 1.5, Boolean: true, DateTime: '2020-01-02T03:04:05.678Z' };

/** What templates read beside `data`; see payload/notification.ts. */
export const INVENTED_NOTIFICATION: Record<string, Json> = {
  notification: {
    id: '123456789012345678',
    topic: 'thing/created',
    topicVersion: '1.1',
    phase: 'after',
    live: false,
    nodeId: 'aW52ZW50ZWQ',
    nodeType: 'Thing',
    webhookId: '00000000-0000-4000-8000-000000000000',
    time: '2020-01-02T03:04:05.678Z',
  },
};

/** `typename`: the topic's; what an interface such as Node answers. `document` must be valid; null: the default payload. */
export function inventData(schema: GraphQLSchema, document: DocumentNode | null, typename: string): { data: Json } {
  if (!document) return { data: { id: 'aW52ZW50ZWQ', url: 'https://hookgraph.example/api/v3/graphql/object/aW52ZW50ZWQ' } };
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

  /** `known`: what the same key holds already; a field that is selected twice is merged. */
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
