// Lets before-hooks refuse a write before it happens. Holds no transaction, connection or lock while a hook is asked.

import { localSql, schemaOf } from '../runtime/schema-name.js';
import { createAskHooks } from './ask-hooks.js';
import type { Engine } from './base/engine.js';
import type { Snapshot } from './base/model.js';
import { areSameChanges, type Change, isSameChange, readChange, readChanges, type TransactionQuery } from './gate/change.js';
import { findHooks, type Hook, hooksOf, nextIds, type PlannedWrite, type PlannedWrites } from './gate/find-hooks.js';
import { type Refusal, WriteRefused } from './gate/write-refused.js';

/** To be called inside the write's transaction when all is written, with the row's key; what it throws must roll back and be thrown on. */
export type Check = (query: TransactionQuery, key: string) => Promise<void>;

/**
 * Does the write in a transaction of its own, from the first statement to the commit; may be called three times.
 * @param seen the row as the hooks saw it: a new one is to be written with its key and defaults, so that it is the one they allowed
 */
export type AttemptWrite<T> = (check: Check, seen: Snapshot | null) => Promise<T>;

/** The same of a write of several rows; `seen`: those that are new, in the order in which they were written. */
export type AttemptWrites<T> = (check: (query: TransactionQuery) => Promise<void>, seen: Snapshot[]) => Promise<T>;

export interface Gate {
  /**
   * Without hooks: one statement, then the write. With hooks: the write is rehearsed (done, looked at, rolled back), they are asked
   * about the row as it would be, and it is done if the row is still the one they saw; else once more from the asking.
   * @throws WriteRefused and whatever the write throws
   */
  pass<T>(planned: PlannedWrite, attempt: AttemptWrite<T>): Promise<T>;
  /** The same for a write of several rows, also of several types: each hook is asked about each row that concerns it. */
  passAll<T>(planned: PlannedWrites, attempt: AttemptWrites<T>): Promise<T>;
  close(): Promise<void>;
}

/** How often hooks are asked about one write, until it counts as a conflict. */
const ROUNDS = 2;

/** Changes of one write that hooks are asked about: each of them is a request to each hook, and the write waits. */
const MOST_CHANGES = 100;
/** Of these, so many at once. */
const ASKED_AT_ONCE = 10;
/** Events of one write that are read for them: of types that have hooks, though none may concern them. */
const MOST_EVENTS = 10_000;

/** Carries what a transaction would have done out of it, and rolls it back. */
class RolledBack extends Error {
  override name = 'RolledBack';
  constructor(readonly changes: Change[]) {
    super('rolled back: the before-hooks are asked first');
  }
}

/** Reads, inside of the transaction, what the write makes of the rows that the hooks may concern. */
type Look = (hooks: Hook[]) => Promise<Change[]>;

interface Passing<T> {
  tenant: string;
  find(): Promise<Hook[]>;
  isSame(seen: Change[], now: Change[]): boolean;
  /** `check`: null where no hook has a part in it. */
  attempt(check: ((look: Look) => Promise<void>) | null, seen: Change[]): Promise<T>;
}

export function createGate(engine: Engine): Gate {
  const { ask, close } = createAskHooks(engine);
  /** The host's transaction, for statements of ours. */
  const locally =
    (query: TransactionQuery): TransactionQuery =>
    (sql, values) =>
      query(localSql(sql, schemaOf(engine.pool)), values);

  async function walk<T>({ tenant, find, isSame, attempt }: Passing<T>): Promise<T> {
    let found: Hook[] = [];
    /** Writes if the changes are the `expected` ones; otherwise answers them. `undefined`: none are expected. */
    const tryWrite = async (expected: Change[] | undefined): Promise<{ written: T } | { changes: Change[] }> => {
      const check = async (look: Look) => {
        const changes = await look(found);
        if (expected === undefined || !isSame(expected, changes)) throw new RolledBack(changes);
      };
      try {
        return { written: await attempt(check, expected ?? []) };
      } catch (error) {
        if (error instanceof RolledBack) return { changes: error.changes };
        throw error;
      }
    };

    let seen: Change[] | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      found = await find();
      if (found.length === 0) return attempt(null, []);
      if (seen === undefined) {
        const rehearsal = await tryWrite(undefined);
        if ('written' in rehearsal) throw new Error('The write was committed although its check threw.');
        seen = rehearsal.changes;
      }
      const refusals = await askAll(found, { tenant }, seen);
      if (refusals.length > 0) throw new WriteRefused(refusals);
      const outcome = await tryWrite(seen);
      if ('written' in outcome) return outcome.written;
      seen = outcome.changes;
    }
    throw new WriteRefused([
      { type: 'CONFLICT', message: 'it was changed by others again and again while webhook subscriptions were asked; try again' },
    ]);
  }

  async function askAll(hooks: Hook[], writer: { tenant: string }, changes: Change[]): Promise<Refusal[]> {
    const asked = changes.map((change) => ({ change, hooks: hooksOf(hooks, writer, change) }));
    // Each asking is recorded as a delivery of its own; the hooks were found with ids for one.
    const further = await nextIds(engine.pool, asked.slice(1).flatMap((one) => one.hooks).length);
    for (const one of asked.slice(1)) one.hooks = one.hooks.map((hook) => ({ ...hook, deliveryId: further.shift() as string }));
    const refusals: Refusal[] = [];
    for (let i = 0; i < asked.length; i += ASKED_AT_ONCE) {
      const some = asked.slice(i, i + ASKED_AT_ONCE).map((one) => ask(one.hooks, one.change));
      refusals.push(...(await Promise.all(some)).flat());
    }
    return refusals;
  }

  function pass<T>(planned: PlannedWrite, attempt: AttemptWrite<T>): Promise<T> {
    const { tenant, typename, operation } = planned;
    const softDelete = engine.host.nodes.some((node) => node.typename === typename && node.softDelete !== undefined);
    return walk({
      tenant,
      async find() {
        const found = await findHooks(engine.pool, { tenant, typenames: [typename] });
        return softDelete ? found : found.filter((hook) => hook.operation === operation);
      },
      isSame: ([seen = null], [now = null]) => isSameChange(seen, now),
      attempt: (check, [seen]) =>
        attempt(async (query, key) => {
          await check?.(async () => [await readChange(locally(query), typename, key)].filter((change) => change !== null));
        }, seen?.snapshot ?? null),
    });
  }

  function passAll<T>({ tenant, typenames }: PlannedWrites, attempt: AttemptWrites<T>): Promise<T> {
    const look = async (query: TransactionQuery, hooks: Hook[]) => {
      const changes = await readChanges(query, [...new Set(hooks.map(({ typename }) => typename))], MOST_EVENTS);
      const concerned = changes?.filter((change) => hooksOf(hooks, { tenant }, change).length > 0);
      if (concerned && concerned.length <= MOST_CHANGES) return concerned;
      const message = `refused: it changes more than ${MOST_CHANGES} rows that webhook subscriptions are to be asked about; write fewer at once`;
      throw new WriteRefused([{ type: 'HOOK_FAILED', message }]);
    };
    return walk({
      tenant,
      find: () => findHooks(engine.pool, { tenant, typenames }),
      isSame: areSameChanges,
      attempt: (check, seen) => {
        const created = seen.filter(({ operation }) => operation === 'created').map(({ snapshot }) => snapshot);
        return attempt(async (query) => check?.((hooks) => look(locally(query), hooks)), created);
      },
    });
  }

  return { pass, passAll, close };
}
