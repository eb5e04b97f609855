// Makes the field `id` resolve synchronously, because Pothos returns a promise for each id, which slows down large results.
import { type GraphQLSchema, isObjectType } from 'graphql';
import type { Row } from '../../sources/prisma/index.js';
import type { NodeDefinition } from './define-node.js';
import { encodeGlobalId, keyOf } from './global-id.js';

export function plainIds(schema: GraphQLSchema, definitions: NodeDefinition[]): GraphQLSchema {
  for (const { model } of definitions) {
    const type = schema.getType(model.name);
    const field = isObjectType(type) ? type.getFields().id : undefined;
    if (!field) throw new Error(`${model.name} has no id`);
    field.resolve = (row: Row) => encodeGlobalId(model.name, keyOf(model, row));
  }
  return schema;
}
