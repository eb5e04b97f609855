import { type ExecutionResult, GraphQLError, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoSlotError } from '../../../src/runtime/fair-share.js';
import { createContext } from '../../../src/sample/graph/context.js';
import { openPrisma } from '../../../src/sample/prisma.js';
import { faultOf } from '../../../src/sources/prisma/faults.js';
import { type TestApp, testApp } from '../../support/app.js';
import { openReader } from '../../support/reader.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

async function faultsOn(prisma: ReturnType<typeof openPrisma>): Promise<unknown[]> {
  const id = await t.idOf('User', 'first_name', 'Alain');
  const contextValue = createContext({ prisma, viewer: t.admin, webhooks: t.app.webhooks });
  const answer: ExecutionResult = await graphql({
    schema: t.app.schema,
    source: 'query ($id: ID!) { node(id: $id) { id } }',
    contextValue,
    variableValues: { id },
  });
  await prisma.$disconnect();
  return (answer.errors ?? []).map(faultOf);
}

describe('the fault of an error', () => {
  it('is the data’s where a value has no word in GraphQL: the field is null, and the rest is answered', async () => {
    const id = await t.idOf('User', 'first_name', 'Alain');
    await t.database.pool.query(`UPDATE users SET created_at = 'infinity' WHERE first_name = 'Alain'`);
    const { data, errors = [] } = await t.ask('query ($id: ID!) { node(id: $id) { ... on User { firstName createdAt } } }', { id });
    expect(data).toEqual({ node: { firstName: 'Alain', createdAt: null } });
    expect(errors.map(faultOf)).toEqual(['data']);
    expect(errors[0]?.message).toBe('createdAt is infinity, which a DateTime cannot represent.');
  });

  it('is ours where the database can’t be reached', async () => {
    expect(await faultsOn(openPrisma('postgres://nobody:x@127.0.0.1:1/nothing'))).toEqual(['ours']);
  });

  it('is ours where somebody holds a lock for longer than a query waits', async () => {
    const client = await t.database.pool.connect();
    try {
      await client.query('BEGIN; LOCK TABLE users');
      const reader = openReader(t.database.url, { log: t.app.log, statementTimeoutMs: 100 });
      const { rows } = await client.query('SELECT id FROM users LIMIT 1');
      const id = t.app.webhooks.engine.host.toGlobalId('User', rows[0].id);
      const contextValue = createContext({ prisma: reader.prisma, viewer: t.admin, webhooks: t.app.webhooks });
      const answer = await graphql({ schema: t.app.schema, source: `{ node(id: "${id}") { id } }`, contextValue });
      expect(answer.errors?.map(faultOf)).toEqual(['ours']);
      await reader.close();
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });

  it('is ours where the connection breaks on the way', async () => {
    const client = await t.database.pool.connect();
    const prisma = openPrisma(t.database.url);
    try {
      const id = await t.idOf('User', 'first_name', 'Alain');
      await client.query('BEGIN; LOCK TABLE users');
      const contextValue = createContext({ prisma, viewer: t.admin, webhooks: t.app.webhooks });
      const answering = graphql({ schema: t.app.schema, source: `{ node(id: "${id}") { id } }`, contextValue });
      let killed = 0;
      while (killed === 0) {
        // Uses the pool, because a transaction of the client would see pg_stat_activity as it was at its first look.
        const { rows } = await t.database.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        killed = rows.length;
      }
      expect((await answering).errors?.map(faultOf)).toEqual(['ours']);
    } finally {
      await client.query('ROLLBACK');
      client.release();
      await prisma.$disconnect();
    }
  });

  it('is ours where its turn didn’t come, and not the database’s where the query takes too long', () => {
    expect(faultOf(new GraphQLError('x', { originalError: new NoSlotError('busy') }))).toBe('ours');
    expect(faultOf(new GraphQLError('x', { originalError: new GraphQLError('The query took longer than 5000 ms') }))).toBeNull();
  });

  it('is not known where a resolver fails otherwise', () => {
    expect(faultOf(new GraphQLError('x', { originalError: new TypeError('undefined is not a function') }))).toBeNull();
    expect(faultOf(new GraphQLError('first is 0'))).toBeNull();
  });
});
