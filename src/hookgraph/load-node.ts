// Loads a host's node for a field such as `createdBy`, through the host's own root field and with the context's rights.
import {
  defaultFieldResolver,
  type FieldNode,
  type GraphQLResolveInfo,
  getArgumentValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { announcedNode, askFor, finderOf, type Host } from '../webhooks/index.js';

const NOTHING: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] };

/** Creates the loader. It returns `null` when no root field of the host finds the type's nodes, or the context may not read the node. */
export function createLoadNode(hostOf: () => Host) {
  return async (typename: string, key: string, context: object, info: GraphQLResolveInfo): Promise<unknown> => {
    const host = hostOf();
    const node = announcedNode(host, typename);
    const finder = finderOf(host, typename);
    const root = finder && info.schema.getQueryType()?.getFields()[finder.field.name.value];
    if (!node || !root) return null;
    const { document, variableValues, isEmpty } = askFor(host, finder, node, [key], NOTHING);
    if (isEmpty) return null;
    const [field] = (document.definitions[0] as OperationDefinitionNode).selectionSet.selections as [FieldNode];
    const { resolve = defaultFieldResolver } = root;
    const found: unknown = await resolve(info.rootValue, getArgumentValues(root, field, variableValues), context, info);
    return Array.isArray(found) ? (found[0] ?? null) : found;
  };
}
