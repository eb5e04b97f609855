// Adds a placeholder for each host type that the API refers to; mergeApi replaces the placeholders by the host's types.
import type { FieldRef, ObjectRef } from '@pothos/core';
import { type GraphQLResolveInfo, isCompositeType } from 'graphql';
import { WebhooksError } from '../webhooks/index.js';
import type { AccessOf } from './access.js';
import type { Builder, Types } from './builder.js';
import { isOwnTypename, loadOwn, rememberTypename } from './own-nodes.js';

export interface HostTypenames {
  /** The type of subscriptions' owners. */
  owner?: string;
  /** The type that groups subscriptions, such as `Integration`. mergeApi adds the field `webhookSubscriptions` to it. */
  integration?: string;
  /** The type of environments. A subscription with environments only receives events of nodes in these environments. */
  environment?: string;
}

/** Loads a node of the host with the rights of the context's user; returns `null` when this user can't read such a node. */
export type LoadNode = (typename: string, key: string, context: object, info: GraphQLResolveInfo) => unknown;

export interface HostType {
  typename: string;
  ref: ObjectRef<Types, object>;
  load(key: string, context: object, info: GraphQLResolveInfo): object | null;
}

export interface HostTypes {
  owner: HostType | null;
  integration: HostType | null;
  environment: HostType | null;
  /** Loads a node of the host or of Hookgraph, of any type; `null` when the host passed no `loadNode`. */
  loadAny: LoadNode | null;
  /** The names of all placeholder types. */
  placeholders: string[];
}

export function addHostTypes(builder: Builder, access: AccessOf, types: HostTypenames, loadNode: LoadNode | undefined): HostTypes {
  const refs = new Map<string, ObjectRef<Types, object>>();
  const hostType = (part: keyof HostTypenames): HostType | null => {
    const typename = types[part];
    if (typename === undefined) return null;
    if (!loadNode)
      throw new WebhooksError(
        'NO_LOADER',
        `types.${part} is ${JSON.stringify(typename)}, but the option loadNode, which loads objects of this type, is missing.`,
      );
    const ref = refs.get(typename) ?? addPlaceholder(builder, typename);
    refs.set(typename, ref);
    // The cast is safe, because only the host's own resolvers in the merged schema read the object.
    return { typename, ref, load: (key, context, info) => loadNode(typename, key, context, info) as object | null };
  };
  return {
    owner: hostType('owner'),
    integration: hostType('integration'),
    environment: hostType('environment'),
    loadAny: loadNode ? loaderOfAny(access, loadNode) : null,
    placeholders: [...refs.keys()],
  };
}

function addPlaceholder(builder: Builder, typename: string): ObjectRef<Types, object> {
  return builder.objectRef<object>(typename).implement({
    description: `Stands for the type ${typename} of the host's schema; replaced when the API is merged into that schema.`,
    fields: (t) => ({ id: t.id({ description: 'The id of the object.', resolve: (row) => (row as { id?: string }).id ?? null }) }),
  });
}

/**
 * Creates a function that loads nodes of the host and of Hookgraph, and remembers each node's typename for `resolveType`. It returns `null`
 * for a type that the schema no longer has.
 */
function loaderOfAny(access: AccessOf, loadNode: LoadNode): LoadNode {
  return async (typename, key, context, info) => {
    const isOwn = isOwnTypename(typename);
    if (!isOwn && !isCompositeType(info.schema.getType(typename))) return null;
    const node = isOwn ? await loadOwn(access(context), typename, key) : await loadNode(typename, key, context, info);
    return rememberTypename(node, typename, isOwn);
  };
}

/** Creates a field of the type Node. mergeApi omits the field when the host's schema has no equivalent interface Node. */
export function nodeField<Row extends { typename: string; nodeKey: string }>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Row>,
  load: LoadNode,
  description: string,
): FieldRef<Types, { id: string } | null | undefined> {
  return t.field({
    type: 'Node',
    description,
    resolve: ({ typename, nodeKey }, _args, ctx, info) => load(typename, nodeKey, ctx, info) as Promise<{ id: string } | null>,
  });
}
