// Keeps the compiled definitions of subscriptions and their origins in memory, by version.

import type { Compiled, Sendable } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import { loadForSending } from './base/store/subscriptions.js';
import { compileDefinition, locate } from './compile-definition.js';

/** A definition: compiled, or broken by a change of the schema. */
export type Definition = (Compiled | { broken: string }) & { version: number };
/**
 * A definition at the time of use: `off` when its subscription is not enabled, `missing` when it could not be loaded (its secrets can't be
 * decrypted), `failed` when it could not be compiled for now.
 */
export type Prepared = Definition | { off: true } | { missing: true } | { failed: unknown };

export interface Definitions {
  /** Returns the definitions of these subscriptions, which are loaded in one statement where their version is not in memory. */
  prepare(wanted: Iterable<{ subscriptionId: string; version: number }>): Promise<Map<string, Prepared>>;
  /** Returns the origin of a subscription's requests; `undefined` until its definition was prepared. */
  originOf(subscriptionId: string): string | undefined;
}

/** Maximum number of compiled definitions in memory; beyond it all are dropped. */
const MAX_COMPILED = 10_000;
const MAX_ORIGINS = 100_000;

interface Options {
  maxCompiled?: number;
  /** Whether definitions of disabled and held subscriptions are compiled, too. */
  includesDisabled?: boolean;
}

export function createDefinitions(engine: Engine, { maxCompiled = MAX_COMPILED, includesDisabled = false }: Options = {}): Definitions {
  const compiled = new Map<string, Definition>();
  /** Origins are kept apart from `compiled`, because they are known before the templates are parsed, which may have to wait. */
  const origins = new Map<string, string>();

  async function compile(id: string, sendable: Sendable | undefined): Promise<Prepared> {
    if (!sendable) return { missing: true };
    // The subscription was disabled or deleted since the claim. A deleted one has no secrets any more, and its request would be
    // unsigned.
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
    async prepare(wanted) {
      const prepared = new Map<string, Prepared>();
      const stale = new Set<string>();
      for (const { subscriptionId, version } of wanted) {
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
