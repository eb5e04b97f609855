// Collects results of attempts and writes them in batches, one batch at a time.

import { setTimeout as sleep } from 'node:timers/promises';
import { isUnreachable, logFailure } from '../../runtime/failure-log.js';
import type { Logger } from '../../runtime/logger.js';
import type { Engine } from '../base/engine.js';
import type { Loop } from '../base/loops.js';
import { logRule, logRuleChanges } from '../base/rule-log.js';
import { holdDeliveries } from '../base/store/delivery-moves.js';
import { keepLeases } from '../base/store/delivery-state.js';
import { isOfSize } from '../base/store/steps.js';
import { AttemptBatch } from './attempt-batch.js';
import { lineOf, USUAL_ATTEMPT_LOG, writeLine } from './attempt-log.js';
import type { AttemptRecord } from './attempt-record.js';
import type { DeliveryResult } from './attempt-result.js';
import type { PaceChange } from './change-paces.js';
import { writeBatch } from './write-attempts.js';

export interface AttemptWriter {
  /**
   * Queues a result. While many results are unwritten, returns a promise, which the worker must await before it reuses the slot of the
   * delivery: it then claims no faster than results are written.
   * @param onWritten called when the result is written or dropped
   */
  add(result: DeliveryResult, onWritten?: () => void): Promise<void> | undefined;
  /** Returns how many results are not written yet. */
  waiting(): number;
  /** Whether the last write failed. Deliveries that are sent meanwhile can't be recorded, and so would be sent again. */
  isFailing(): boolean;
  /** Resolves when every queued result is written or dropped. */
  written(): Promise<void>;
  /** From now on, the writer tries to write its results once more, and drops them if that fails. */
  giveUp(): void;
}

interface Filling {
  batch: AttemptBatch;
  /** Callbacks to run when the batch is written or dropped. */
  ended: (() => void)[];
}

const MAX_BATCH = 400;
/** Characters of bodies and headers after which a new batch begins, because sending a batch makes several copies of it in memory. */
const MAX_CHARACTERS = 8_000_000;
/** After a batch of at least BUSY results, the next batch is written once it has WORTHWHILE results, or after GATHER_MS milliseconds. */
const BUSY = 10;
const WORTHWHILE = 200;
const GATHER_MS = 20;
/** Milliseconds between two extensions of the leases of results that can't be written. */
const KEEP_MS = 1_000;
/**
 * Number of unwritten results above which `add` makes the worker wait. If the process dies, the deliveries of all unwritten results are
 * sent again.
 */
const MAX_WAITING = 800;
/** Characters of unwritten bodies and headers above which `add` makes the worker wait, too. */
const MAX_WAITING_CHARACTERS = 32_000_000;

/**
 * Keeps a batch and its leases until it is written, because a delivery whose attempt isn't recorded is sent again.
 * @param leaseMs length of a lease in milliseconds. A batch that can't be written because of its own values is dropped after that time; its
 * deliveries are then due again and nothing is lost.
 * @param loop its progress is noted here
 */
export function createAttemptWriter(
  engine: Pick<Engine, 'pool' | 'log' | 'settings' | 'meter'>,
  leaseMs: number,
  loop?: Loop,
): AttemptWriter {
  const { log, meter } = engine;
  const { attemptLog = USUAL_ATTEMPT_LOG } = engine.settings;
  const toLine = (attempt: AttemptRecord) => lineOf(log, attemptLog, attempt);
  /** The batches that are not written yet, oldest first. A new result goes into the last one. */
  const batches: Filling[] = [];
  const reusable: AttemptBatch[] = [];
  /** Number of results in all batches, including the batch being written. */
  let waiting = 0;
  let flushing: Promise<void> | null = null;
  let [failing, givenUp] = [false, false];
  const leases = new Leases(engine, leaseMs);
  const gathering = new Gathering();

  async function flush(): Promise<void> {
    // Waits for one iteration of the event loop, so that replies that arrive together are written together.
    await new Promise(setImmediate);
    let [busy, isPatient] = [false, false];
    loop?.completed();
    while (batches.length > 0) {
      if (busy && waiting < WORTHWHILE) await gathering.enough();
      const filled = batches.shift() as Filling;
      busy = filled.batch.size >= BUSY;
      try {
        await write(engine, filled.batch, isPatient);
        [failing, isPatient] = [false, false];
        loop?.completed();
        // Must come last: a stopping worker closes the database once no result is waiting.
        end(filled);
      } catch (error) {
        [failing, isPatient] = [!isRollback(error), isOfSize(error)];
        logFailure(log, error, 'recording attempts failed; retrying', { results: waiting });
        if (givenUp || (isOfValues(error) && performance.now() - filled.batch.newestMs > leaseMs)) end(filled);
        else batches.unshift(filled);
        if (!isOfValues(error)) await leases.keep(batches);
        await sleep(250);
      }
    }
    flushing = null;
    failing = false;
    loop?.rests();
  }

  function end({ batch, ended }: Filling): void {
    waiting -= batch.size;
    batch.clear();
    if (reusable.length < 2) reusable.push(batch);
    for (const end of ended) end();
  }

  return {
    add(result, onWritten) {
      const { batch, ended } = lastWithRoom(batches, () => reusable.pop() ?? new AttemptBatch(toLine));
      batch.add(result);
      if (onWritten) ended.push(onWritten);
      if (result.attempt) meter.attempt(result.attempt);
      if (++waiting >= WORTHWHILE) gathering.end();
      flushing ??= flush();
      if (waiting <= MAX_WAITING && charactersOf(batches) <= MAX_WAITING_CHARACTERS) return;
      return new Promise<void>((resolve) => void ended.push(resolve));
    },
    waiting: () => waiting,
    isFailing: () => failing,
    async written() {
      while (flushing) await flushing;
    },
    giveUp() {
      givenUp = true;
    },
  };
}

