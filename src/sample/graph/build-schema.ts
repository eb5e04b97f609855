// The definitions of all nodes in, the GraphQL schema out: built once, with nothing of an app in it.
import { resolveNodes } from '@pothos/plugin-relay';
import type { GraphQLSchema } from 'graphql';
import { type Api, createApi, mergeApi } from '../../graphql/index.js';
import { datamodel } from '../prisma.js';
import { readAsOfFirst } from './as-of.js';
import { createBuilder } from './builder.js';
import { addConnectionInputs } from './connections.js';
import { actorOf, type Context } from './context.js';
import { attributesOf, type NodeDefinition } from './define-node.js';
import { decodeGlobalId } from './global-id.js';
import { addMutations } from './mutations.js';
import { addConnectionTypes, addEnum, addNodeType, addRootConnection, type Workshop } from './node-type.js';
import { ownCursors } from './own-cursors.js';
import { plainIds } from './plain-ids.js';
import { requireScopes } from './require-scopes.js';
import type { Builder } from './schema-types.js';
import { addUserError, type UserErrorRef } from './user-error.js';
import { addViewer } from './viewer.js';

/** What a domain has to say beside its nodes. */
export type Addition = (builder: Builder, userError: UserErrorRef) => void;

export function buildSchema(definitions: NodeDefinition[], additions: Addition[] = []): GraphQLSchema {
  const builder = createBuilder(datamodel.models);
  const userError = addUserError(builder);
  const used = new Set(definitions.flatMap((definition) => attributesOf(definition).map(({ type }) => type)));
  const enums = new Map(datamodel.enums.filter(({ name }) => used.has(name)).map((found) => [found.name, addEnum(builder, found)]));
  const shop: Workshop = { builder, definitions, inputs: addConnectionInputs(builder), enums, refs: new Map() };
  for (const definition of definitions) addNodeType(shop, definition);
  for (const definition of definitions) addConnectionTypes(shop, definition);
  for (const definition of definitions) {
    addRootConnection(shop, definition);
    addMutations(shop, definition, userError);
  }
  addViewer(builder);
  for (const add of additions) add(builder, userError);
  const api = webhooksApi(builder, definitions);
  const schema = requireScopes(mergeApi(builder.toSchema(), api), api.mutations);
  return readAsOfFirst(ownCursors(plainIds(schema, definitions), definitions));
}

function webhooksApi(builder: Builder, definitions: NodeDefinition[]): Api {
  const known = (name: string) => definitions.find(({ model }) => model.name === name)?.model.name;
  return createApi({
    access: (context) => ({ engine: (context as Context).webhooks.engine, actor: actorOf(context as Context) }),
    types: { owner: known('User'), integration: known('Integration'), environment: known('Environment') },
    // Look-ups of the same tick are one statement of Prisma's.
    loadNode: async (typename, id, context, info) => (await resolveNodes(builder, context, info, [{ typename, id }]))[0],
    // A stored query seldom asks for what the engine keeps, and its context makes that when it is asked for.
    decodeId: decodeGlobalId,
    presets: true,
  });
}
