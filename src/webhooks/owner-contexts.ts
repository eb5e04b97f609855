// Looks up the users who own the subscriptions of a batch of deliveries, and gets from the host the functions that create the GraphQL
// contexts of their queries.

import type { Host, Owner } from './base/model.js';
import type { Prepared } from './definitions.js';
import { ownerUnread } from './put-back.js';

/**
 * The result of looking up an owner: a function that creates a GraphQL context for each query; `null` when the owner no longer exists;
 * `failed` with the error of the host's lookup.
 */
export type OwnerContext = Awaited<ReturnType<Host['contextFor']>> | { failed: unknown };

/**
 * Returns the results by subscription id. Looks up each owner once per batch, so that a change of the owner's rights takes effect from the
 * next batch on. Each query still gets a new context.
 */
export async function contextsFor(host: Host, prepared: ReadonlyMap<string, Prepared>): Promise<Map<string, OwnerContext>> {
  const byOwner = new Map<string, ReturnType<Host['contextFor']>>();
  const lookUp = (owner: Owner) => {
    const key = JSON.stringify([owner.tenant, owner.userId]);
    const context = byOwner.get(key) ?? host.contextFor(owner);
    byOwner.set(key, context);
    return context;
  };
  const found = [...prepared].flatMap(([id, definition]) => ('owner' in definition ? [{ id, context: lookUp(definition.owner) }] : []));
  return new Map(
    await Promise.all(found.map(async ({ id, context }) => [id, await context.catch((failed: unknown) => ({ failed }))] as const)),
  );
}

/** @throws HostFailed when the host's lookup fails */
export async function ownerExists(host: Host, owner: Owner): Promise<boolean> {
  try {
    return (await host.contextFor(owner)) !== null;
  } catch (error) {
    throw ownerUnread(error);
  }
}
