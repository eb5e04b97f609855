// Our API in schemas of foreign hosts: theirs answers as before, ours works on a real database, names that collide are refused or get a prefix.
import {
  buildSchema,
  execute,
  type GraphQLObjectType,
  type GraphQLSchema,
  graphql,
  parse,
  printSchema,
  subscribe,
  validateSchema,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiOptions, createApi, mergeApi } from '../../src/graphql/index.js';
import type { Actor, Engine } from '../../src/webhooks/index.js';
import { insertDeliveries } from '../support/engine-rows.js';
import { owner, stranger, type ThingEngine, thingEngine } from '../webhooks/operations/save/thing-engine.js';
import { type ForeignHost, HOSTS } from './foreign-hosts.js';

let world: ThingEngine;
let engine: Engine;
const codec = {
  toGlobalId: (typename: string, key: string) => `${typename}:${key}`,
  fromGlobalId: (id: string) => {
    const [typename, key] = id.split(':');
    return typename && key ? { typename, key } : null;
  },
};

beforeAll(async () => {
  world = await thingEngine();
  engine = { ...world.engine, host: { ...world.engine.host, ...codec } };
});
afterAll(() => world.db.close());

interface Context {
  actor: Actor | null;
}

const api = (options: Partial<ApiOptions> = {}) =>
  createApi({ access: (context) => ({ engine, actor: (context as Context).actor }), ...options });

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at by the tests themselves.
type Answer = { data: any; errors?: { message: string }[] };

function ask(schema: GraphQLSchema, source: string, { actor = owner, rootValue }: { actor?: Actor | null; rootValue?: unknown } = {}) {
  return graphql({ schema, source, rootValue, contextValue: { actor } }) as Promise<Answer>;
}

const SAVE = (
  prefix = 'c',
) => `mutation { saved: ${prefix === 'c' ? 'createWebhookSubscription' : `${prefix}CreateWebhookSubscription`}(webhookSubscription: {
  topic: { key: "thing/created" } callbackUrl: "https://8.8.8.8/hook" headers: [{ name: "X-A", value: "b" }] }) {
    errors { field message fullMessage path type } webhookSubscription { __typename id databaseId createdAt createdById topic { key createdAt } } } }`;

async function save(schema: GraphQLSchema) {
  const { data, errors } = await ask(schema, SAVE());
  expect(errors).toBeUndefined();
  expect(data.saved.errors).toEqual([]);
  return data.saved.webhookSubscription as { id: string; databaseId: string; createdAt: string };
}

