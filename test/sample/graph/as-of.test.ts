import { graphql } from 'graphql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAsOf } from '../../../src/sample/graph/as-of.js';
import { createContext } from '../../../src/sample/graph/context.js';
import { openPrisma } from '../../../src/sample/prisma.js';
import { type TestApp, testApp } from '../../support/app.js';
import { openCountingPrisma } from '../../support/count-statements.js';
import { until } from '../../support/until.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const ASK = '{ groups { asOf } }';
const asOf = async (): Promise<number | null> => {
  const answer = await t.ask(ASK);
  expect(answer.errors).toBeUndefined();
  return answer.data.groups.asOf && Date.parse(answer.data.groups.asOf);
};
const INSERT = 'INSERT INTO groups (organization_id, name) VALUES ($1, $2)';

async function openTransaction() {
  const client = new pg.Client({ connectionString: t.database.url });
  await client.connect();
  const { rows } = await client
    .query('BEGIN; SELECT now()')
    .then((results) => (results as unknown as pg.QueryResult[])[1] as pg.QueryResult);
  return { client, startedAtMs: (rows[0].now as Date).getTime() };
}

describe('asOf', () => {
  it('is about now where nothing is open', async () => {
    const askedAtMs = Date.now();
    const seen = Number(await asOf());
    expect(Date.now() - seen).toBeGreaterThanOrEqual(1_000);
    expect(askedAtMs - seen).toBeLessThan(15_000);
  });

  it('waits for a transaction that began before and has not even written yet: nothing that it commits is missed', async () => {
    const { client, startedAtMs } = await openTransaction();
    // Waits longer than the second by which `asOf` lags.
    await until('time goes by', () => Date.now() - startedAtMs > 1_500);
    const seen = await asOf();
    expect(seen).toBeLessThanOrEqual(startedAtMs);
    await client.query(INSERT, [t.admin.organizationId, 'late']);
    expect(await asOf()).toBe(seen);
    await client.query('COMMIT');
    await client.end();
    const query = 'query ($min: DateTime) { groups(updatedAtMin: $min) { nodes { name } } }';
    const answer = await t.ask(query, { min: new Date(Number(seen)).toISOString() });
    expect(answer.data.groups.nodes).toContainEqual({ name: 'late' });
    expect(await asOf()).toBeGreaterThan(startedAtMs);
  });

  it('can’t be told while a prepared transaction is open, whose beginning nobody knows', async () => {
    const { client } = await openTransaction();
    await client.query(INSERT, [t.admin.organizationId, 'prepared']);
    await client.query(`PREPARE TRANSACTION 'as-of'`);
    expect(await asOf()).toBeNull();
    await client.query(`COMMIT PREPARED 'as-of'`);
    expect(await asOf()).not.toBeNull();
    await client.end();
  });

  it('can’t be told to a role that may not see when another one’s open transaction began', async () => {
    await t.database.pool.query(`CREATE ROLE plain_${process.pid} LOGIN PASSWORD 'plain'`);
    const url = new URL(t.database.url);
    [url.username, url.password] = [`plain_${process.pid}`, 'plain'];
    const prisma = openPrisma(url.href);
    const asPlain = () => readAsOf(createContext({ prisma, viewer: t.admin, webhooks: t.app.webhooks }));
    expect(await asPlain()).toBeInstanceOf(Date);
    const { client } = await openTransaction();
    expect(await asPlain()).toBeNull();
    await client.query('ROLLBACK');
    expect(await asPlain()).toBeInstanceOf(Date);
    await t.database.pool.query(`GRANT pg_read_all_stats TO plain_${process.pid}`);
    await client.query('BEGIN');
    expect(await asPlain()).toBeInstanceOf(Date);
    await client.end();
    await prisma.$disconnect();
    await t.database.pool.query(`DROP ROLE plain_${process.pid}`);
  });

  it('is read once, only when asked, and before any row: at any depth, under any name, in a fragment', async () => {
    const counting = openCountingPrisma(t.database.url);
    const run = async (source: string) => {
      const contextValue = createContext({ prisma: counting.prisma, viewer: t.admin, webhooks: t.app.webhooks });
      expect((await graphql({ schema: t.app.schema, source, contextValue })).errors).toBeUndefined();
      return counting.take().map((sql) => sql.includes('pg_stat_activity'));
    };
    expect(await run('{ groups { nodes { name } } }')).not.toContain(true);
    const asked = await run(
      '{ viewer { organization { groups { nodes { members { until: asOf nodes { id } } } } } } groups { ...page } } fragment page on GroupConnection { asOf nodes { name } }',
    );
    expect(asked[0]).toBe(true);
    expect(asked.filter(Boolean)).toHaveLength(1);
    const written = await run('mutation { createGroup(group: { name: "G" }) { group { members { asOf nodes { id } } } } }');
    expect(written[0]).toBe(true);
    await counting.prisma.$disconnect();
  });
});
