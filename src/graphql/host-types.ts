// Adds placeholders for the types that the host has, by their names; mergeApi puts the host's own types in their place.
import type { FieldRef, ObjectRef } from '@pothos/core';
import { type GraphQLResolveInfo, isCompositeType } from 'graphql';
import { WebhooksError } from '../webhooks/index.js';
import type { AccessOf } from './access.js';
import type { Builder, Types } from './builder.js';
import { isOwnTypename, loadOwn, rememberTypename } from './own-nodes.js';

export interface HostTypenames {
  /** The type of who owns subscriptions. */
  owner?: string;
  /** The type that groups subscriptions; it gets the field `webhookSubscriptions`. */
  integration?: string;
  /** The type that limits which nodes a subscription is told of. */
  environment?: string;
}

/** Loads one of the host's nodes, with the rights of the context. `null` when there is none. */
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
  /** Loads a node of any type; `null` where the host gave no `loadNode`. */
  loadAny: LoadNode | null;
  /** The names of all placeholders. */
  placeholders: string[];
}

export function addHostTypes(builder: Builder, access: AccessOf, types: HostTypenames, loadNode: LoadNode | undefined): HostTypes {
  const refs = new Map<string, ObjectRef<Types, object>>();
  const hostType = (part: keyof HostTypenames): HostType | null => {
    const typename = types[part];
    if (typename === undefined) return null;
    if (!loadNode)
      throw new WebhooksError('NO_LOADER', `types.${part} is ${JSON.stringify(typename)}, but there is no loadNode to load one.`);
    const ref = refs.get(typename) ?? addPlaceholder(builder, typename);
    refs.set(typename, ref);
    // What is loaded is the host's: its type says what it must look like.
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
    description: `The host's type ${typename}, when the API is merged into the host's schema.`,
    fields: (t) => ({ id: t.id({ description: 'Its id.', resolve: (row) => (row as { id?: string }).id ?? null }) }),
  });
}

/** Also our own types, and what their typename is. `null` for a type that the schema no longer has. */
function loaderOfAny(access: AccessOf, loadNode: LoadNode): LoadNode {
  return async (typename, key, context, info) => {
    const isOwn = isOwnTypename(typename);
    if (!isOwn && !isCompositeType(info.schema.getType(typename))) return null;
    const node = isOwn ? await loadOwn(access(context), typename, key) : await loadNode(typename, key, context, info);
    return rememberTypename(node, typename, isOwn);
  };
}

/** The field that answers the node itself, of the interface Node; mergeApi leaves it out where the host's types have no such interface. */
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
