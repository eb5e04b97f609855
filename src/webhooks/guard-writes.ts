// Lets before-hooks (subscriptions that are called before a write) refuse the write. Holds no transaction, connection or lock while they
// are called.

import { localSql, schemaOf } from '../runtime/schema-name.js';
import { createAskHooks } from './ask-hooks.js';
import type { Engine } from './base/engine.js';
import type { Snapshot } from './base/model.js';
import { areSameChanges, type Change, isSameChange, readChange, readChanges, type TransactionQuery } from './gate/change.js';
import { findHooks, type Hook, hooksOf, nextIds, type PlannedWrite, type PlannedWrites } from './gate/find-hooks.js';
import { type Refusal, WriteRefused } from './gate/write-refused.js';

/**
 * A function that the host calls in the write's transaction after the last statement, with the key of the written row. If it throws, the
 * host must roll back and rethrow the error.
 */
export type Check = (query: TransactionQuery, key: string) => Promise<void>;

/**
 * The host's function that runs the write in a transaction of its own, from the first statement to the commit. It may be called up to three
 * times: a write with hooks first runs as a rehearsal, which is rolled back.
 * @param seen the row that the hooks allowed; a new row must get exactly its key and values. `null` when no hook has been called yet
 */
export type AttemptWrite<T> = (check: Check, seen: Snapshot | null) => Promise<T>;

/**
 * Like AttemptWrite, for a write of several rows. `seen` are the new rows that the hooks allowed, in the order in which they were written.
 */
export type AttemptWrites<T> = (check: (query: TransactionQuery) => Promise<void>, seen: Snapshot[]) => Promise<T>;

