// @ts-check
// A render process's own clock, on a thread beside it: ends the process when one rendering has computed for too long. It needs no
// answer from anybody, so it also holds where the engine is busy or dead.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { cpuMs, STALE_MS } from './cpu-clock.mjs';

/** @type {{ busy: Int32Array, phase: Float64Array }} */
const { busy, phase } = workerData;
const LOOK_EVERY_MS = 5;

for (;;) {
  Atomics.store(busy, 1, 1);
  Atomics.wait(busy, 0, 0);
  Atomics.store(busy, 1, 0);
  const [start = 0, limitMs = 0, id = 0] = phase;
  if (busy[0] === 1 && phase[0] === start && cpuMs() - start > limitMs + STALE_MS) {
    writeSync(2, `overstayed ${limitMs} ms in ${id}`);
    process.kill(process.pid, 'SIGKILL');
  }
  Atomics.wait(busy, 0, 1, LOOK_EVERY_MS);
}
