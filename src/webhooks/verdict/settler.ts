// Settlements, one by one -> batches: what has gathered is written when the last batch is.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type Settlement, settle } from './settle.js';

export interface Settler {
  /** Resolves when it is written, or when its lease ran out before it could be. */
  settle(one: Settlement): Promise<void>;
}

const MAX_BATCH = 200;

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
  let waiting: { one: Settlement; since: number; done: () => void }[] = [];
  let flushing = false;

  async function flush(): Promise<void> {
    if (flushing) return;
    flushing = true;
    // One turn of the event loop, so that replies that arrive together are written together.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      try {
        const disabled = await settle(
          pool,
          batch.map((entry) => entry.one),
        );
        waiting = waiting.slice(batch.length);
        try {
          if (disabled.length > 0) await onDisabled(disabled);
        } finally {
          // Last: whoever stops when nothing is in flight closes the database next.
          for (const entry of batch) entry.done();
        }
      } catch (error) {
        log.error({ err: error, settlements: waiting.length }, 'recording attempts failed; trying again');
        const [late, fresh] = [
          waiting.filter((e) => Date.now() - e.since > giveUpMs),
          waiting.filter((e) => Date.now() - e.since <= giveUpMs),
        ];
        for (const entry of late) entry.done();
        waiting = fresh;
        await sleep(250);
      }
    }
    flushing = false;
  }

  return {
    settle: (one) =>
      new Promise<void>((done) => {
        waiting.push({ one, since: Date.now(), done });
        void flush();
      }),
  };
}
