// Settlements, one by one -> batches: what has gathered is written when the last batch is.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type Settlement, settle } from './settle.js';

export interface Settler {
  /** Answers a promise where much waits to be written: until it resolves there is no room for more. */
  settle(one: Settlement): Promise<void> | undefined;
  /** Resolves when all is written, or dropped since its lease ran out before it could be. */
  written(): Promise<void>;
}

const MAX_BATCH = 200;
/** Where so many came together, more are coming: the next ones gather up to WORTHWHILE, or for GATHER_MS. */
const BUSY = 10;
const WORTHWHILE = 100;
const GATHER_MS = 5;
/** Beyond so many that wait, whoever settles waits too: they are what is sent again after a kill. */
const MAX_WAITING = 400;

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
  let waiting: { one: Settlement; since: number; done?: () => void }[] = [];
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
    while (waiting.length > 0) {
      if (busy && waiting.length < WORTHWHILE) await gathered();
      const batch = waiting.slice(0, MAX_BATCH);
      try {
        const disabled = await settle(
          pool,
          batch.map((entry) => entry.one),
        );
        waiting = waiting.slice(batch.length);
        busy = batch.length >= BUSY;
        try {
          if (disabled.length > 0) await onDisabled(disabled);
        } finally {
          // Last: whoever stops when nothing is in flight closes the database next.
          for (const entry of batch) entry.done?.();
        }
      } catch (error) {
        log.error({ err: error, settlements: waiting.length }, 'recording attempts failed; trying again');
        const [late, fresh] = [
          waiting.filter((e) => Date.now() - e.since > giveUpMs),
          waiting.filter((e) => Date.now() - e.since <= giveUpMs),
        ];
        for (const entry of late) entry.done?.();
        waiting = fresh;
        await sleep(250);
      }
    }
    flushing = null;
  }

  return {
    settle(one) {
      const entry: (typeof waiting)[number] = { one, since: Date.now() };
      waiting.push(entry);
      if (waiting.length >= WORTHWHILE) enough?.();
      flushing ??= flush();
      if (waiting.length <= MAX_WAITING) return;
      return new Promise<void>((done) => {
        entry.done = done;
      });
    },
    async written() {
      while (flushing) await flushing;
    },
  };
}
