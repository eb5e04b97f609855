// Caches the compiled definition and the request origin of each subscription in memory.

import type { Compiled, Sendable } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import { loadForSending } from './base/store/subscriptions.js';
import { compileDefinition, locate } from './compile-definition.js';

/** A compiled definition, or the reason why the definition no longer works. */
export type Definition = (Compiled | { broken: string }) & { version: number };
/**
 * A definition when it is needed. `off`: its subscription is not enabled. `missing`: it could not be loaded, e.g. because its secrets
 * can't be decrypted. `failed`: compiling it failed with this error and may succeed later.
 */
export type Prepared = Definition | { off: true } | { missing: true } | { failed: unknown };

export interface Definitions {
  /** Returns the definitions of these subscriptions. One statement loads all whose version is not cached. */
  prepare(requested: Iterable<{ subscriptionId: string; version: number }>): Promise<Map<string, Prepared>>;
  /** Returns the origin of a subscription's requests; `undefined` unless its definition was prepared before. */
  originOf(subscriptionId: string): string | undefined;
}

/** Maximum number of cached definitions; beyond it all are evicted. */
const MAX_COMPILED = 10_000;
const MAX_ORIGINS = 100_000;

interface Options {
  maxCompiled?: number;
  /** Whether definitions of disabled and held subscriptions are compiled, too. */
  includesDisabled?: boolean;
}

export function createDefinitions(engine: Engine, { maxCompiled = MAX_COMPILED, includesDisabled = false }: Options = {}): Definitions {
  const compiled = new Map<string, Definition>();
  /** Not part of `compiled`, because an origin is known before the templates are parsed, which may wait for a render process. */
  const origins = new Map<string, string>();

  async function compile(id: string, sendable: Sendable | undefined): Promise<Prepared> {
    if (!sendable) return { missing: true };
    // The subscription was disabled or deleted since the claim. A deleted subscription has no secrets, so its request would be unsigned.
    if (!includesDisabled && sendable.subscription.status !== 'ENABLED') return { off: true };
    try {
      origins.set(id, locate(sendable).origin);
      const definition = { ...(await compileDefinition(engine, sendable)), version: sendable.subscription.version };
      compiled.set(id, definition);
      return definition;
    } catch (failed) {
      return { failed };
    }
  }

  return {
    async prepare(requested) {
      const prepared = new Map<string, Prepared>();
      const stale = new Set<string>();
      for (const { subscriptionId, version } of requested) {
        const known = compiled.get(subscriptionId);
        if (known?.version === version) prepared.set(subscriptionId, known);
        else stale.add(subscriptionId);
      }
      if (stale.size === 0) return prepared;
      const loaded = await loadForSending(engine, [...stale]);
      if (compiled.size > maxCompiled) compiled.clear();
      if (origins.size > MAX_ORIGINS) origins.clear();
      await Promise.all([...stale].map(async (id) => prepared.set(id, await compile(id, loaded.get(id)))));
      return prepared;
    },
    originOf: (subscriptionId) => origins.get(subscriptionId),
  };
}
