// Builds the sample product's own GraphQL schema, without webhooks, from its node definitions.
import type { GraphQLSchema } from 'graphql';
import { datamodel } from '../prisma.js';
import { createBuilder } from './builder.js';
import { addConnectionInputs } from './connections.js';
import { attributesOf, type NodeDefinition } from './define-node.js';
import { addMutations } from './mutations.js';
import { addConnectionTypes, addEnum, addNodeType, addRootConnection, type SchemaParts } from './node-type.js';
import { ownCursors } from './own-cursors.js';
import { plainIds } from './plain-ids.js';
import type { Builder } from './schema-types.js';
import { addUserError, type UserErrorRef } from './user-error.js';
import { addViewer } from './viewer.js';

/** A function that adds types and fields to the schema that don't come from a node definition. */
export type Addition = (builder: Builder, userError: UserErrorRef) => void;

export function buildSchema(definitions: NodeDefinition[], additions: Addition[] = []): GraphQLSchema {
  const builder = createBuilder(datamodel.models);
  const userError = addUserError(builder);
  const used = new Set(definitions.flatMap((definition) => attributesOf(definition).map(({ type }) => type)));
  const enums = new Map(datamodel.enums.filter(({ name }) => used.has(name)).map((found) => [found.name, addEnum(builder, found)]));
  const parts: SchemaParts = { builder, definitions, inputs: addConnectionInputs(builder), enums, refs: new Map() };
  for (const definition of definitions) addNodeType(parts, definition);
  for (const definition of definitions) addConnectionTypes(parts, definition);
  for (const definition of definitions) {
    addRootConnection(parts, definition);
    addMutations(parts, definition, userError);
  }
  addViewer(builder);
  for (const add of additions) add(builder, userError);
  return ownCursors(plainIds(builder.toSchema(), definitions), definitions);
}