describe.each(Object.entries(HOSTS))('%s', (_name, make) => {
  let host: ForeignHost;
  let printed: string;
  let merged: GraphQLSchema;
  beforeAll(() => {
    host = make();
    printed = printSchema(host.schema);
    merged = mergeApi(host.schema, api());
  });

  it('answers its own queries as before, and is itself as it was', async () => {
    expect(await ask(host.schema, host.query, host)).toEqual({ data: host.answer });
    expect(await ask(merged, host.query, host)).toEqual({ data: host.answer });
    expect(validateSchema(merged)).toEqual([]);
    expect(printSchema(host.schema)).toBe(printed);
  });

  it('takes a first save, a mistake, lists, and finds by id', async () => {
    const { id, databaseId, createdAt } = await save(merged);
    expect(new Date(createdAt).toISOString()).toBe(createdAt);
    const [delivery] = await insertDeliveries(world.db.pool, databaseId, 1);
    const { data, errors } = await ask(
      merged,
      `{ webhookSubscriptions(first: 1) { nodes { id deliveries { nodes { id databaseId nodeId createdAt } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }
         byId: webhookSubscription(id: "${id}") { id status } byRecord: webhookSubscription(id: "${databaseId}") { id }
         webhookDelivery(id: "WebhookDelivery:${delivery}") { databaseId webhookSubscription { id } }
         since: webhookDeliveries(createdAtMin: "2020-01-01T00:00:00Z", createdAtMax: "2020-01-02T00:00:00Z") { totalCount }
         webhookAuditLog(webhookSubscriptionId: "${id}") { nodes { webhookSubscriptionId changes { field after } } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.webhookSubscriptions.pageInfo).toMatchObject({
      hasPreviousPage: false,
      startCursor: expect.any(String),
      endCursor: expect.any(String),
    });
    expect(data).toMatchObject({
      byId: { id, status: 'ENABLED' },
      byRecord: { id },
      webhookDelivery: { databaseId: delivery, webhookSubscription: { id } },
      since: { totalCount: 0 },
    });
    const [audited] = data.webhookAuditLog.nodes;
    expect(audited.webhookSubscriptionId).toBe(id);
    expect(audited.changes).toContainEqual({ field: 'headers', after: ['X-A'] });
    const mistaken = await ask(
      merged,
      'mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "no/such" } }) { errors { field fullMessage path } } }',
    );
    expect(mistaken.data.createWebhookSubscription.errors).toContainEqual(
      expect.objectContaining({ field: 'topic', fullMessage: expect.stringMatching(/^Topic /), path: ['webhookSubscription', 'topic'] }),
    );
  });

  it('is asked by strangers and by nobody in vain', async () => {
    const { id } = await save(merged);
    const asked = `{ webhookSubscription(id: "${id}") { id } }`;
    expect((await ask(merged, asked, { actor: stranger })).data.webhookSubscription).toBeNull();
    expect((await ask(merged, asked, { actor: null })).errors?.[0]?.message).toBe('Not authenticated');
  });

  it('keeps its types, fields and root types, and gets no look-up', () => {
    const before = host.schema.getQueryType() as GraphQLObjectType;
    const after = merged.getQueryType() as GraphQLObjectType;
    expect(after.name).toBe(before.name);
    expect(Object.keys(after.getFields()).filter((field) => !(field in before.getFields()) && !field.startsWith('webhook'))).toEqual([]);
    expect(Object.keys(host.schema.getTypeMap()).filter((name) => !merged.getType(name))).toEqual([]);
    for (const name of ['Node', 'PageInfo', 'DateTime', 'JSON', 'UserError']) {
      const isJoined = host.joined.includes(name);
      if (host.schema.getType(name))
        expect([name, merged.getType(`Hookgraph${name}`) === undefined]).toEqual([name, isJoined || name === 'Node']);
    }
    const implemented = (merged.getType('WebhookTopic') as GraphQLObjectType).getInterfaces().map(({ name }) => name);
    expect(implemented).toEqual(host.joined.includes('Node') || !host.schema.getType('Node') ? ['Node'] : []);
  });
});

describe('what a host has', () => {
  it('finds our objects by its node(id:) and nodes(ids:), with the rights of who asks', async () => {
    const merged = mergeApi((HOSTS['Pothos with Relay, nullable by default'] as () => ForeignHost)().schema, api());
    const { id } = await save(merged);
    const source = `{ node(id: "${id}") { __typename id ... on WebhookSubscription { topic { key } } }
      nodes(ids: ["Boat:1", "${id}", "Boat:9", "Boat:2", "WebhookSubscription:none"]) { __typename id } }`;
    expect(await ask(merged, source)).toEqual({
      data: {
        node: { __typename: 'WebhookSubscription', id, topic: { key: 'thing/created' } },
        nodes: [
          { __typename: 'Boat', id: 'Boat:1' },
          { __typename: 'WebhookSubscription', id },
          null,
          { __typename: 'Boat', id: 'Boat:2' },
          null,
        ],
      },
    });
    expect((await ask(merged, source, { actor: stranger })).data).toMatchObject({ node: null, nodes: [{}, null, null, {}, null] });
    const nobody = await ask(merged, source, { actor: null });
    expect(nobody.data.nodes).toEqual([{ __typename: 'Boat', id: 'Boat:1' }, null, null, { __typename: 'Boat', id: 'Boat:2' }, null]);
    expect(nobody.errors?.every(({ message }) => message === 'Not authenticated')).toBe(true);
    expect(await ask(merged, '{ node(id: "Boat:1") { id } }', { actor: null })).toEqual({ data: { node: { id: 'Boat:1' } } });
  });

  it('keeps its subscriptions, directives and deprecations', async () => {
    const { schema } = (HOSTS['SDL first, a federation, other root types, no mutation'] as () => ForeignHost)();
    const merged = mergeApi(schema, api());
    const events = (await subscribe({ schema: merged, document: parse('subscription { launched }') })) as AsyncIterable<unknown>;
    for await (const event of events) expect(event).toEqual({ data: { launched: 1 } });
    expect(merged.getDirective('key')).toMatchObject({ isRepeatable: true });
    expect(merged.getType('Boat')?.astNode?.directives?.map(({ name }) => name.value)).toEqual(['key']);
    expect((merged.getType('Boat') as GraphQLObjectType).getFields().name?.deprecationReason).toBe('No longer supported');
  });

  it('keeps its extensions', () => {
    const merged = mergeApi((HOSTS['code first, every shared name with another meaning'] as () => ForeignHost)().schema, api());
    expect(merged.extensions).toEqual({ owner: 'harbour' });
    expect(merged.getQueryType()?.getFields().boats?.extensions).toEqual({ cost: 3 });
  });

  it('has the fields about it, of its own types; otherwise none, and no presets', async () => {
    const bare = mergeApi(buildSchema('type Query { a: Int }'), api());
    expect(printSchema(bare)).not.toMatch(/integration|environment|preset|createdBy\b|: Node/i);
    const host = buildSchema(`
      type Person { email: String }
      type App { id: Int! title: String }
      interface Place { at: String }
      type Berth implements Place { at: String }
      type Query { apps: [App] }`);
    engine.host.nodes = [
      { typename: 'App', table: { schema: 'public', name: 'apps' }, key: ['id'], columns: { id: 'id' }, tenant: { column: 'org' } },
    ];
    const asked: string[] = [];
    const merged = mergeApi(
      host,
      api({
        types: { owner: 'Person', integration: 'App', environment: 'Place' },
        loadNode: (typename, key) => {
          asked.push(`${typename} ${key}`);
          return typename === 'Person'
            ? { email: `${key}@x` }
            : typename === 'App'
              ? { id: Number(key), title: 'app' }
              : { __typename: 'Berth', at: key };
        },
        presets: true,
      }),
    );
    expect(validateSchema(merged)).toEqual([]);
    const id = await world.create();
    await world.db.pool.query(`UPDATE hookgraph.subscriptions SET integration_id = '5', environment_ids = '{e1,e2}' WHERE id = $1`, [id]);
    const document =
      parse(`{ webhookSubscription(id: "${id}") { createdBy { email } integration { id title webhookSubscriptions { totalCount nodes { databaseId } } } environments { at } }
      webhookPresets { key } apps { webhookSubscriptions { totalCount } } }`);
    const { data, errors } = await execute({
      schema: merged,
      document,
      contextValue: { actor: owner },
      rootValue: { apps: [{ id: 5 }, { id: 6 }] },
    });
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      webhookSubscription: {
        createdBy: { email: 'ann@x' },
        integration: { id: 5, title: 'app', webhookSubscriptions: { totalCount: 1, nodes: [{ databaseId: id }] } },
        environments: [{ at: 'e1' }, { at: 'e2' }],
      },
      apps: [{ webhookSubscriptions: { totalCount: 1 } }, { webhookSubscriptions: { totalCount: 0 } }],
    });
    expect(asked.sort()).toEqual(['App 5', 'Person ann', 'Place e1', 'Place e2']);
    expect(() =>
      mergeApi(
        buildSchema('type Query { a: Int } interface App { b: Int }'),
        api({ types: { owner: 'Person', integration: 'App' }, loadNode: () => null }),
      ),
    ).toThrow(/types Person, App/);
    expect(() => api({ types: { owner: 'Person' } })).toThrow(/no loadNode/);
  });
});

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
    expect(() => mergeApi(host(), api())).toThrow(
      /other meanings for (?=.*the type WebhookSubscription)(?=.*the type WebhookStage)(?=.*the type HookgraphPageInfo)(?=.*the field Query\.webhookSubscriptions)(?=.*the field Query\.webhookTopic\b)(?=.*the field Mutation\.createWebhookSubscription).*prefix: 'Hookgraph'/,
    );
    expect(() => mergeApi(host(), api(), { prefix: 'Hookgraph' })).toThrow(
      /with the prefix "Hookgraph" into the schema, which has other meanings for the type HookgraphPageInfo\. /,
    );
    expect(() => mergeApi(host(), api(), { prefix: '9' })).toThrow(/can't begin a GraphQL name/);
  });

  it('get the prefix, and nothing else does; ids tell whose they are', async () => {
    const merged = mergeApi(host(), api(), { prefix: 'harbour' });
    expect(validateSchema(merged)).toEqual([]);
    expect(
      Object.keys(merged.getTypeMap())
        .filter((name) => name.startsWith('Harbour'))
        .sort(),
    ).toEqual(['HarbourPageInfo', 'HarbourWebhookStage', 'HarbourWebhookSubscription']);
    const { data, errors } = await ask(merged, SAVE('harbour'));
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

it('is served beside a host’s schema as well', async () => {
  const { schema } = api();
  expect(validateSchema(schema)).toEqual([]);
  const { id } = await save(schema);
  expect((await ask(schema, `{ webhookSubscription(id: "${id}") { id } }`)).data).toEqual({ webhookSubscription: { id } });
});
