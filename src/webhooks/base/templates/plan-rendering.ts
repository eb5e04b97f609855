// Decides which process renders a job, when another process starts, and whether the jobs of a dead process are rendered again. Fast
// processes have several jobs each, the slow process has one. All functions are pure; renderer.ts has the processes and the timers.
import type { Death } from './render-child.js';
import type { Job } from './rendering.mjs';
import { SLOW_FOR_MS } from './slow-subscriptions.js';

/**
 * Maximum number of jobs (renderings for one delivery) that a fast process has at once. When half of them are done, the next batch is sent,
 * so that the process never waits. The number is small, because the jobs of a process that dies must be rendered again.
 */
export const MAX_JOBS = 16;
/** Milliseconds for which jobs must have waited for a free slot before another fast process starts. */
const CROWDED_FOR_MS = 100;
/** Number of processes that may die of an unknown cause while they have a job; then the job is rejected. */
const MAX_DEATHS = 3;

export interface FastProcesses {
  /** Number of fast processes that run, and the maximum number. */
  running: number;
  max: number;
  /** Time by `performance.now()` since when jobs have waited because the processes had too few slots; `Infinity` when no job waits. */
  crowdedSinceMs: number;
  /** Time by `performance.now()` of the last death of a fast process; `-Infinity` when none died. */
  lastDeathMs: number;
}

/**
 * Whether another fast process may start. For a minute (SLOW_FOR_MS) after a death, two may run even if `max` is one, so that one can
 * render if the other dies again.
 */
export function mayStartAnother({ running, max, crowdedSinceMs, lastDeathMs }: FastProcesses, nowMs: number): boolean {
  if (nowMs - lastDeathMs < SLOW_FOR_MS && running < 2) return true;
  return running < max && nowMs - crowdedSinceMs > CROWDED_FOR_MS;
}

/**
 * Returns the index of the process that gets the next jobs, `open` if a new process gets them, or `wait` until half of the slots of a
 * process are free. Waiting makes batches, so that not every job needs a message.
 * @param loads number of jobs in each fast process
 */
export function chooseProcess(loads: readonly number[], mayStartAnother: boolean): number | 'open' | 'wait' {
  const least = Math.min(...loads);
  if (loads.length === 0 || (least >= MAX_JOBS / 4 && mayStartAnother)) return 'open';
  return least > MAX_JOBS / 2 ? 'wait' : loads.indexOf(least);
}

/** Whether this job may have caused the death of its process. */
export const isSuspect = (death: Death, { id }: Pick<Job, 'id'>): boolean => death.by === 'template' && (death.culprit ?? id) === id;

/**
 * What happens to a job when its process dies. `limit`: the job exceeded a limit. `reject`: it fails, because its processes keep dying.
 * `alone`, `together`: it is rendered again, alone in the slow process or in a batch.
 */
export type Fate = 'limit' | 'reject' | 'alone' | 'together';

/** @param deaths number of processes that died of an unknown cause while they had this job, including this process */
export function fateOf(death: Death, job: Pick<Job, 'id' | 'alone'>, deaths: number): Fate {
  const suspected = isSuspect(death, job);
  if (suspected && job.alone) return 'limit';
  if (death.by === 'unknown' && deaths >= MAX_DEATHS) return 'reject';
  return suspected || job.alone ? 'alone' : 'together';
}
