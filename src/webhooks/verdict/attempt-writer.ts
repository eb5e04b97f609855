// Settlements, one by one -> batches: what has gathered is written when the last batch is.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { SettlementBatch } from './attempt-batch.js';
import type { Settlement } from './attempt-result.js';
import type { PaceChange } from './change-paces.js';
import { settleBatch } from './write-attempts.js';

export interface Settler {
  /** Answers a promise where much waits to be written: until it resolves there is no room for more. */
  settle(one: Settlement): Promise<void> | undefined;
  /** Resolves when all is written, or dropped since its lease ran out before it could be. */
  written(): Promise<void>;
}

interface Filling {
  batch: SettlementBatch;
  /** Told when it is written, or dropped. */
  ended: (() => void)[];
}

const MAX_BATCH = 400;
/** Characters: beyond it the next one begins another batch, since all of one is in memory several times while it is sent. */
const MAX_BODIES = 8_000_000;
/** Where so many came together, more are coming: the next ones gather up to WORTHWHILE, or for GATHER_MS. */
const BUSY = 10;
const WORTHWHILE = 200;
const GATHER_MS = 20;
/** Beyond so many that wait, whoever settles waits too: they are what is sent again after a kill. */
const MAX_WAITING = 800;

/**
 * @param giveUpMs after so long without a database a settlement is dropped: its lease has ended and the delivery is
 * due again, so nothing is lost.
 */
export function createSettler(
  pool: Pool,
  log: Logger,
  onDisabled: (subscriptionIds: string[]) => Promise<void>,
  giveUpMs: number,
): Settler {
  /** The oldest first; the last one takes what comes. */
  const batches: Filling[] = [];
  const spare: SettlementBatch[] = [];
  /** In all of them, and in the one that is being written. */
  let waiting = 0;
  let flushing: Promise<void> | null = null;
  let enough: (() => void) | undefined;

  /** More of them, or a few milliseconds later. */
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
    // One turn of the event loop, so that replies that arrive together are written together.
    await new Promise(setImmediate);
    let busy = false;
    while (batches.length > 0) {
      if (busy && waiting < WORTHWHILE) await gathered();
      const filled = batches.shift() as Filling;
      busy = filled.batch.size >= BUSY;
      try {
        await write(filled.batch);
        // Last: whoever stops when nothing is in flight closes the database next.
        end(filled);
      } catch (error) {
        log.error({ err: error, settlements: waiting }, 'recording attempts failed; trying again');
        if (Date.now() - filled.batch.newestMs > giveUpMs) end(filled);
        else batches.unshift(filled);
        await sleep(250);
      }
    }
    flushing = null;
  }

  async function write(batch: SettlementBatch): Promise<void> {
    const { disabled, paces } = await settleBatch(pool, batch);
    for (const change of paces) logPace(log, change);
    if (disabled.length === 0) return;
    // It is recorded, whatever comes of this; the due-scan would do the same.
    await onDisabled(disabled).catch((error) => log.error({ err: error }, 'holding deliveries failed; the due-scan holds them'));
  }

  function end({ batch, ended }: Filling): void {
    waiting -= batch.size;
    batch.clear();
    if (spare.length < 2) spare.push(batch);
    for (const end of ended) end();
  }

  return {
    settle(one) {
      let last = batches.at(-1);
      if (last === undefined || last.batch.size >= MAX_BATCH || last.batch.bodies >= MAX_BODIES) {
        last = { batch: spare.pop() ?? new SettlementBatch(), ended: [] };
        batches.push(last);
      }
      last.batch.add(one);
      waiting += 1;
      if (waiting >= WORTHWHILE) enough?.();
      flushing ??= flush();
      if (waiting <= MAX_WAITING) return;
      const { ended } = last;
      return new Promise<void>((resolve) => void ended.push(resolve));
    },
    async written() {
      while (flushing) await flushing;
    },
  };
}

const PACE_LINES = {
  SLOWED: 'subscription slowed: its receiver takes less, and the pace that it takes is being found',
  PROBING: 'circuit opened: the receiver fails again and again, and one delivery at a time is tried',
};

/** One line for each change of state. */
function logPace(log: Logger, { subscriptionId, before, after }: PaceChange): void {
  const fields = {
    subscriptionId,
    before: before?.state ?? null,
    ...(after && { perSecond: after.perSecond, resumesAt: new Date(after.resumeAtMs).toISOString() }),
  };
  if (after === null || after.state === 'LIMITED') log.info(fields, 'subscription runs at full speed again');
  else if (before?.state === 'PROBING' && after.toldAtMs !== after.changedAtMs)
    log.info(fields, 'circuit closed: the receiver works again');
  else log.warn(fields, PACE_LINES[after.state]);
}
