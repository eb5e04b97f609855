// Tests name collisions with a host: all are refused at once or get a prefix; shared types are joined or renamed.
import { buildSchema, type GraphQLObjectType, printSchema, validateSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMerged, mergeApi } from '../../src/graphql/index.js';
import { type ApiWorld, apiWorld, ask, saveBy } from './api-world.js';

const FIELDS = 'field: String! fullMessage: String! message: String! path: [String!]! type: String!';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.db.close());

describe('names that collide', () => {
  const host = () =>
    buildSchema(`
      interface Node { id: ID! }
      type WebhookSubscription implements Node { id: ID! colour: String }
      enum WebhookStage { DRAFT }
      type HookgraphPageInfo { a: Int }
      type PageInfo { total: Int }
      type Query { webhookSubscriptions: [WebhookSubscription] webhookTopic: String node(id: ID!): Node }
      type Mutation { createWebhookSubscription: WebhookStage }`);

  it('are all named, with what to do', () => {
    expect(() => mergeApi(host(), world.api())).toThrow(
      /uses these names for something else: (?=.*the type WebhookSubscription)(?=.*the type WebhookStage)(?=.*the type HookgraphPageInfo)(?=.*the field Query\.webhookSubscriptions)(?=.*the field Query\.webhookTopic\b)(?=.*the field Mutation\.createWebhookSubscription).*prefix: 'Hookgraph'/,
    );
    expect(() => mergeApi(host(), world.api(), { prefix: 'Hookgraph' })).toThrow(
      /with the prefix "Hookgraph" into the schema, which uses these names for something else: the type HookgraphPageInfo\. /,
    );
    expect(() => mergeApi(host(), world.api(), { prefix: '9' })).toThrow(/can't begin a GraphQL name/);
  });

  it('tell a merged schema, also a printed one, from a host with a type of the same name', () => {
    const plain = buildSchema('type Query { a: Int }');
    for (const schema of [plain, host()]) {
      expect(isMerged(schema, world.api())).toBe(false);
      const merged = mergeApi(schema, world.api(), { prefix: 'harbour' });
      expect(isMerged(merged, world.api())).toBe(true);
      expect(isMerged(buildSchema(printSchema(merged)), world.api())).toBe(true);
    }
  });

  it('get the prefix, and nothing else does; ids tell whose they are', async () => {
    const merged = mergeApi(host(), world.api(), { prefix: 'harbour' });
    expect(validateSchema(merged)).toEqual([]);
    expect(
      Object.keys(merged.getTypeMap())
        .filter((name) => name.startsWith('Harbour'))
        .sort(),
    ).toEqual(['HarbourPageInfo', 'HarbourWebhookStage', 'HarbourWebhookSubscription']);
    const { data, errors } = await ask(merged, saveBy('harbourCreateWebhookSubscription'));
    expect(errors).toBeUndefined();
    const { webhookSubscription } = data.saved;
    expect(webhookSubscription).toMatchObject({
      __typename: 'HarbourWebhookSubscription',
      id: expect.stringMatching(/^HarbourWebhookSubscription:/),
    });
    const rootValue = {
      node: ({ id }: { id: string }) => ({ __typename: 'WebhookSubscription', id, colour: 'red' }),
      webhookTopic: 'theirs',
    };
    const source = `{ ours: node(id: "${webhookSubscription.id}") { __typename id }
      theirs: node(id: "WebhookSubscription:${webhookSubscription.databaseId}") { __typename ... on WebhookSubscription { colour } }
      webhookTopic harbourWebhookTopic(key: "thing/created") { key } webhookSubscription(id: "${webhookSubscription.id}") { id }
      harbourWebhookSubscriptions { pageInfo { hasNextPage } } webhookAuditLog(webhookSubscriptionId: "${webhookSubscription.id}") { nodes { webhookSubscriptionId } } }`;
    expect(await ask(merged, source, { rootValue })).toEqual({
      data: {
        ours: { __typename: 'HarbourWebhookSubscription', id: webhookSubscription.id },
        theirs: { __typename: 'WebhookSubscription', colour: 'red' },
        webhookTopic: 'theirs',
        harbourWebhookTopic: { key: 'thing/created' },
        webhookSubscription: { id: webhookSubscription.id },
        harbourWebhookSubscriptions: { pageInfo: { hasNextPage: false } },
        webhookAuditLog: { nodes: [{ webhookSubscriptionId: webhookSubscription.id }] },
      },
    });
  });
});

describe('a type that is called as a shared one of ours', () => {
  it.each([
    ['interface Node { id: ID! version: Int }', 'Node', []],
    ['interface Node { id(short: Boolean): ID! }', 'Node', []],
    ['interface Node { id: String! }', 'Node', []],
    ['interface Thing { id: ID! } interface Node implements Thing { id: ID! }', 'Node', []],
    ['type Node { id: ID! }', 'Node', []],
    ['interface Node { id: ID }', 'Node', ['Node']],
  ])('%s: our types implement %j or nothing', (sdl, _name, interfaces) => {
    const merged = mergeApi(buildSchema(`${sdl} type Query { a: Int }`), world.api({ loadNode: () => null }));
    expect(validateSchema(merged)).toEqual([]);
    const delivery = merged.getType('WebhookDelivery') as GraphQLObjectType;
    expect(delivery.getInterfaces().map(({ name }) => name)).toEqual(interfaces);
    expect('node' in delivery.getFields()).toBe(interfaces.length > 0);
  });

  it.each([
    ['type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String total: Int }', 'PageInfo'],
    ['type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String! endCursor: String! }', 'PageInfo'],
    ['type UserError { field: [String!] message: String! }', 'UserError'],
    [`type UserError { ${FIELDS} place: String }`, 'UserError'],
    ['enum DateTime { NOW }', 'DateTime'],
    ['scalar DateTime', 'DateTime'],
    ['input JSON { a: Int }', 'JSON'],
  ])('%s: ours is called otherwise', async (sdl, name) => {
    const merged = mergeApi(buildSchema(`${sdl} type Query { a: Int }`), world.api());
    expect(validateSchema(merged)).toEqual([]);
    expect(merged.getType(`Hookgraph${name}`)).toBeDefined();
    await world.save(merged);
  });

  it('adds the place of a mistake to a UserError that has all other fields', async () => {
    const merged = mergeApi(buildSchema(`type UserError { ${FIELDS} } type Query { own: UserError }`), world.api());
    expect(merged.getType('HookgraphUserError')).toBeUndefined();
    const source = `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "thing/created" }
      callbackUrl: "https://8.8.8.8/hook" query: "{\\n  nothing }" }) { errors { field place { line column } } } }`;
    expect((await ask(merged, source)).data).toEqual({
      createWebhookSubscription: { errors: [{ field: 'query', place: { line: 2, column: 3 } }] },
    });
    const own = await ask(merged, '{ own { field place { line } } }', { rootValue: { own: { field: 'x', place: 'theirs' } } });
    expect(own.data).toEqual({ own: { field: 'x', place: null } });
  });
});
