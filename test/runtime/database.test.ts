// Connections of the queries that subscribers store: they read, and not for long.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { databaseEndpoint, openPrisma, openReadOnlyPrisma } from '../../src/runtime/database.js';
import { type TestDatabase, testDatabase } from '../support/database.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.close());

test('the read-only client reads what the other wrote, and can write nothing', async () => {
  const prisma = openPrisma(database.url);
  const reader = openReadOnlyPrisma(database.url, { statementTimeoutMs: 5000 });
  try {
    await prisma.organization.create({ data: { name: 'Acme', permalink: 'acme' } });
    expect(await reader.organization.count()).toBe(1);
    await expect(reader.organization.create({ data: { name: 'Evil', permalink: 'evil' } })).rejects.toThrow(/read-only/);
    expect(await prisma.organization.count()).toBe(1);
  } finally {
    await Promise.all([prisma.$disconnect(), reader.$disconnect()]);
  }
});

test('the read-only client gives up on a slow statement', async () => {
  const reader = openReadOnlyPrisma(database.url, { statementTimeoutMs: 50 });
  try {
    await expect(reader.$queryRaw`SELECT pg_sleep(5)::text`).rejects.toThrow(/statement timeout/);
  } finally {
    await reader.$disconnect();
  }
});

test.each([
  ['postgres://me:secret@db.example/hooks', { host: 'db.example', port: 5432 }],
  ['postgresql://db.example:6543/hooks?sslmode=disable', { host: 'db.example', port: 6543 }],
  ['postgres://me@[::1]:6543/hooks', { host: '::1', port: 6543 }],
  ['postgres://me@elsewhere/hooks?host=10.0.0.5&port=6543', { host: '10.0.0.5', port: 6543 }],
  ['postgres:///hooks?host=/var/run/postgresql', null],
  ['postgres://%2Fvar%2Frun%2Fpostgresql/hooks', null],
])('the database of %s is at %o', (url, endpoint) => {
  expect(databaseEndpoint(url)).toEqual(endpoint);
});