export interface Gate {
  /**
   * Runs a write of one row that before-hooks may refuse. Without hooks: looks the hooks up, then writes. With hooks: runs the write and
   * rolls it back (the rehearsal), calls the hooks with the resulting row, then runs the write again. If this second run changes the row in
   * another way than the rehearsal, it is rolled back and the hooks are called once more.
   * @throws WriteRefused when a hook cancels the write, when a call fails and the hook's policy is REFUSE, or when the row keeps changing
   * @throws any error of the write
   */
  pass<T>(planned: PlannedWrite, attempt: AttemptWrite<T>): Promise<T>;
  /** Like `pass`, for a write of several rows and types. Each hook is called for each changed row that it subscribes to. */
  passAll<T>(planned: PlannedWrites, attempt: AttemptWrites<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Maximum number of times that the hooks of one write are called. If its rows have changed again after the last call, the write is refused
 * with CONFLICT.
 */
const ROUNDS = 2;

/**
 * Maximum number of changed rows per write for which hooks are called; a write of more rows is refused. Each row is one request to each
 * hook, and the writer waits for them all.
 */
const MOST_CHANGES = 100;
/** Maximum number of changed rows of a write whose hooks are called concurrently. */
const CONCURRENT_ROWS = 10;
/** Maximum number of events that one write may record for the types that have hooks; a write with more events is refused. */
const MOST_EVENTS = 10_000;

/** Thrown by `check` inside the write's transaction, to roll it back and to return its changes to `tryWrite`. */
class RolledBack extends Error {
  override name = 'RolledBack';
  constructor(readonly changes: Change[]) {
    super('rolled back so that the before-hooks can be called first');
  }
}

/** Reads, inside the write's transaction, the changed rows for which these before-hooks may have to be called. */
type ReadForHooks = (hooks: Hook[]) => Promise<Change[]>;

interface GuardedWrite<T> {
  tenant: string;
  find(): Promise<Hook[]>;
  isSame(seen: Change[], now: Change[]): boolean;
  /** Runs the write. `check` is `null` when there are no hooks to call. */
  attempt(check: ((readFor: ReadForHooks) => Promise<void>) | null, seen: Change[]): Promise<T>;
}

export function createGate(engine: Engine): Gate {
  const { ask, close } = createAskHooks(engine);
  const callHooks = createCallHooks(engine, ask);
  /** Returns a function that runs Hookgraph's SQL in the host's transaction, after filling in the name of Hookgraph's Postgres schema. */
  const locally =
    (query: TransactionQuery): TransactionQuery =>
    (sql, values) =>
      query(localSql(sql, schemaOf(engine.pool)), values);

  function pass<T>(planned: PlannedWrite, attempt: AttemptWrite<T>): Promise<T> {
    const { tenant, typename, operation } = planned;
    const softDelete = engine.host.nodes.some((node) => node.typename === typename && node.softDelete !== undefined);
    const write: GuardedWrite<T> = {
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
    };
    return guardWrite(write, callHooks);
  }

  function passAll<T>({ tenant, typenames }: PlannedWrites, attempt: AttemptWrites<T>): Promise<T> {
    const readConcerned = async (query: TransactionQuery, hooks: Hook[]) => {
      const changes = await readChanges(query, [...new Set(hooks.map(({ typename }) => typename))], MOST_EVENTS);
      const concerned = changes?.filter((change) => hooksOf(hooks, { tenant }, change).length > 0);
      if (concerned && concerned.length <= MOST_CHANGES) return concerned;
      const message = `refused: the write changes more than ${MOST_CHANGES} rows for which webhook subscriptions must be called; write fewer rows at once`;
      throw new WriteRefused([{ type: 'HOOK_FAILED', message }]);
    };
    const write: GuardedWrite<T> = {
      tenant,
      find: () => findHooks(engine.pool, { tenant, typenames }),
      isSame: areSameChanges,
      attempt: (check, seen) => {
        const created = seen.filter(({ operation }) => operation === 'created').map(({ snapshot }) => snapshot);
        return attempt(async (query) => check?.((hooks) => readConcerned(locally(query), hooks)), created);
      },
    };
    return guardWrite(write, callHooks);
  }

  return { pass, passAll, close };
}

/** Calls the before-hooks for the changed rows of a write, and returns the reasons for which they refuse it. */
type CallHooks = (hooks: Hook[], writer: { tenant: string }, changes: Change[]) => Promise<Refusal[]>;

/**
 * Runs a write and rolls it back (the rehearsal), calls the hooks with its changes, and runs it again; commits if the changes are still the
 * same.
 */
async function guardWrite<T>(write: GuardedWrite<T>, callHooks: CallHooks): Promise<T> {
  let seen: Change[] | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const hooks = await write.find();
    if (hooks.length === 0) return write.attempt(null, []);
    if (seen === undefined) {
      const rehearsal = await tryWrite(write, hooks, undefined);
      if ('written' in rehearsal)
        throw new Error('The write was committed although `check` threw inside its transaction. It must roll back and rethrow the error.');
      seen = rehearsal.changes;
    }
    const refusals = await callHooks(hooks, write, seen);
    if (refusals.length > 0) throw new WriteRefused(refusals);
    const outcome = await tryWrite(write, hooks, seen);
    if ('written' in outcome) return outcome.written;
    seen = outcome.changes;
  }
  throw new WriteRefused([
    { type: 'CONFLICT', message: 'another write changed the same rows each time while webhook subscriptions were called; try again' },
  ]);
}

/**
 * Runs the write once. Commits it if its changes equal `expected`; otherwise (and always with `undefined`, for the rehearsal) rolls it back
 * and returns its changes.
 */
async function tryWrite<T>(
  { attempt, isSame }: GuardedWrite<T>,
  hooks: Hook[],
  expected: Change[] | undefined,
): Promise<{ written: T } | { changes: Change[] }> {
  const check = async (readFor: ReadForHooks) => {
    const changes = await readFor(hooks);
    if (expected === undefined || !isSame(expected, changes)) throw new RolledBack(changes);
  };
  try {
    return { written: await attempt(check, expected ?? []) };
  } catch (error) {
    if (error instanceof RolledBack) return { changes: error.changes };
    throw error;
  }
}

function createCallHooks(engine: Engine, ask: ReturnType<typeof createAskHooks>['ask']): CallHooks {
  return async (hooks, writer, changes) => {
    const calls = changes.map((change) => ({ change, hooks: hooksOf(hooks, writer, change) }));
    // Each call of a hook is recorded as a delivery with its own id. A hook was loaded with one id, for the first row; its calls for the
    // other rows need further ids.
    const further = await nextIds(engine.pool, calls.slice(1).flatMap((call) => call.hooks).length);
    for (const call of calls.slice(1)) call.hooks = call.hooks.map((hook) => ({ ...hook, deliveryId: further.shift() as string }));
    const refusals: Refusal[] = [];
    for (let i = 0; i < calls.length; i += CONCURRENT_ROWS) {
      const some = calls.slice(i, i + CONCURRENT_ROWS).map((call) => ask(call.hooks, call.change));
      refusals.push(...(await Promise.all(some)).flat());
    }
    return refusals;
  };
}
