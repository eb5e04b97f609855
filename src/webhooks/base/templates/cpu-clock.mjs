// @ts-check
// Measures the CPU time of a process's main thread. Can be called from that thread and from a worker thread.
import { openSync, readSync } from 'node:fs';

const line = Buffer.alloc(128);
const file = open();

/** CPU milliseconds of the main thread; on systems without /proc, of all threads, including V8's compiler and garbage collector. */
export function cpuMs() {
  if (file !== null) {
    // The first field is the CPU time in nanoseconds: https://docs.kernel.org/scheduler/sched-stats.html
    const nanoseconds = Number.parseInt(line.toString('latin1', 0, readSync(file, line, 0, 128, 0)), 10);
    if (nanoseconds > 0) return nanoseconds / 1e6;
  }
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Maximum age, in milliseconds, of the time that recentCpuMs returns. It saves a system call where an approximate time is enough. */
export const STALE_MS = 5;

let known = 0;
let knownAtMs = Number.NEGATIVE_INFINITY;

/** The CPU time as of at most STALE_MS ago; never ahead of the actual time. */
export function recentCpuMs() {
  const nowMs = performance.now();
  if (nowMs - knownAtMs >= STALE_MS) {
    known = cpuMs();
    knownAtMs = nowMs;
  }
  return known;
}

function open() {
  try {
    return openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  } catch {
    return null;
  }
}
