// Runs Hookgraph's API merged into foreign host schemas: the host's fields answer as before, and Hookgraph's work on a real database.
import { buildSchema, execute, type GraphQLObjectType, type GraphQLSchema, parse, printSchema, subscribe, validateSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeApi } from '../../src/graphql/index.js';
import { insertDeliveries } from '../support/engine-rows.js';
import { owner, stranger } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';
import { type ForeignHost, HOSTS } from './foreign-hosts.js';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.db.close());

describe.each(Object.entries(HOSTS))('%s', (_name, make) => {
  let host: ForeignHost;
  let printed: string;
  let merged: GraphQLSchema;
  beforeAll(() => {
    host = make();
    printed = printSchema(host.schema);
    merged = mergeApi(host.schema, world.api());
  });

  it('answers its own queries as before, and is itself as it was', async () => {
    expect(await ask(host.schema, host.query, host)).toEqual({ data: host.answer });
    expect(await ask(merged, host.query, host)).toEqual({ data: host.answer });
    expect(validateSchema(merged)).toEqual([]);
    expect(printSchema(host.schema)).toBe(printed);
  });

  it('takes a first save, a mistake, lists, and finds by id', async () => {
    const { id, databaseId, createdAt } = await world.save(merged);
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
    const { id } = await world.save(merged);
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
    const merged = mergeApi((HOSTS['Pothos with Relay, nullable by default'] as () => ForeignHost)().schema, world.api());
    const { id } = await world.save(merged);
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
    const merged = mergeApi(schema, world.api());
    const events = (await subscribe({ schema: merged, document: parse('subscription { launched }') })) as AsyncIterable<unknown>;
    for await (const event of events) expect(event).toEqual({ data: { launched: 1 } });
    expect(merged.getDirective('key')).toMatchObject({ isRepeatable: true });
    expect(merged.getType('Boat')?.astNode?.directives?.map(({ name }) => name.value)).toEqual(['key']);
    expect((merged.getType('Boat') as GraphQLObjectType).getFields().name?.deprecationReason).toBe('No longer supported');
  });

  it('keeps its extensions', () => {
    const merged = mergeApi((HOSTS['code first, every shared name with another meaning'] as () => ForeignHost)().schema, world.api());
    expect(merged.extensions).toMatchObject({ owner: 'harbour' });
    expect(merged.getQueryType()?.getFields().boats?.extensions).toEqual({ cost: 3 });
  });

  it('has the fields about it, of its own types; otherwise none, and no presets', async () => {
    const bare = mergeApi(buildSchema('type Query { a: Int }'), world.api());
    expect(printSchema(bare)).not.toMatch(/integration|environment|preset|createdBy\b|: Node/i);
    const host = buildSchema(`
      type Person { email: String }
      type App { id: Int! title: String }
      interface Place { at: String }
      type Berth implements Place { at: String }
      type Query { apps: [App] }`);
    world.engine.host.nodes = [
      { typename: 'App', table: { schema: 'public', name: 'apps' }, key: ['id'], columns: { id: 'id' }, tenant: { column: 'org' } },
    ];
    const asked: string[] = [];
    const merged = mergeApi(
      host,
      world.api({
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
        world.api({ types: { owner: 'Person', integration: 'App' }, loadNode: () => null }),
      ),
    ).toThrow(/types Person, App/);
    expect(() => world.api({ types: { owner: 'Person' } })).toThrow(/option loadNode/);
  });
});

it('is served beside a host’s schema as well', async () => {
  const { schema } = world.api();
  expect(validateSchema(schema)).toEqual([]);
  const { id } = await world.save(schema);
  expect((await ask(schema, `{ webhookSubscription(id: "${id}") { id } }`)).data).toEqual({ webhookSubscription: { id } });
});
