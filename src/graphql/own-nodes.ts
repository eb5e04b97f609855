// Lists Hookgraph's GraphQL types with global ids, loads their rows with the signed-in user's rights, and encodes and decodes their ids.
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
  WebhookBulkAction: 'bulkAction',
} as const satisfies Record<string, keyof Loaders>;

export type OwnTypename = keyof typeof LOADERS;

export const OWN_TYPENAMES = Object.keys(LOADERS) as OwnTypename[];

export function isOwnTypename(typename: string): typename is OwnTypename {
  return Object.hasOwn(LOADERS, typename);
}

/** Loads the row with this key; `null` when there is no such row, or the signed-in user may not read it. */
export function loadOwn({ loaders }: Access, typename: OwnTypename, key: string): Promise<object | null> {
  return loaders[LOADERS[typename]].load(key);
}

/**
 * Creates the field `id` of a type. Its value encodes the type's name in the merged schema, so that it differs from all
 * ids of the host.
 */
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

/**
 * Returns the key that a global id of the type `typename` contains. Returns '', which no row has as its key, for the global id of another
 * type. Returns any other text unchanged, because it may be a `databaseId` from the headers of a notification.
 */
export function keyOfId(engine: Engine, typename: string, id: string): string {
  const decoded = engine.host.fromGlobalId(id);
  if (!decoded) return id;
  // mergeApi may have prefixed the type's name, and ids encode the prefixed name.
  const isOfType = isOwnTypename(typename) ? decoded.typename.endsWith(typename) : decoded.typename === typename;
  return isOfType ? decoded.key : '';
}

/** Returns the key that a global id of one of these types contains; `null` for any other text. */
export function keyOfOwn(engine: Engine, typenames: OwnTypename[], id: string): string | null {
  const decoded = engine.host.fromGlobalId(id);
  return decoded && typenames.some((typename) => decoded.typename.endsWith(typename)) ? decoded.key : null;
}

/** Remembers the typename of each object that a field of the type Node returns, because a host's `resolveType` doesn't know all of them. */
const typenames = new WeakMap<object, { typename: string; isOwn: boolean }>();

export function rememberTypename<T>(node: T, typename: string, isOwn: boolean): T {
  if (typeof node === 'object' && node !== null && !(node instanceof Error)) typenames.set(node, { typename, isOwn });
  return node;
}

export function rememberedTypename(node: unknown): { typename: string; isOwn: boolean } | undefined {
  return typeof node === 'object' && node !== null ? typenames.get(node) : undefined;
}

/** Returns the name, in the merged schema, of the type that the field `field` of the same parent type returns. */
export function typenameOf({ parentType }: GraphQLResolveInfo, field: string): string {
  return String(parentType.getFields()[field]?.type);
}
