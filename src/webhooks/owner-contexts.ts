// Looks up the owners of the subscriptions in a batch, to make the contexts in which their queries run.

import type { Host, Owner } from './base/model.js';
import type { Prepared } from './definitions.js';

/** A function that makes a context for each execution; `null` when the owner no longer exists; `failed` when the host's lookup failed. */
export type OwnerContext = Awaited<ReturnType<Host['contextFor']>> | { failed: unknown };

/**
 * Returns the contexts by subscription id. Looks up each owner once per batch, so that changes to an owner count from the next batch
 * on. Each query still gets a new context.
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
