// Records when each loop of a worker last completed an iteration, to detect loops that are stuck or keep failing.

export interface LoopState {
  name: string;
  /** Milliseconds since the loop last completed an iteration without an error, or started. */
  ageMs: number;
  /** Whether no iteration has completed for longer than the loop's interval plus STALL_MS. */
  isStalled: boolean;
}

export interface Loop {
  /** Call it after each completed iteration, and after each step of a long iteration. */
  completed(): void;
  /** Call it when the loop was stopped on purpose: an ended loop never counts as stalled. */
  ended(): void;
}

export interface Loops {
  /** Registers a loop that has started. `everyMs`: the longest pause between two of its iterations, in milliseconds. */
  start(name: string, everyMs: number): Loop;
  states(): LoopState[];
}

/**
 * Milliseconds beyond its interval after which a loop counts as stalled. Healthy loops stay below it even in their longest steps, such as
 * looking up the tenants of a large batch of events, or an AWS call that runs into its timeout.
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
