// Promise: `check` lists the stored queries that a deployment would break; if it is deployed anyway, their deliveries are held at once.
import { randomBytes } from 'node:crypto';
import { buildSchema, type GraphQLField, type GraphQLObjectType, type GraphQLSchema, graphql } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph, type Tables } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { type Actor, createSubscription } from '../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';

const ADA: Actor = { tenant: 'acme', userId: 'ada', canManageWebhooks: true };
const keys = [randomBytes(32)];

let database: TestDatabase;
const opened: Hookgraph[] = [];
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  await database.pool.query(
    'CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text, title text); CREATE TABLE tags (id int PRIMARY KEY, owner text NOT NULL)',
  );
});
afterAll(async () => {
  for (const hooks of opened) await hooks.close();
  await database.close();
});

function schemaWith(fields: string): GraphQLSchema {
  const schema = buildSchema(
    `type Note { id: Int! ${fields} } type Tag { id: Int! } type Query { note(id: Int!): Note tag(id: Int!): Tag }`,
  );
  const note = (schema.getQueryType() as GraphQLObjectType).getFields().note as GraphQLField<unknown, unknown>;
  note.resolve = async (_root, { id }) => (await database.pool.query('SELECT * FROM notes WHERE id = $1', [id])).rows[0];
  return schema;
}

function deploy(
  schema: GraphQLSchema,
  tables: Tables = { Note: { tenant: 'owner' }, Tag: { tenant: 'owner' } },
  find = { Note: 'note(id: $id)' },
): Hookgraph {
  const hooks = createHookgraph({
    database: database.url,
    keys,
    schema,
    tables,
    find,
    signIn: async () => ({}),
    actor: () => ADA,
    log: createPlainLog('silent'),
  });
  opened.push(hooks);
  return hooks;
}

const statusOf = async (name: string) =>
  (await database.pool.query('SELECT status, broken_reason AS reason FROM hookgraph.subscriptions WHERE name = $1', [name])).rows[0];

it('says what a schema breaks and deprecates, whose it is, and what no finder finds', async () => {
  const hooks = deploy(schemaWith('body: String title: String'));
  await hooks.migrate();
  for (const [name, topic, query] of [
    ['bodies', 'note/created', 'query ($id: Int!) { note(id: $id) { body } }'],
    ['titles', 'note/updated', 'query ($id: Int!) { note(id: $id) { title } }'],
    ['tags', 'tag/created', null],
  ] as const) {
    const { problems } = await createSubscription(hooks.webhooks.engine, ADA, {
      name,
      topic: { key: topic },
      callbackUrl: 'https://example.com/hook',
      query,
    });
    expect(problems?.filter(({ severity }) => severity !== 'warning') ?? []).toEqual([]);
  }
  expect(await hooks.check()).toEqual([]);
  const next = schemaWith('title: String @deprecated(reason: "Use heading.")');
  const found = await hooks.check({ schema: next });
  expect(found.sort((a, b) => (a.subject < b.subject ? -1 : 1))).toEqual([
    expect.objectContaining({
      severity: 'ERROR',
      subject: 'subscription bodies (note/created)',
      message: expect.stringContaining('Cannot query field "body"'),
      hint: expect.stringContaining('belongs to ada in acme'),
    }),
    expect.objectContaining({
      severity: 'WARNING',
      subject: 'subscription titles (note/updated)',
      message: expect.stringContaining('Use heading.'),
    }),
  ]);
  const lost = deploy(schemaWith('body: String title: String'), undefined, { Note: 'notes(id: $id)' });
  expect((await lost.check()).map(({ subject, message }) => `${subject}: ${message}`)).toEqual([
    expect.stringMatching(/^find: find.Note .*notes/),
  ]);
});

it('holds at once what a deployment breaks or retires, and releases it when it validates again', async () => {
  const without = deploy(schemaWith('title: String'), { Note: { tenant: 'owner' } });
  await without.migrate();
  await (await without.work()).stop();
  expect(await statusOf('bodies')).toEqual({ status: 'HELD', reason: expect.stringContaining('Cannot query field "body"') });
  expect(await statusOf('tags')).toEqual({ status: 'HELD', reason: 'The topic tag/created is no longer announced.' });
  expect((await statusOf('titles')).status).toBe('ENABLED');
  const again = deploy(schemaWith('body: String title: String'));
  await again.migrate();
  await (await again.work()).stop();
  expect(await statusOf('bodies')).toEqual({ status: 'ENABLED', reason: null });
  expect(await statusOf('tags')).toEqual({ status: 'ENABLED', reason: null });
});

it('answers the first request of an API process of the host’s own, which awaits nothing', async () => {
  const hooks = deploy(schemaWith('body: String'));
  const { data, errors } = await graphql({ schema: hooks.schema, source: '{ webhookTopics(first: 1) { totalCount } }', contextValue: {} });
  expect(errors).toBeUndefined();
  expect(data).toEqual({ webhookTopics: { totalCount: expect.any(Number) } });
});

it('tells at that request, and at every other one, what is wrong with the tables', async () => {
  const hooks = deploy(schemaWith('body: String'), { Note: { tenant: 'nobody' } });
  for (let count = 0; count < 2; count++) {
    const { errors } = await graphql({ schema: hooks.schema, source: '{ webhookTopics(first: 1) { totalCount } }', contextValue: {} });
    expect(errors?.[0]?.message).toContain('`tenant` names "nobody"');
  }
});

it('says what is wrong, and not what follows from it', async () => {
  const schema = buildSchema(
    'type Note { id: Int! } type Tag { id: Int! note: Note } type Query { note(id: Int!): Note tag(id: Int!): Tag }',
  );
  const hooks = deploy(schema, { Note: { table: 'nots', tenant: 'owner' }, Tag: { tenant: { of: 'note' } } });
  expect((await hooks.check()).map(({ subject, message }) => [subject, message])).toEqual([
    ['Note', '`table` names "nots", but the database has no such table.'],
  ]);
});

it('says of keys that are none what they must be', () => {
  const said = expect.objectContaining({ code: 'KEYS_INVALID', hint: expect.stringContaining('openssl rand') });
  for (const wrong of ['', 'x', [randomBytes(31)]])
    expect(() => createHookgraph({ database: database.url, keys: wrong, tables: {}, signIn: async () => ({}), actor: () => ADA })).toThrow(
      said,
    );
});
