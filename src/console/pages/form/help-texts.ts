// Finds the help of each field in the descriptions of the API's schema.
import { type GraphQLSchema, getNamedType, isEnumType, isInputObjectType } from 'graphql';

/** Fields of the form whose input has another path. */
const PATHS: Record<string, string> = {
  secret: 'sharedSecret',
  enabled: 'disabled',
  'retry.maxTime': 'retry.maxTimeMs',
  'auth.username': 'auth.basic.username',
  'auth.password': 'auth.basic.password',
  'auth.token': 'auth.token.token',
  'auth.tokenUrl': 'auth.oauth2.tokenUrl',
  'auth.clientId': 'auth.oauth2.clientId',
  'auth.clientSecret': 'auth.oauth2.clientSecret',
  'auth.scope': 'auth.oauth2.scope',
  'auth.audience': 'auth.oauth2.audience',
  'auth.clientAuthentication': 'auth.oauth2.clientAuthentication',
  'auth.kind': 'auth',
};

export interface Described {
  text: string | null;
  /** The values of an enum with their descriptions. */
  values: { name: string; description: string }[];
}

/** Returns the description of a field of the form such as `retry.maxTries`. */
export function describeField(schema: GraphQLSchema | null | undefined, field: string): Described {
  const argument = schema
    ?.getMutationType()
    ?.getFields()
    .createWebhookSubscription?.args.find(({ name }) => name === 'webhookSubscription');
  let type = argument && getNamedType(argument.type);
  let text: string | null = null;
  for (const name of (PATHS[field] ?? field).split('.')) {
    const found = isInputObjectType(type) ? type.getFields()[name] : undefined;
    if (!found) return { text: null, values: [] };
    text = found.description ?? null;
    type = getNamedType(found.type);
  }
  const values = isEnumType(type) ? type.getValues().map(({ name, description }) => ({ name, description: description ?? '' })) : [];
  return { text, values };
}

/** Whether the API has the field of the input. Without a schema, whether is unknown, so it counts as offered. */
export function offersField(schema: GraphQLSchema | null | undefined, name: string): boolean {
  return !schema || describeField(schema, name).text !== null;
}
