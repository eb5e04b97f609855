// Notifies the relays of all processes by NOTIFY that a write was committed.
import type { Pool } from 'pg';

/** The channel that the relays listen to. */
export const POKE_CHANNEL = 'hookgraph_poke';

export interface Poker {
  /** Call it after the commit. Concurrent calls share a notification. A lost notification delays the relay until its next poll. */
  poke(): void;
  /** Stops, and resolves when no notification is being sent. */
  stop(): Promise<void>;
}

export function createPoker(pool: Pool): Poker {
  let again = false;
  let stopped = false;
  let running: Promise<void> | undefined;

  async function notify(): Promise<void> {
    do {
      again = false;
      // A failure is not logged, because the relays poll anyway.
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
