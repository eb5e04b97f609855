// Says what each template of a subscription can read, for completion.
import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import type { LiquidScope } from './liquid-complete.js';
import words from './liquid-words.json' with { type: 'json' };
import { isList, shapeOfQuery } from './selection.js';
import type { Shape, Shapes } from './shape.js';

export interface Subject {
  schema: GraphQLSchema;
  /** The GraphQL type of the topic's node; `null` when no topic is chosen. */
  nodeType: string | null;
  /** The query without syntax errors; `null` when the subscription has none. */
  query: DocumentNode | null;
}

/** The scope of the validation template and of the body template. */
export function payloadScope({ schema, nodeType, query }: Subject): LiquidScope {
  const data = query ? shapeOfQuery(schema, query, nodeType) : described('object', words.variables.data);
  return scopeOf({
    data: { ...data, description: "The query's result." },
    event: eventShape(schema, nodeType),
    notification: { ...described('object', words.variables.notification), description: 'Ids, topic and time of the notification.' },
  });
}

/** The scope of the error template, which reads the receiver's response. */
export function responseScope({ schema, nodeType }: Omit<Subject, 'query'>): LiquidScope {
  return scopeOf({ ...described('', words.variables.response).fields, event: eventShape(schema, nodeType) });
}

const scopeOf = (variables: Shapes): LiquidScope => ({ tags: words.tags, filters: words.filters, variables });

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1).replaceAll('`', '')}.`;

const described = (type: string, texts: Readonly<Record<string, string>>): Shape => ({
  type,
  fields: Object.fromEntries(Object.entries(texts).map(([name, description]) => [name, { type: '', description: sentence(description) }])),
});

function eventShape(schema: GraphQLSchema, nodeType: string | null): Shape {
  const type = nodeType === null ? undefined : schema.getType(nodeType);
  const fields = isObjectType(type) ? Object.values(type.getFields()).filter(isRecorded) : [];
  const row = Object.fromEntries(fields.map((field) => [field.name, shapeOfColumn(field)]));
  const texts = words.variables.event;
  return {
    type: 'object',
    description: 'The change of the node.',
    fields: {
      ...described('', texts).fields,
      changed: { type: '[field name]', description: sentence(texts.changed), isList: true },
      before: { type: nodeType ?? 'object', description: sentence(texts.before), fields: row },
      after: { type: nodeType ?? 'object', description: sentence(texts.after), fields: row },
      actor: { type: 'object', description: sentence(texts.actor), fields: { userId: { type: 'ID' } } },
    },
  };
}

/** Whether an event may contain the field: it needs no arguments, and is a value or another node, of which the key is recorded. */
function isRecorded({ type, args }: GraphQLField<unknown, unknown>): boolean {
  if (args.some(isRequiredArgument)) return false;
  const named = getNamedType(type);
  return isLeafType(named) || (isObjectType(named) && !isList(type) && named.getInterfaces().some(({ name }) => name === 'Node'));
}

const shapeOfColumn = ({ type, description }: GraphQLField<unknown, unknown>): Shape => ({
  type: isLeafType(getNamedType(type)) ? String(type) : `key of ${getNamedType(type).name}`,
  ...(description && { description }),
  ...(isList(type) && { isList: true as const }),
});
