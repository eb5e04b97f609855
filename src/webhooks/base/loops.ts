// Records when each loop of a worker last completed an iteration, to detect loops that are stuck or keep failing.

import type { Logger } from '../../runtime/logger.js';

export interface LoopState {
  name: string;
  /** Milliseconds since the loop last completed an iteration without an error, or started. */
  ageMs: number;
  /** Whether no iteration has completed for longer than the loop's interval plus the limit `stallMs`. */
  isStalled: boolean;
}

export interface Loop {
  /** Call it after each completed iteration, and after each step of a long iteration. */
  completed(): void;
  /** Call it when the loop has nothing to do until its next `completed()`: it doesn't count as stalled meanwhile. */
  rests(): void;
  /** Call it when the loop was stopped on purpose: an ended loop never counts as stalled. */
  ended(): void;
}

/** Milliseconds between two checks for stalled loops. */
const CHECK_MS = 500;

export interface Loops {
  /** Registers a loop that has started. `everyMs`: the longest pause between two of its iterations, in milliseconds. */
  start(name: string, everyMs: number): Loop;
  states(): LoopState[];
}

/** @param stallMs milliseconds beyond its interval after which a loop counts as stalled */
export function createLoops(stallMs: number, now: () => number = () => performance.now()): Loops {
  const running = new Map<string, { everyMs: number; atMs: number }>();
  return {
    start(name, everyMs) {
      const loop = { everyMs, atMs: now() };
      running.set(name, loop);
      return {
        completed() {
          loop.atMs = now();
        },
        rests() {
          loop.atMs = Number.POSITIVE_INFINITY;
        },
        ended: () => void (running.get(name) === loop && running.delete(name)),
      };
    },
    states: () =>
      [...running].map(([name, { everyMs, atMs }]) => {
        const ageMs = Math.max(0, now() - atMs);
        return { name, ageMs, isStalled: ageMs > everyMs + stallMs };
      }),
  };
}

/**
 * Logs one warning when loops stall, and a line when none of them is stalled any more. Returns a function that ends the watch. A loop that
 * stalls while others are stalled gets no line of its own, because they usually have the same cause.
 */
export function watchLoops(loops: Loops, log: Logger): () => void {
  let isLogged = false;
  const timer = setInterval(() => {
    const stalled = loops.states().filter(({ isStalled }) => isStalled);
    if (isLogged === stalled.length > 0) return;
    isLogged = !isLogged;
    const ages = Object.fromEntries(stalled.map(({ name, ageMs }) => [name, Math.round(ageMs)]));
    if (isLogged) log.warn({ loops: ages }, 'loops of the worker have not completed for some time; they go on when the database answers');
    else log.info('the loops of the worker complete again');
  }, CHECK_MS);
  return () => clearInterval(timer);
}
