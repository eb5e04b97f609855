// @ts-check
// Kills a render process when a phase of its job (reading, parsing or rendering) uses too much CPU time. Runs on a worker thread of that
// process and needs no response from the engine, so it also works while the engine is blocked or dead.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { cpuMs, STALE_MS } from './cpu-clock.mjs';

/** @type {{ busy: Int32Array, phase: Float64Array }} */
const { busy, phase } = workerData;
const CHECK_EVERY_MS = 5;

for (;;) {
  Atomics.store(busy, 1, 1);
  Atomics.wait(busy, 0, 0);
  Atomics.store(busy, 1, 0);
  const [start = 0, limitMs = 0, id = 0] = phase;
  if (busy[0] === 1 && phase[0] === start && cpuMs() - start > limitMs + STALE_MS) {
    writeSync(2, `overstayed ${limitMs} ms in ${id}`);
    process.kill(process.pid, 'SIGKILL');
  }
  Atomics.wait(busy, 0, 1, CHECK_EVERY_MS);
}
