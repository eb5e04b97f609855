// Tests the connections of stored queries: they can only read, and only for a limited time.
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDatabase, databaseEndpoints, openPool } from '../../src/runtime/database.js';
import { openPrisma } from '../../src/sample/prisma.js';
import { openReadOnlyPool } from '../../src/sources/limited-reader.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { startFreezingProxy } from '../support/freezing-proxy.js';
import { openReader } from '../support/reader.js';
import { until } from '../support/until.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const log = pino({ level: 'silent' });

test('the reader reads what others wrote, and can write nothing, by neither of its doors', async () => {
  const prisma = openPrisma(database.url);
  const reader = openReader(database.url, { log, statementTimeoutMs: 5000 });
  try {
    await prisma.organization.create({ data: { name: 'Acme', permalink: 'acme' } });
    expect(await reader.prisma.organization.count()).toBe(1);
    await expect(reader.prisma.organization.create({ data: { name: 'Evil', permalink: 'evil' } })).rejects.toThrow(/read-only/);
    await expect(reader.prisma.$transaction((tx) => tx.organization.deleteMany())).rejects.toThrow(/read-only/);
    await expect(reader.pool.query('DELETE FROM organizations')).rejects.toThrow(/read-only/);
    expect(await prisma.organization.count()).toBe(1);
  } finally {
    await Promise.all([prisma.$disconnect(), reader.close()]);
  }
});

test('the reader gives up on a slow statement, and before that on a lock', async () => {
  const reader = openReader(database.url, { log, statementTimeoutMs: 100 });
  const client = await database.pool.connect();
  try {
    await expect(reader.prisma.$queryRaw`SELECT pg_sleep(5)::text`).rejects.toThrow(/statement timeout/);
    await expect(reader.pool.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
    await client.query('BEGIN; LOCK TABLE organizations');
    await expect(reader.pool.query('SELECT FROM organizations')).rejects.toMatchObject({ code: '55P03' });
  } finally {
    await client.query('ROLLBACK');
    client.release();
    await reader.close();
  }
});

test('the reader connects as the host’s own pool does, whose password is a field of its own', async () => {
  const { hostname, port, username, password, pathname } = new URL(database.url);
  const [host, user] = [hostname, username];
  const own = new pg.Pool({ host, port: Number(port), user, password: decodeURIComponent(password), database: pathname.slice(1) });
  const reader = openReadOnlyPool(own.options, { log, statementTimeoutMs: 5000 });
  expect((await reader.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await Promise.all([reader.end(), own.end()]);
});

test('a slow statement goes on, and only a dead connection is closed', async () => {
  const proxy = await startFreezingProxy(database.url);
  const pool = openPool(proxy.url, { log, silenceMs: 100 });
  try {
    expect((await pool.query('SELECT pg_sleep(1)')).rowCount).toBe(1);
    proxy.swallow();
    await expect(pool.query('SELECT 1')).rejects.toThrow('Postgres sent nothing for 100 ms');
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await pool.end();
    await proxy.close();
  }
});

test('a lost connection of one pool is a reason for the others to connect anew', async () => {
  const [pool, reader] = [openPool(database.url, { log }), openReadOnlyPool(database.url, { log, statementTimeoutMs: 5000 })];
  const pidOf = async (of: pg.Pool): Promise<number> => (await of.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  try {
    const before = await pidOf(reader);
    expect(await pidOf(reader)).toBe(before);
    const lost = expect(pool.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57P01' });
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'`;
    await until('its session is ended', async () => (await database.pool.query(end)).rowCount === 1);
    await lost;
    expect(await pidOf(reader)).not.toBe(before);
  } finally {
    await Promise.all([pool.end(), reader.end()]);
  }
});

test.each([
  ['postgres://me:secret@db.example/hooks', [{ host: 'db.example', port: 5432 }]],
  ['postgresql://db.example:6543/hooks?sslmode=disable', [{ host: 'db.example', port: 6543 }]],
  ['postgres://me@[::1]:6543/hooks', [{ host: '::1', port: 6543 }]],
  ['postgres://me@elsewhere/hooks?host=10.0.0.5&port=6543', [{ host: '10.0.0.5', port: 6543 }]],
  [
    'postgres://me@one,two:6543/hooks',
    [
      { host: 'one', port: 5432 },
      { host: 'two', port: 6543 },
    ],
  ],
  ['postgres:///hooks?host=/var/run/postgresql', []],
  ['postgres://%2Fvar%2Frun%2Fpostgresql/hooks', []],
])('the database of %s is at %o', (url, endpoints) => {
  expect(databaseEndpoints(url)).toEqual(endpoints);
});

test('a database whose encoding lacks characters is refused, by a sentence that says what to do', async () => {
  await checkDatabase(database.url);
  const url = new URL(database.url);
  url.pathname = `${url.pathname}_latin1`;
  const name = url.pathname.slice(1);
  await database.pool.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C' STRATEGY FILE_COPY`);
  try {
    await expect(checkDatabase(url.href)).rejects.toMatchObject({
      code: 'DATABASE_ENCODING',
      message: expect.stringMatching(/ has the encoding LATIN1, which can't hold every text$/),
      hint: expect.stringMatching(/ENCODING UTF8/),
    });
  } finally {
    await database.pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }
});
