// Keeps when each loop of a worker last completed, so that a loop that is stuck or fails is noticed.

export interface LoopState {
  name: string;
  /** Milliseconds since the loop last completed an iteration without an error, or started. */
  ageMs: number;
  /** No iteration has completed for the loop's interval and STALL_MS more. */
  isStalled: boolean;
}

export interface Loop {
  /** Call it after each completed iteration, and after each step of a long iteration. */
  completed(): void;
  /** Call it when the loop was stopped on purpose: an ended loop never counts as stalled. */
  ended(): void;
}

export interface Loops {
  /** `everyMs`: the longest pause between two iterations. */
  start(name: string, everyMs: number): Loop;
  states(): LoopState[];
}

/**
 * Milliseconds beyond a loop's interval after which it counts as stalled. The longest iterations of a working loop take less:
 * relaying very many memberships, or calls to AWS that time out.
 */
export const STALL_MS = 20_000;

export function createLoops(now: () => number = () => performance.now()): Loops {
  const running = new Map<string, { everyMs: number; atMs: number }>();
  return {
    start(name, everyMs) {
      const loop = { everyMs, atMs: now() };
      running.set(name, loop);
      return {
        completed() {
          loop.atMs = now();
        },
        ended: () => void (running.get(name) === loop && running.delete(name)),
      };
    },
    states: () =>
      [...running].map(([name, { everyMs, atMs }]) => {
        const ageMs = now() - atMs;
        return { name, ageMs, isStalled: ageMs > everyMs + STALL_MS };
      }),
  };
}
