// Builds the selection of all fields of a subscription that the API's schema has, except fields with arguments.
import { type GraphQLObjectType, type GraphQLSchema, getNamedType, isInterfaceType, isLeafType, isObjectType } from 'graphql';

/** Returns a GraphQL selection without its outer braces. */
export function ownFields(schema: GraphQLSchema, typename = 'WebhookSubscription'): string {
  const type = schema.getType(typename);
  return isObjectType(type) ? select(type, 2) : 'id';
}

function select(type: GraphQLObjectType, depth: number): string {
  return Object.values(type.getFields())
    .flatMap(({ name, type: fieldType, args }) => {
      const named = getNamedType(fieldType);
      if (args.length > 0) return [];
      if (isLeafType(named)) return [name];
      if (isInterfaceType(named)) return [`${name} { id }`];
      const inner = isObjectType(named) && depth > 1 ? select(named, depth - 1) : '';
      return inner === '' ? [] : [`${name} { ${inner} }`];
    })
    .join(' ');
}
