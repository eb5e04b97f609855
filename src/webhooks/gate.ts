// A write about to happen -> done, or refused by a before-hook. Nothing of the database is held while a hook is asked.

import { createAskHooks } from './ask-hooks.js';
import type { Engine } from './base/engine.js';
import type { Snapshot } from './base/model.js';
import { type Change, isSameChange, readChange, type TransactionQuery } from './gate/change.js';
import { findHooks, hooksOf, type PlannedWrite } from './gate/find-hooks.js';
import { WriteRefused } from './gate/write-refused.js';

/** To be called inside the write's transaction when all is written, with the row's key; what it throws must roll back and be thrown on. */
export type Check = (query: TransactionQuery, key: string) => Promise<void>;

/**
 * Does the write in a transaction of its own, from the first statement to the commit; may be called three times.
 * @param seen the row as the hooks saw it: a new one is to be written with its key and defaults, so that it is the one they allowed
 */
export type AttemptWrite<T> = (check: Check, seen: Snapshot | null) => Promise<T>;

export interface Gate {
  /**
   * Without hooks: one statement, then the write. With hooks: the write is rehearsed (done, looked at, rolled back), they are asked
   * about the row as it would be, and it is done if the row is still the one they saw; else once more from the asking.
   * @throws WriteRefused and whatever the write throws
   */
  pass<T>(planned: PlannedWrite, attempt: AttemptWrite<T>): Promise<T>;
  close(): Promise<void>;
}

/** How often hooks are asked about one write, until it counts as a conflict. */
const ROUNDS = 2;

const noCheck: Check = async () => {};

/** Carries what a transaction would have done out of it, and rolls it back. */
class RolledBack extends Error {
  override name = 'RolledBack';
  constructor(readonly change: Change | null) {
    super('rolled back: the before-hooks are asked first');
  }
}

export function createGate(engine: Engine): Gate {
  const { ask, close } = createAskHooks(engine);

  async function pass<T>(planned: PlannedWrite, attempt: AttemptWrite<T>): Promise<T> {
    const softDelete = engine.host.nodes.some((node) => node.typename === planned.typename && node.softDelete !== undefined);
    /** Writes if the change is `expected`; otherwise answers the change. `undefined`: none is. */
    const tryWrite = async (expected: Change | null | undefined): Promise<{ written: T } | { change: Change | null }> => {
      const check: Check = async (query, key) => {
        const change = await readChange(query, planned.typename, key);
        if (expected === undefined || !isSameChange(expected, change)) throw new RolledBack(change);
      };
      try {
        return { written: await attempt(check, expected?.snapshot ?? null) };
      } catch (error) {
        if (error instanceof RolledBack) return { change: error.change };
        throw error;
      }
    };

    let seen: Change | null | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const found = await findHooks(engine.pool, planned, softDelete);
      if (found.length === 0) return attempt(noCheck, null);
      if (seen === undefined) {
        const rehearsal = await tryWrite(undefined);
        if ('written' in rehearsal) throw new Error('The write was committed although its check threw.');
        seen = rehearsal.change;
      }
      if (seen) {
        const refusals = await ask(hooksOf(found, planned, seen), seen);
        if (refusals.length > 0) throw new WriteRefused(refusals);
      }
      const outcome = await tryWrite(seen);
      if ('written' in outcome) return outcome.written;
      seen = outcome.change;
    }
    throw new WriteRefused([
      { type: 'CONFLICT', message: 'it was changed by others again and again while webhook subscriptions were asked; try again' },
    ]);
  }

  return { pass, close };
}
