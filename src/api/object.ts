// Serves the object URLs that default payloads contain: returns the object's scalar and enum fields as JSON.
import { execute, type GraphQLObjectType, getNamedType, isLeafType, isObjectType, parse } from 'graphql';
import { logMasked, maskError } from '../graphql/http/mask-error.js';
import { withRequestId } from '../graphql/http/request-ids.js';
import { type Answer, json, problem } from './answer.js';
import type { App } from './app.js';

export async function readObject({ schema, log, webhooks }: App, ctx: object, id: string, requestId: string): Promise<Answer> {
  const type = schema.getType(webhooks.engine.host.fromGlobalId(id)?.typename ?? '');
  const missing = problem(404, 'No object with this id exists, or you may not read it.');
  if (!isObjectType(type) || !type.getInterfaces().some(({ name }) => name === 'Node')) return missing;
  const document = parse(`query Object($id: ID!) { node(id: $id) { ... on ${type.name} { ${attributesOf(type).join(' ')} } } }`);
  const result = await execute({ schema, document, contextValue: ctx, variableValues: { id } });
  const object = result.data?.node;
  if (object) return json(200, object);
  const [error] = result.errors ?? [];
  if (!error) return missing;
  const shown = maskError(error);
  logMasked(shown, log, requestId);
  // An error that isn't masked (such as a missing right) gets the response for a missing object, so that a client can't find
  // out which ids other organizations have.
  return shown === error ? missing : json(500, { errors: [withRequestId(shown, requestId)] });
}

function attributesOf(type: GraphQLObjectType): string[] {
  return Object.values(type.getFields())
    .filter((field) => isLeafType(getNamedType(field.type)) && field.args.length === 0)
    .map(({ name }) => name);
}
