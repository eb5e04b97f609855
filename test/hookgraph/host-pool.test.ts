// Tests a pool that the host shares: a broken connection ends no process, and `close` leaves the pool as it was.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph } from '../../src/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { until } from '../support/until.js';

let db: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  db = await testDatabase({ empty: true });
  pool = new pg.Pool({ connectionString: db.url });
});
afterAll(async () => {
  await pool.end();
  await db.close();
});

it('logs a connection of the host’s pool that broke, and leaves no listener behind', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const hooks = createHookgraph({
    database: pool,
    keys: [randomBytes(32)],
    tables: {},
    signIn: async () => ({}),
    actor: () => null,
    log,
  });
  const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
  // Without a listener this would be an uncaught exception, which fails the test run.
  await db.pool.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
  await until('the broken connection is logged', () => lines.some((line) => line.includes('database connection broke')));
  await hooks.close();
  expect([pool.listenerCount('error'), pool.listenerCount('connect')]).toEqual([0, 0]);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
