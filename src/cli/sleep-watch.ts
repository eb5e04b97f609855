// Notices that this machine or process slept.

export interface Clock {
  now(): number;
  /** Interval at which the clock is read, in milliseconds. */
  everyMs: number;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), everyMs: 2_000 };

/** Minimum length of a sleep in milliseconds; a busy machine delays a timer by less. */
const SLEEP_MS = 30_000;

/**
 * Calls `onWake` after each sleep, with the time at which it began. While `onWake` fails, calls it again, because the
 * network often comes back later than the machine. Returns the function that stops watching and waits for a running call.
 */
export function watchSleep({ now, everyMs }: Clock, onWake: (sinceMs: number, sleptMs: number) => Promise<void>): () => Promise<void> {
  let last = now();
  let sleep: { sinceMs: number; endMs: number } | null = null;
  let waking: Promise<void> | null = null;
  const timer = setInterval(() => {
    const at = now();
    if (at - last >= SLEEP_MS) sleep = { sinceMs: sleep?.sinceMs ?? last, endMs: at };
    last = at;
    const found = sleep;
    if (!found || waking) return;
    waking = onWake(found.sinceMs, found.endMs - found.sinceMs)
      .then(
        () => {
          if (sleep === found) sleep = null;
        },
        () => {},
      )
      .finally(() => {
        waking = null;
      });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await waking;
  };
}
