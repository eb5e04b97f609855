// Collects results of attempts and writes them in batches, one batch at a time.

import { setTimeout as sleep } from 'node:timers/promises';
import { logFailure } from '../../runtime/failure-log.js';
import type { Logger } from '../../runtime/logger.js';
import type { Engine } from '../base/engine.js';
import { logRule, logRuleChanges } from '../base/rule-log.js';
import { holdDeliveries } from '../base/store/delivery-state.js';
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
   */
  add(result: DeliveryResult): Promise<void> | undefined;
  /** Returns how many results are not written yet. */
  waiting(): number;
  /** Resolves when every queued result is written, or dropped because its lease ran out. */
  written(): Promise<void>;
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
/**
 * Number of unwritten results above which `add` makes the worker wait. If the process dies, the deliveries of all unwritten results are
 * sent again.
 */
const MAX_WAITING = 800;

/**
 * @param giveUpMs milliseconds after which a batch that can't be written is dropped. Its leases have ended by then, so its deliveries are
 * due again and nothing is lost.
 */
export function createAttemptWriter(engine: Pick<Engine, 'pool' | 'log' | 'settings' | 'meter'>, giveUpMs: number): AttemptWriter {
  const { log, meter } = engine;
  const { attemptLog = USUAL_ATTEMPT_LOG } = engine.settings;
  const toLine = (attempt: AttemptRecord) => lineOf(log, attemptLog, attempt);
  /** The batches that are not written yet, oldest first. A new result goes into the last one. */
  const batches: Filling[] = [];
  const reusable: AttemptBatch[] = [];
  /** Number of results in all batches, including the batch being written. */
  let waiting = 0;
  let flushing: Promise<void> | null = null;
  let enough: (() => void) | undefined;

  /** Resolves when enough results are waiting, or after GATHER_MS milliseconds. */
  function gathered(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      enough = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function flush(): Promise<void> {
    // Waits for one iteration of the event loop, so that replies that arrive together are written together.
    await new Promise(setImmediate);
    let busy = false;
    while (batches.length > 0) {
      if (busy && waiting < WORTHWHILE) await gathered();
      const filled = batches.shift() as Filling;
      busy = filled.batch.size >= BUSY;
      try {
        await write(engine, filled.batch);
        // Must come last: a stopping worker closes the database once no result is waiting.
        end(filled);
      } catch (error) {
        logFailure(log, error, 'recording attempts failed; retrying', { results: waiting });
        if (Date.now() - filled.batch.newestMs > giveUpMs) end(filled);
        else batches.unshift(filled);
        await sleep(250);
      }
    }
    flushing = null;
  }

  function end({ batch, ended }: Filling): void {
    waiting -= batch.size;
    batch.clear();
    if (reusable.length < 2) reusable.push(batch);
    for (const end of ended) end();
  }

  return {
    add(result) {
      let last = batches.at(-1);
      if (last === undefined || last.batch.size >= MAX_BATCH || last.batch.characters >= MAX_CHARACTERS) {
        last = { batch: reusable.pop() ?? new AttemptBatch(toLine), ended: [] };
        batches.push(last);
      }
      last.batch.add(result);
      if (result.attempt) meter.attempt(result.attempt);
      waiting += 1;
      if (waiting >= WORTHWHILE) enough?.();
      flushing ??= flush();
      if (waiting <= MAX_WAITING) return;
      const { ended } = last;
      return new Promise<void>((resolve) => void ended.push(resolve));
    },
    waiting: () => waiting,
    async written() {
      while (flushing) await flushing;
    },
  };
}

/**
 * Writes a batch; logs its attempts and the subscriptions that they disabled or slowed down; holds the deliveries of the disabled
 * subscriptions.
 */
async function write({ pool, log, meter }: Pick<Engine, 'pool' | 'log' | 'meter'>, batch: AttemptBatch): Promise<void> {
  const { disabled, paces, states } = await writeBatch(pool, batch);
  for (const line of batch.lines) {
    const after = states.get(line.deliveryId);
    if (after) writeLine(log, line, after);
  }
  for (const change of paces) logPace(log, change);
  if (disabled.length === 0) return;
  for (const { rule } of disabled) meter.disabled(rule);
  const ids = disabled.map(({ id }) => id);
  const held = await holdDeliveries(pool, ids, 'DISABLED').catch((error) => {
    // A failure is only logged: the attempts are already recorded, and the periodic scan of lease/due-scan.ts holds the deliveries later.
    logFailure(log, error, 'holding the deliveries of disabled subscriptions failed; the due-scan holds them later');
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
