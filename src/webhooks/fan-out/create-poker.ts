// Notifies the relays of all processes, by NOTIFY, that a write was committed, so that they turn the recorded changes into deliveries at
// once.
import type { Pool } from 'pg';

/** The NOTIFY channel on which the relays listen. */
export const POKE_CHANNEL = 'hookgraph_poke';

export interface Poker {
  /**
   * Notifies the relays. Call it after the commit. Calls while a notification is being sent share the next notification. If a notification
   * is lost, a relay finds the changes at its next poll.
   */
  poke(): void;
  /** Sends no further notifications, and resolves when none is in progress. */
  stop(): Promise<void>;
}

export function createPoker(pool: Pool): Poker {
  let again = false;
  let stopped = false;
  let running: Promise<void> | undefined;

  async function notify(): Promise<void> {
    do {
      again = false;
      // A failure is not logged, because the relays find the changes at their next poll.
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
