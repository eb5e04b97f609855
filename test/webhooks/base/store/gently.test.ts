// Tests that the steps of cleaning pause, write early, and leave their connections as they were.
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gently, pauseMs, vacuumGently } from '../../../../src/webhooks/base/store/gently.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';

let db: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  db = await testDatabase();
  // One connection, so that each statement here sees what the one before left.
  pool = new pg.Pool({ connectionString: db.url, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await db.close();
});

const setting = async (name: string, on: Pick<pg.Pool, 'query'> = pool): Promise<string> =>
  (await on.query(`SELECT current_setting('${name}') AS value`)).rows[0].value;

it('pauses as long as the step took, longer after a slow commit, and at most a second', () => {
  expect(pauseMs(30, 1)).toBe(30);
  expect(pauseMs(30, 20)).toBe(200);
  expect(pauseMs(400, 300)).toBe(1_000);
});

it('lets a step write early, and nothing after it', async () => {
  const before = await setting('backend_flush_after');
  expect(await gently(pool, (client) => setting('backend_flush_after', client))).toBe('256kB');
  await expect(gently(pool, () => Promise.reject(new Error('it failed')))).rejects.toThrow('it failed');
  expect(await setting('backend_flush_after')).toBe(before);
});

it('leaves no pauses to the next statement, also when VACUUM fails', async () => {
  const before = await setting('vacuum_cost_delay');
  await vacuumGently(pool, 'VACUUM hookgraph.deliveries');
  await expect(vacuumGently(pool, 'VACUUM hookgraph.no_such_table')).rejects.toThrow('does not exist');
  expect(await setting('vacuum_cost_delay')).toBe(before);
});
