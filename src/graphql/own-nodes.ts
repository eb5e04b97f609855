// Lists our types that have ids, finds their rows by key with the actor's rights, and makes and reads their ids.
import type { FieldRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { Engine } from '../webhooks/index.js';
import type { Access, AccessOf } from './access.js';
import type { Types } from './builder.js';
import type { Loaders } from './loaders.js';

const LOADERS = {
  WebhookTopic: 'topic',
  WebhookSubscription: 'subscription',
  WebhookDelivery: 'delivery',
  WebhookAttempt: 'attempt',
  WebhookError: 'error',
  WebhookEvent: 'event',
  WebhookReplay: 'replay',
} as const satisfies Record<string, keyof Loaders>;

export type OwnTypename = keyof typeof LOADERS;

export const OWN_TYPENAMES = Object.keys(LOADERS) as OwnTypename[];

export function isOwnTypename(typename: string): typename is OwnTypename {
  return Object.hasOwn(LOADERS, typename);
}

/** `null` when there is none, or it isn't the actor's. */
export function loadOwn({ loaders }: Access, typename: OwnTypename, key: string): Promise<object | null> {
  return loaders[LOADERS[typename]].load(key);
}

/** The field `id` of one of our types. Its typename is the one in the merged schema, so that no id of the host's is the same. */
export function idField<Row extends { id: string }>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Row>,
  access: AccessOf,
  description: string,
): FieldRef<Types, string> {
  return t.id({
    nullable: false,
    description,
    resolve: ({ id }, _args, ctx, { parentType }) => access(ctx).engine.host.toGlobalId(parentType.name, id),
  });
}

/** The key behind a global id of this type, or the record's own id as our headers carry it; otherwise something that no row has. */
export function keyOfId(engine: Engine, typename: string, id: string): string {
  const decoded = engine.host.fromGlobalId(id);
  if (!decoded) return id;
  // Where mergeApi put a prefix before the type's name, its ids have the name with the prefix.
  const isOfType = isOwnTypename(typename) ? decoded.typename.endsWith(typename) : decoded.typename === typename;
  return isOfType ? decoded.key : '';
}

/** What values of the interface Node are, by the value: a host's `resolveType` doesn't know ours. */
const typenames = new WeakMap<object, { typename: string; isOwn: boolean }>();

export function rememberTypename<T>(node: T, typename: string, isOwn: boolean): T {
  if (typeof node === 'object' && node !== null && !(node instanceof Error)) typenames.set(node, { typename, isOwn });
  return node;
}

export function rememberedTypename(node: unknown): { typename: string; isOwn: boolean } | undefined {
  return typeof node === 'object' && node !== null ? typenames.get(node) : undefined;
}

/** The name in the merged schema of the object type that a field of the same object answers. */
export function typenameOf({ parentType }: GraphQLResolveInfo, field: string): string {
  return String(parentType.getFields()[field]?.type);
}
