// Compares the served schema with the names that the console's operations use, because a host may leave fields out or rename them.
import { type GraphQLSchema, isInputObjectType, isObjectType } from 'graphql';
import { type RenamedParts, renamedIn } from '../../graphql/index.js';

/** The differences between the served schema and the names in the console's operations. */
export interface ServedNames {
  /** Fields and arguments that this schema lacks. Only those count that depend on the host's options. */
  absent: string[];
  /** Types and fields with another name in this schema, because the host's schema uses the name for something else. */
  renamed: RenamedParts;
}

/** The fields that exist only with some options of the host, as `Type.field` with Hookgraph's own names. */
const OPTIONAL = [
  'Query.apiTokens',
  'Query.node',
  'Query.webhookPresets',
  'Query.webhookIntegrations',
  'Query.webhookEnvironments',
  'Mutation.createApiToken',
  'Mutation.revokeApiToken',
  'Mutation.switchWebhookIntegration',
  'WebhookSubscription.integrationId',
  'WebhookSubscription.integrationLabel',
  'WebhookSubscription.environmentIds',
  'WebhookSubscription.environmentLabels',
  'WebhookSubscriptionInput.integrationId',
  'WebhookSubscriptionInput.environmentIds',
];

export function namesFor(schema: GraphQLSchema): ServedNames {
  const renamed = renamedIn(schema);
  return { absent: OPTIONAL.filter((name) => !isServed(schema, name, renamed)), renamed };
}

function isServed(schema: GraphQLSchema, path: string, { types, fields }: RenamedParts): boolean {
  const [name, field] = path.split('.') as [string, string];
  const type =
    name === 'Query' ? schema.getQueryType() : name === 'Mutation' ? schema.getMutationType() : schema.getType(types[name] ?? name);
  return (isObjectType(type) || isInputObjectType(type)) && (fields[path] ?? field) in type.getFields();
}
