// The definitions of all nodes in, the GraphQL schema out: built once, with nothing of an app in it.
import type { GraphQLSchema } from 'graphql';
import { addWebhooks } from '../../graphql/index.js';
import { datamodel } from '../../sources/prisma/datamodel.js';
import type { Row } from '../../sources/prisma/delegate.js';
import { readAsOfFirst } from './as-of.js';
import { createBuilder } from './builder.js';
import { addConnectionInputs } from './connections.js';
import { actorOf } from './context.js';
import { attributesOf, type NodeDefinition } from './define-node.js';
import { keyOf } from './global-id.js';
import { addMutations } from './mutations.js';
import { addConnectionTypes, addEnum, addNodeType, addRootConnection, type Workshop } from './node-type.js';
import { ownCursors } from './own-cursors.js';
import { plainIds } from './plain-ids.js';
import { requireScopes } from './require-scopes.js';
import type { Builder } from './schema-types.js';
import { addUserError, type UserErrorRef } from './user-error.js';
import { addViewer } from './viewer.js';

/** The node type that groups webhook subscriptions, where there is one. */
const INTEGRATION = 'Integration';

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
  const group = definitions.find(({ model }) => model.name === INTEGRATION);
  const integration = group && { type: shop.refs.get(INTEGRATION)?.type as never, keyOf: (row: object) => keyOf(group.model, row as Row) };
  for (const add of additions) add(builder, userError);
  const managing = addWebhooks(builder, {
    webhooks: ({ webhooks }) => webhooks,
    actor: actorOf,
    ownerType: 'User',
    userError,
    integration,
  });
  return readAsOfFirst(ownCursors(plainIds(requireScopes(builder.toSchema(), managing), definitions), definitions));
}
