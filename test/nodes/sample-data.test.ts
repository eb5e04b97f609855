import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSampleData } from '../../src/nodes/index.js';
import { openPrisma } from '../../src/runtime/database.js';
import { type TestDatabase, testDatabase } from '../support/database.js';

let database: TestDatabase;
let prisma: ReturnType<typeof openPrisma>;
beforeAll(async () => {
  database = await testDatabase();
  prisma = openPrisma(database.url);
});
afterAll(async () => {
  await prisma.$disconnect();
  await database.close();
});

const countOf = async (table: string) => Number((await database.pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count);

describe('the sample data', () => {
  it('is made once, by processes that start together as well, with one generated token', async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => makeSampleData(prisma, { adminToken: null })));
    expect(tokens.filter((token) => token !== null)).toHaveLength(1);
    expect(await countOf('organizations')).toBe(2);
    expect(await countOf('scenario_sessions')).toBe(4);
    expect(await countOf('api_tokens')).toBe(1);
  });

  it('gives the admin a token that was set later, once', async () => {
    for (const _ of [1, 2]) expect(await makeSampleData(prisma, { adminToken: 'later' })).toBe('later');
    expect(await countOf('api_tokens')).toBe(2);
  });

  it('leaves data alone that isn’t ours', async () => {
    await database.pool.query(`DELETE FROM organizations WHERE permalink = 'acme'`);
    expect(await makeSampleData(prisma, { adminToken: 'mine' })).toBeNull();
    expect(await countOf('organizations')).toBe(1);
  });
});
