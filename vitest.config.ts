// How the tests run: one embedded Postgres per run, a cloned database per test that asks for one.
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

export default defineConfig({
  // Two copies of graphql would make types of the one unknown to the other.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/start-postgres.ts'],
    pool: 'forks',
    // The files of a worker share its modules, whose loading took a tenth of the run. No test changes the state of a module.
    isolate: false,
    // Most of a test's time is waiting for real processes: four workers left two cores idle for a fifth of a run. The default is one.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    // Catches what hangs, and nothing else: longer than all waits of a test on a busy machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // A machine that is busy starts processes slowly, and the first rendering waits for one.
    expect: { poll: { timeout: 180_000 } },
  },
});
