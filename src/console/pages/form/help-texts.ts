// Finds the help of each field in the descriptions of the API's schema.
import { type GraphQLInputFieldMap, type GraphQLNamedType, type GraphQLSchema, getNamedType, isEnumType, isInputObjectType } from 'graphql';
import { servedName } from '../../app/config';

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
  let type = inputType(schema);
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

/** Returns the fields of a part of the input such as `sns`. */
export function inputFields(schema: GraphQLSchema | null | undefined, name: string): GraphQLInputFieldMap {
  const input = inputType(schema);
  const field = isInputObjectType(input) ? input.getFields()[name] : undefined;
  const type = field && getNamedType(field.type);
  return isInputObjectType(type) ? type.getFields() : {};
}

function inputType(schema: GraphQLSchema | null | undefined): GraphQLNamedType | undefined {
  const mutations = schema?.getMutationType()?.getFields();
  const create = mutations?.[servedName('Mutation.createWebhookSubscription')];
  const argument = create?.args.find(({ name }) => name === 'webhookSubscription');
  return argument && getNamedType(argument.type);
}

/** Whether the API has the field of the input. Returns `true` while the schema is unknown. */
export function offersField(schema: GraphQLSchema | null | undefined, name: string): boolean {
  return !schema || describeField(schema, name).text !== null;
}