const charactersOf = (batches: Filling[]): number => batches.reduce((sum, { batch }) => sum + batch.characters, 0);

/** Returns the last batch; adds one when there is none or the last is full. */
function lastWithRoom(batches: Filling[], create: () => AttemptBatch): Filling {
  const last = batches.at(-1);
  if (last && last.batch.size < MAX_BATCH && last.batch.characters < MAX_CHARACTERS) return last;
  const added = { batch: create(), ended: [] };
  batches.push(added);
  return added;
}

/** Waits until there are enough results to write together. */
class Gathering {
  private wake: (() => void) | undefined;

  /** Resolves when `end` is called, or after GATHER_MS milliseconds. */
  enough(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  end(): void {
    this.wake?.();
  }
}

/** The leases of results that can't be written yet. */
class Leases {
  private keptAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly engine: Pick<Engine, 'pool' | 'log'>,
    private readonly leaseMs: number,
  ) {}

  /** Extends the leases of all batches, at most once in KEEP_MS milliseconds. */
  async keep(batches: readonly Filling[]): Promise<void> {
    if (performance.now() - this.keptAtMs < KEEP_MS) return;
    this.keptAtMs = performance.now();
    const { pool, log } = this.engine;
    for (const { batch } of batches)
      await keepLeases(pool, batch.toParameters(), this.leaseMs).catch((error) => logFailure(log, error, 'extending leases failed'));
  }
}

/** Whether Postgres rolled back because of a concurrent transaction, for example after a deadlock. The next try succeeds. */
const isRollback = (error: unknown): boolean => /^(40|55P03)/.test(String((error as { code?: string }).code));

/**
 * Whether a batch can't be written because of its own values: Postgres reported a data exception (22) or an exceeded limit (54), or an
 * error occurred before the statement was sent. All other errors concern every batch, such as a full disk or missing rights.
 */
function isOfValues(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === undefined ? !isUnreachable(error) : /^(22|54)/.test(code);
}

/**
 * Writes a batch; logs its attempts and the subscriptions that they disabled or slowed down; holds the deliveries of the disabled
 * subscriptions.
 */
async function write({ pool, log, meter }: Pick<Engine, 'pool' | 'log' | 'meter'>, batch: AttemptBatch, isPatient: boolean): Promise<void> {
  const { disabled, paces, states } = await writeBatch(pool, batch, isPatient);
  for (const line of batch.lines) {
    const after = states.get(line.deliveryId);
    if (after) writeLine(log, line, after);
  }
  for (const change of paces) logPace(log, change);
  if (disabled.length === 0) return;
  for (const { rule } of disabled) meter.disabled(rule);
  const ids = disabled.map(({ id }) => id);
  const held = await holdDeliveries(pool, ids, 'DISABLED', { withinMs: 0 }).catch((error) => {
    // A failure is only logged: the attempts are already recorded, and the periodic scan of lease/due-scan.ts holds the deliveries later.
    logFailure(log, error, 'holding the deliveries of disabled subscriptions failed; a worker holds them later');
    return new Map<string, number>();
  });
  logRuleChanges(log, 'disabled', disabled, held);
}

/** Logs that a subscription changed to another pace state, such as SLOWED or PROBING. */
function logPace(log: Logger, { subscriptionId, tenant, before, after }: PaceChange): void {
  const fields = {
    subscriptionId,
    tenant,
    before: before?.state ?? null,
    ...(after && { perSecond: after.perSecond, failures: after.failures, resumesAt: new Date(after.resumeAtMs).toISOString() }),
  };
  if (after === null || after.state === 'LIMITED') logRule(log, 'recovered', { rule: before?.state ?? 'SLOWED', ...fields });
  else if (after.state === 'PROBING') logRule(log, 'probed', { rule: 'PROBING', ...fields });
  else if (before?.state === 'PROBING' && after.throttledAtMs !== after.changedAtMs)
    logRule(log, 'recovering', { rule: 'PROBING', ...fields });
  else logRule(log, 'slowed', { rule: 'SLOWED', ...fields });
}
