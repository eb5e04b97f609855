// How the tests run: one embedded Postgres per run, a cloned database per test that asks for one.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Two copies of graphql would make types of the one unknown to the other.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/start-postgres.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
