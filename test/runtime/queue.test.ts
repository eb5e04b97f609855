// Tests that the queue of maintenance tasks outlives a database that is away while a task ends.
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { overriding } from '../../src/runtime/local-pool.js';
import { startQueue, workerSchema } from '../../src/runtime/queue.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { until } from '../support/until.js';

let db: TestDatabase;
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeEach(async () => {
  db = await testDatabase();
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  process.off('unhandledRejection', note);
  await db.close();
});

it.each(['succeeds', 'fails'])('records the end of a task that %s, as soon as the database is back', async (how) => {
  const name = new URL(db.url).pathname.slice(1);
  const elsewhere = new pg.Client({ connectionString: Object.assign(new URL(db.url), { pathname: '/postgres' }).href });
  await elsewhere.connect();
  let [isOver, refused] = [false, 0];
  const connect = () =>
    db.pool.connect().catch((error) => {
      if (isOver) refused += 1;
      throw error;
    });
  const task = async () => {
    await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await elsewhere.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [name]);
    isOver = true;
    if (how === 'fails') throw new Error('by the test');
  };
  const queue = await startQueue({ pool: overriding(db.pool, { connect }), log: pino({ level: 'silent' }), tasks: { task }, crontab: '' });
  await db.pool.query(`SELECT ${workerSchema(db.pool)}.add_job('task', max_attempts => 1)`);
  await until('it could not be recorded', () => refused > 0);
  await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  const jobs = `SELECT last_error FROM ${workerSchema(db.pool)}._private_jobs`;
  await until('the end is recorded', async () => {
    const { rows } = await db.pool.query(jobs);
    return how === 'fails' ? rows[0]?.last_error === 'by the test' : rows.length === 0;
  });
  await queue.stop();
  await elsewhere.end();
  expect(unhandled).toEqual([]);
});
