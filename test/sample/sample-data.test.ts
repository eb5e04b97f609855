import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSampleData } from '../../src/sample/data/make-sample-data.js';
import { openPrisma } from '../../src/sample/prisma.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { nodes } from '../support/sample.js';

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
    expect(await countOf('scenario_sessions')).toBe(3 + 240 + 1 + 12);
    expect(await countOf('api_tokens')).toBe(1);
  });

  it('has rows of every type, in both organizations', async () => {
    for (const { typename, table, tenant } of nodes) {
      const column = 'column' in tenant ? tenant.column : '';
      const { rows } = await database.pool.query(`SELECT count(DISTINCT ${column}) FROM ${table.name}`);
      expect([typename, Number(rows[0].count)]).toEqual([typename, 2]);
    }
  });

  it('crosses no border: whatever a row points to is of its own organization', async () => {
    const { rows: keys } = await database.pool.query(
      `
      SELECT c.conrelid::regclass::text AS child, a.attname AS column, c.confrelid::regclass::text AS parent
      FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
      WHERE c.contype = 'f' AND c.conrelid::regclass::text = ANY ($1) AND c.confrelid::regclass::text <> 'organizations'`,
      [nodes.map(({ table }) => table.name)],
    );
    expect(keys.length).toBeGreaterThan(25);
    for (const { child, column, parent } of keys) {
      const { rows } = await database.pool.query(
        `SELECT count(*) AS all, count(*) FILTER (WHERE c.organization_id <> p.organization_id) AS strangers FROM ${child} c JOIN ${parent} p ON p.id = c.${column}`,
      );
      expect([child, column, Number(rows[0].strangers)]).toEqual([child, column, 0]);
      expect([child, column, Number(rows[0].all) > 0]).toEqual([child, column, true]);
    }
  });

  it('lies in the past, and ends after it begins', async () => {
    for (const { table } of nodes) {
      const { rows } = await database.pool.query(`SELECT count(*) FROM ${table.name} WHERE updated_at < created_at OR created_at > now()`);
      expect([table.name, Number(rows[0].count)]).toEqual([table.name, 0]);
    }
    expect(await countOf(`scenario_sessions WHERE (state = 'COMPLETED') <> (ended_at IS NOT NULL) OR ended_at < started_at`)).toBe(0);
    expect(await countOf(`scenario_session_steps WHERE (state = 'COMPLETED') <> (completed_at IS NOT NULL)`)).toBe(0);
  });

  it('is the same on every machine but for the day, and nothing to be told of', async () => {
    const other = await testDatabase();
    const twin = openPrisma(other.url);
    await makeSampleData(twin, { adminToken: 'twin' });
    const shape = `SELECT md5(string_agg(concat_ws(' ', id, state, external_data, created_by_id IS NULL), ',' ORDER BY external_data->>'workOrder'))
      FROM scenario_sessions WHERE external_data->>'workOrder' LIKE 'WO-2%'`;
    const [mine, theirs] = await Promise.all([database, other].map(({ pool }) => pool.query(shape)));
    expect(theirs?.rows).toEqual(mine?.rows);
    await twin.$disconnect();
    await other.close();
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
