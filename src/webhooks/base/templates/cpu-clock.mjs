// @ts-check
// A process's main thread -> the milliseconds that it has computed, asked from it or from a thread beside it.
import { openSync, readSync } from 'node:fs';

const line = Buffer.alloc(128);
const file = open();

/** Where the system doesn't tell of one thread, of the whole process: then its compiler and collector count, too. */
export function cpuMs() {
  if (file !== null) {
    // https://docs.kernel.org/scheduler/sched-stats.html: nanoseconds on the processor come first.
    const nanoseconds = Number.parseInt(line.toString('latin1', 0, readSync(file, line, 0, 128, 0)), 10);
    if (nanoseconds > 0) return nanoseconds / 1e6;
  }
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Reading it is a system call: where a rough answer will do, one that is so old will. */
export const STALE_MS = 5;

let known = 0;
let knownAtMs = Number.NEGATIVE_INFINITY;

/** What it was within the last STALE_MS, never more than it is. */
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
