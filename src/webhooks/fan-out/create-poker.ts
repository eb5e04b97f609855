// "I have committed a write" -> a NOTIFY to the relays of all processes, on a connection of its own.
import type { Pool } from 'pg';

/** The channel that the relays listen to. */
export const POKE_CHANNEL = 'hookgraph_poke';

export interface Poker {
  /** Call it after the commit. Many calls become few notifications; a lost one costs a poll's delay and nothing else. */
  poke(): void;
  /** Resolves when nothing is under way. */
  stop(): Promise<void>;
}

export function createPoker(pool: Pool): Poker {
  let again = false;
  let stopped = false;
  let running: Promise<void> | undefined;

  async function notify(): Promise<void> {
    do {
      again = false;
      // A failure is no news: the relays poll.
      await pool.query(`NOTIFY ${POKE_CHANNEL}`).catch(() => {});
    } while (again && !stopped);
    running = undefined;
  }

  return {
    poke() {
      if (stopped) return;
      again = true;
      running ??= notify();
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}
