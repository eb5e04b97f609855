// Tests migrations on a real Postgres: each is applied once, in order, and never edited.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../src/runtime/migrate.js';
import { MIGRATION_SETS } from '../../src/runtime/migration-sets.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let dir: string;
beforeEach(async () => {
  database = await testDatabase({ empty: true });
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-migrations-'));
});
afterEach(async () => {
  await database.close();
  await rm(dir, { recursive: true });
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, name, 'migration.sql'), sql);
}
const ledger = async () =>
  (await database.pool.query('SELECT migration_name, finished_at IS NOT NULL AS finished FROM room._prisma_migrations ORDER BY 1')).rows;

test('applies what is missing, in order, once', async () => {
  await write('2_second', 'ALTER TABLE thing ADD COLUMN name text');
  await write('1_first', 'CREATE TABLE thing (id int)');
  const seen: string[] = [];
  expect(await migrate(database.pool, dir, { schema: 'room', onApplied: (name) => seen.push(name) })).toEqual(['1_first', '2_second']);
  expect(seen).toEqual(['1_first', '2_second']);
  expect(await migrate(database.pool, dir, { schema: 'room' })).toEqual([]);
  await write('3_third', 'CREATE TABLE more (id int)');
  expect(await migrate(database.pool, dir, { schema: 'room' })).toEqual(['3_third']);
  const { rows } = await database.pool.query("SELECT to_regclass('room.thing') AS thing, to_regclass('public.thing') AS elsewhere");
  expect(rows).toEqual([{ thing: 'room.thing', elsewhere: null }]);
});

test('refuses a migration that was edited after it was applied', async () => {
  await write('1_first', 'CREATE TABLE thing (id int)');
  await migrate(database.pool, dir, { schema: 'room' });
  await write('1_first', 'CREATE TABLE thing (id bigint)');
  await expect(migrate(database.pool, dir, { schema: 'room' })).rejects.toMatchObject({
    code: 'MIGRATION_EDITED',
    message: 'The migration 1_first was edited after it was applied',
  });
});

test('a migration that waits for a table makes its writers wait for moments only, and says whose transaction it gave up on', async () => {
  await write('1_first', 'CREATE TABLE thing (id int)');
  await migrate(database.pool, dir, { schema: 'room' });
  await write('2_second', 'ALTER TABLE thing ADD COLUMN name text');
  const long = await database.pool.connect();
  await long.query('BEGIN; INSERT INTO room.thing VALUES (1)');
  const { rows } = await long.query('SELECT pg_backend_pid() AS pid');
  const refused = migrate(database.pool, dir, { schema: 'room', giveUpMs: 500 }).catch((error: Error) => error);
  const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'room.thing'::regclass AND NOT granted`;
  await until('the migration waits for the table', async () => (await database.pool.query(waiting)).rowCount);
  // If the migration kept waiting for the table, this INSERT would queue behind it until `long` ends.
  await database.pool.query('INSERT INTO room.thing VALUES (2)');
  expect(await refused).toMatchObject({ code: 'MIGRATION_BLOCKED', message: expect.stringContaining(`pid ${rows[0].pid} (`) });
  const applied = migrate(database.pool, dir, { schema: 'room' });
  await until('the migration waits again', async () => (await database.pool.query(waiting)).rowCount);
  await long.query('COMMIT');
  long.release();
  expect(await applied).toEqual(['2_second']);
});

test('processes that start together apply each migration once', async () => {
  await write('1_first', 'SELECT pg_sleep(0.1); CREATE TABLE thing (id int)');
  await write('2_second', 'CREATE TABLE more (id int)');
  const answers = await Promise.all(Array.from({ length: 5 }, () => migrate(database.pool, dir, { schema: 'room' })));
  expect(answers.flat().sort()).toEqual(['1_first', '2_second']);
  expect(await ledger()).toEqual([
    { migration_name: '1_first', finished: true },
    { migration_name: '2_second', finished: true },
  ]);
});

test('a migration that fails leaves nothing behind, says where it failed, and is tried again', async () => {
  await write('1_first', 'CREATE TABLE thing (id int)');
  await write('2_second', 'CREATE TABLE more (id int);\nINSERT INTO nowhere VALUES (1)');
  await expect(migrate(database.pool, dir, { schema: 'room' })).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: 'The migration 2_second failed at line 2: relation "nowhere" does not exist',
  });
  expect(await ledger()).toEqual([{ migration_name: '1_first', finished: true }]);
  await write('2_second', 'CREATE TABLE more (id int)');
  expect(await migrate(database.pool, dir, { schema: 'room' })).toEqual(['2_second']);
});

test('stops at a migration that Prisma left unfinished', async () => {
  await write('1_first', 'CREATE TABLE thing (id int)');
  await migrate(database.pool, dir, { schema: 'room' });
  await database.pool.query('UPDATE room._prisma_migrations SET finished_at = NULL');
  await expect(migrate(database.pool, dir, { schema: 'room' })).rejects.toMatchObject({ code: 'MIGRATION_UNFINISHED' });
});

test('our own rooms migrate an empty database, and find nothing to do the second time', async () => {
  for (const room of MIGRATION_SETS) expect((await migrate(database.pool, room.dir, room)).length).toBeGreaterThan(0);
  for (const room of MIGRATION_SETS) expect(await migrate(database.pool, room.dir, room)).toEqual([]);
});
