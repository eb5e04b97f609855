// Caches in memory each subscription's compiled definition, and its target: its tenant and the origin that its requests go to.

import { loopShare } from '../runtime/loop-share.js';
import type { Compiled, Sendable } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import { loadForSending } from './base/store/subscriptions.js';
import { compileDefinition, locate } from './compile-definition.js';
import type { Target } from './lease/in-flight.js';

/** A subscription's compiled definition, or the reason (`broken`) why the definition no longer works. */
export type Definition = (Compiled | { broken: string }) & { version: number };
/**
 * The result of loading a subscription's definition for a delivery. `off`: the subscription is not enabled. `missing`: it could not be
 * loaded, e.g. because its secrets can't be decrypted. `failed`: compiling it failed with this error and may succeed later.
 */
export type Prepared = Definition | { off: true } | { missing: true } | { failed: unknown };

export interface Definitions {
  /** Returns the definitions by subscription id. One SQL statement loads all definitions of which this version is not cached. */
  prepare(requested: Iterable<{ subscriptionId: string; version: number }>): Promise<Map<string, Prepared>>;
  /**
   * Returns the tenant of a subscription and the origin (scheme, host and port) of its requests; `undefined` unless `prepare` has loaded
   * its definition before. Subscriptions with the same tenant and origin have the same object.
   */
  targetOf(subscriptionId: string): Target | undefined;
}

/** Maximum number of cached definitions; beyond it all are evicted. */
const MAX_COMPILED = 10_000;
const MAX_TARGETS = 100_000;

interface Options {
  maxCompiled?: number;
  /** Whether to compile the definitions of disabled and held subscriptions, too. */
  includesDisabled?: boolean;
}

export function createDefinitions(engine: Engine, { maxCompiled = MAX_COMPILED, includesDisabled = false }: Options = {}): Definitions {
  const compiled = new Map<string, Definition>();
  /**
   * Kept apart from `compiled`: the worker limits its claims by target, and must know it while the templates still wait for a render
   * process.
   */
  const targets = new Map<string, Target>();
  const interned = new Map<string, Target>();

  function targetAt(tenant: string, host: string): Target {
    const key = `${host} ${tenant}`;
    const known = interned.get(key) ?? { host, tenant };
    interned.set(key, known);
    return known;
  }

  async function compile(id: string, sendable: Sendable | undefined): Promise<Prepared> {
    if (!sendable) return { missing: true };
    // The subscription was disabled or deleted after the delivery was claimed. A deleted subscription has no secrets, so its request would
    // be unsigned.
    if (!includesDisabled && sendable.subscription.status !== 'ENABLED') return { off: true };
    try {
      targets.set(id, targetAt(sendable.subscription.tenant, locate(sendable).origin));
      // Checking a large query takes milliseconds, and a worker that has just started compiles thousands.
      const turn = loopShare.turn(loopShare.open(sendable.subscription.tenant, 'compiling a subscription'));
      if (turn) await turn;
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
      if (targets.size > MAX_TARGETS) for (const known of [targets, interned]) known.clear();
      await Promise.all([...stale].map(async (id) => prepared.set(id, await compile(id, loaded.get(id)))));
      return prepared;
    },
    targetOf: (subscriptionId) => targets.get(subscriptionId),
  };
}
