// Decides which process renders a job, when another process starts, and what becomes of the jobs of a process that died.
// Everything here takes values and gives values; renderer.ts has the processes and the timers.
import type { Death } from './render-child.js';
import type { Job } from './rendering.mjs';
import { SLOW_FOR_MS } from './slow-subscriptions.js';

/** Maximum number of jobs in a fast process. Half of it keeps the process busy while new jobs arrive; few jobs are lost when it dies. */
export const MAX_JOBS = 16;
/** Milliseconds for which jobs must have waited before another fast process starts. */
const CROWDED_FOR_MS = 100;
/** Number of process deaths of unknown cause after which a job is rejected. */
const MAX_DEATHS = 3;

export interface FastProcesses {
  /** Number of fast processes that run, and the maximum number. */
  running: number;
  max: number;
  /** Time by `performance.now()` since when more jobs wait than the processes have slots for; `Infinity` when fewer do. */
  crowdedSinceMs: number;
  /** Time by `performance.now()` of the last death of a fast process; `-Infinity` when none died. */
  lastDeathMs: number;
}

/** Whether another fast process may start. After a death two run for a while, so that rendering continues if one restarts. */
export function isAnotherWanted({ running, max, crowdedSinceMs, lastDeathMs }: FastProcesses, nowMs: number): boolean {
  if (nowMs - lastDeathMs < SLOW_FOR_MS && running < 2) return true;
  return running < max && nowMs - crowdedSinceMs > CROWDED_FOR_MS;
}

/**
 * Returns the index of the process that gets the next jobs, `open` for a new one, or `wait`: half of the slots must be free, so that
 * jobs are sent in batches and not one message each.
 * @param loads number of jobs in each fast process
 */
export function chooseProcess(loads: readonly number[], isAnotherWanted: boolean): number | 'open' | 'wait' {
  const least = Math.min(...loads);
  if (loads.length === 0 || (least >= MAX_JOBS / 4 && isAnotherWanted)) return 'open';
  return least > MAX_JOBS / 2 ? 'wait' : loads.indexOf(least);
}

/** Whether this job may have caused the death of its process. */
export const isSuspect = (death: Death, { id }: Pick<Job, 'id'>): boolean => death.by === 'template' && (death.culprit ?? id) === id;

/**
 * What becomes of a job whose process died: it is over its limit, it is rejected because its processes keep dying, or it is rendered
 * again, by itself or with others.
 */
export type Fate = 'limit' | 'reject' | 'alone' | 'together';

/** @param deaths number of processes of this job that died of an unknown cause, this one included */
export function fateOf(death: Death, job: Pick<Job, 'id' | 'alone'>, deaths: number): Fate {
  const suspected = isSuspect(death, job);
  if (suspected && job.alone) return 'limit';
  if (death.by === 'unknown' && deaths >= MAX_DEATHS) return 'reject';
  return suspected || job.alone ? 'alone' : 'together';
}
