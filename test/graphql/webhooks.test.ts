import { randomBytes } from 'node:crypto';
import { execute, type GraphQLSchema, parse, validate } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi, mergeApi } from '../../src/graphql/index.js';
import { DEFAULT_IDS } from '../../src/hookgraph/options.js';
import { deadlinesOf } from '../../src/webhooks/base/deadlines.js';
import { createLoops } from '../../src/webhooks/base/loops.js';
import { NO_METER } from '../../src/webhooks/base/meter.js';
import { createGuard } from '../../src/webhooks/base/network/address-guard.js';
import { createVault } from '../../src/webhooks/base/secrets/vault.js';
import type { Actor, Engine } from '../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { insertDeliveries } from '../support/engine-rows.js';
import { SETTINGS } from '../support/engine-world.js';
import { recordStatements } from '../support/record-statements.js';
import { sharedRenderer } from '../support/shared-renderer.js';
import { NODE_HOST } from './node-host.js';

let db: TestDatabase;
let engine: Engine;
let schema: GraphQLSchema;
const admin: Actor = { tenant: 'org', userId: 'ann', canManageWebhooks: true };

beforeAll(async () => {
  db = await testDatabase();
  await db.pool.query(
    `INSERT INTO hookgraph.topics (key, version, typename, operation) VALUES ('thing/created', '1.0', 'Thing', 'created'), ('thing/created', '1.1', 'Thing', 'created')`,
  );
  const api = createApi({
    access: (context) => ({ engine, actor: (context as { actor: Actor | null }).actor }),
    types: { owner: 'User' },
    loadNode: (_typename, id) => ({ id }),
  });
  schema = mergeApi(NODE_HOST, api);
  engine = {
    pool: db.pool,
    host: {
      schema: () => schema,
      nodes: [],
      toGlobalId: DEFAULT_IDS.encode,
      fromGlobalId: DEFAULT_IDS.decode,
      contextFor: async () => () => ({}),
      faultOf: () => 'data',
    },
    renderer: sharedRenderer(),
    vault: createVault([randomBytes(32)]),
    settings: { ...SETTINGS, domain: 'test', allowedNetworks: [] },
    deadlines: deadlinesOf(),
    meter: NO_METER,
    loops: createLoops(5_000),
    guard: createGuard({ allowedNetworks: [] }),
    log: pino({ level: 'silent' }),
    capture: { findings: async () => [] },
    random: () => 0.5,
  };
});
afterAll(() => db.close());

async function ask(source: string, variables: Record<string, unknown> = {}, viewer: Actor | null = admin) {
  const document = parse(source);
  const invalid = validate(schema, document);
  if (invalid.length > 0) throw invalid[0];
  const contextValue = { actor: viewer };
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  return (await execute({ schema, document, variableValues: variables, contextValue })) as { data: any; errors?: { message: string }[] };
}

const CREATE = `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) {
  errors { field message fullMessage path type } warnings { field } webhookSubscription { id databaseId } } }`;
const good = { topic: { key: 'thing/created' }, callbackUrl: 'https://8.8.8.8/hook' };
async function create(input: object = {}, viewer = admin): Promise<{ id: string; databaseId: string }> {
  const { data, errors } = await ask(CREATE, { in: { ...good, ...input } }, viewer);
  if (!data?.createWebhookSubscription.webhookSubscription) throw new Error(JSON.stringify([data, errors]));
  return data.createWebhookSubscription.webhookSubscription;
}

describe('the mutations', () => {
  it('take the form of the guide', async () => {
    const { data, errors } = await ask(`mutation { createWebhookSubscription(webhookSubscription: {
      topic: { key: "thing/created" } callbackUrl: "https://8.8.8.8/" sharedSecret: "geheim" }) { errors { field message } webhookSubscription { id topic { version } hasSharedSecret } } }`);
    expect(errors).toBeUndefined();
    expect(data.createWebhookSubscription).toMatchObject({
      errors: [],
      webhookSubscription: { topic: { version: '1.1' }, hasSharedSecret: true },
    });
    const { id } = data.createWebhookSubscription.webhookSubscription;
    for (const disabled of [true, false]) {
      const updated = await ask(
        `mutation { updateWebhookSubscription(webhookSubscription: { id: "${id}" disabled: ${disabled} }) { errors { field message } webhookSubscription { disabled disabledReason } } }`,
      );
      expect(updated.data.updateWebhookSubscription).toEqual({
        errors: [],
        webhookSubscription: { disabled, disabledReason: disabled ? 'OWNER' : null },
      });
    }
    const gone = await ask(
      `mutation { deleteWebhookSubscription(webhookSubscription: { id: "${id}" }) { errors { field message } webhookSubscription { id } } }`,
    );
    expect(gone.data.deleteWebhookSubscription).toEqual({ errors: [], webhookSubscription: { id } });
    expect((await ask(`{ node(id: "${id}") { id } }`)).data.node).toBeNull();
  });

  it('take the input form as well, and answer its path', async () => {
    const { data } = await ask(`mutation { createWebhookSubscription(input: { webhookSubscription: { topic: { key: "no/such" } } }) {
      errors { field message fullMessage path type } webhookSubscription { id } } }`);
    expect(data.createWebhookSubscription).toEqual({
      errors: [
        {
          field: 'topic',
          message: 'not found: "no/such"',
          fullMessage: 'Topic not found: "no/such"',
          path: ['input', 'webhookSubscription', 'topic'],
          type: 'NOT_FOUND',
        },
        {
          field: 'callbackUrl',
          message: "can't be blank",
          fullMessage: "Callback url can't be blank",
          path: ['input', 'webhookSubscription', 'callbackUrl'],
          type: 'BLANK',
        },
      ],
      webhookSubscription: null,
    });
  });

  it("answer a user's mistake as data, with the place and a caret", async () => {
    const { data, errors } = await ask(CREATE, { in: { ...good, query: '{ nodde }' } });
    expect(errors).toBeUndefined();
    expect(data.createWebhookSubscription.errors).toMatchObject([
      {
        field: 'query',
        path: ['webhookSubscription', 'query'],
        type: 'INVALID',
        message: expect.stringContaining('(line 1, column 3)\n1 | { nodde }\n      ^'),
      },
    ]);
    expect(
      (await ask('mutation { updateWebhookSubscription { errors { field type } webhookSubscription { id } } }')).data
        .updateWebhookSubscription,
    ).toEqual({
      errors: [{ field: 'id', type: 'BLANK' }],
      webhookSubscription: null,
    });
  });

  it('name a topic by its global id too, and refuse the id of anything else', async () => {
    const topic = (await ask('{ webhookTopic(key: "thing/created", version: "1.0") { id } }')).data.webhookTopic.id;
    const { id } = await create({ topic: { id: topic } });
    expect((await ask(`{ node(id: "${id}") { ... on WebhookSubscription { topic { id version } } } }`)).data.node.topic).toEqual({
      id: topic,
      version: '1.0',
    });
    const wrong = await ask(CREATE, { in: { ...good, topic: { id } } });
    expect(wrong.data.createWebhookSubscription.errors).toMatchObject([{ field: 'topic', type: 'NOT_FOUND' }]);
  });

  it('need somebody', async () => {
    expect((await ask(CREATE, { in: good }, null)).errors?.[0]?.message).toBe('Not authenticated');
    expect((await ask('{ webhookSubscriptions { nodes { id } } }', {}, null)).errors?.[0]?.message).toBe('Not authenticated');
  });
});

describe('reading', () => {
  it("finds every one of the engine's types by node(id:), and nothing of others", async () => {
    const { id, databaseId } = await create();
    const [delivery] = await insertDeliveries(db.pool, databaseId, 1);
    await attempt(databaseId, delivery as string);
    const { data } = await ask(
      `{ webhookDeliveries(webhookSubscriptionId: "${id}") { nodes { id topic { id } event { id } attempts { id } webhookSubscription { id } } } }`,
    );
    const [row] = data.webhookDeliveries.nodes;
    const ids = [row.id, row.topic.id, row.event.id, row.attempts[0].id, row.webhookSubscription.id];
    const types = async (viewer: Actor) =>
      (await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', { ids }, viewer)).data.nodes.map(
        (node: { __typename: string } | null) => node?.__typename ?? null,
      );
    expect(await types(admin)).toEqual(['WebhookDelivery', 'WebhookTopic', 'WebhookEvent', 'WebhookAttempt', 'WebhookSubscription']);
    expect(await types({ ...admin, userId: 'bob' })).toEqual([null, 'WebhookTopic', 'WebhookEvent', null, null]);
    expect(await types({ ...admin, tenant: 'other' })).toEqual([null, 'WebhookTopic', null, null, null]);
  });

  it('takes as many statements for many rows as for one', async () => {
    const cost: number[] = [];
    for (const count of [1, 8]) {
      const viewer = { ...admin, userId: `reader ${count}` };
      for (let index = 0; index < count; index++) {
        const { databaseId } = await create({}, viewer);
        for (const delivery of await insertDeliveries(db.pool, databaseId, count)) await attempt(databaseId, delivery);
      }
      const recorded = recordStatements(db.pool);
      const { data, errors } = await ask(
        `{ webhookSubscriptions { totalCount nodes { topic { key } createdBy { id ... on User { name } }
           deliveries(first: 10, state: PENDING) { totalCount pageInfo { hasNextPage } edges { cursor node {
             state topic { key } node { id ... on Thing { name } } nodeId event { occurredAt } webhookSubscription { id } webhookReplay { id }
             attempts { number outcome request { url headers body } response { status } timings } } } } } } }`,
        {},
        viewer,
      );
      recorded.stop();
      expect(errors).toBeUndefined();
      expect(data.webhookSubscriptions.totalCount).toBe(count);
      expect(data.webhookSubscriptions.nodes).toHaveLength(count);
      for (const node of data.webhookSubscriptions.nodes) {
        expect(node).toMatchObject({
          topic: { key: 'thing/created' },
          createdBy: { name: `User reader ${count}` },
          deliveries: { totalCount: count, pageInfo: { hasNextPage: false } },
        });
        expect(node.deliveries.edges).toHaveLength(count);
        for (const edge of node.deliveries.edges)
          expect(edge.node).toMatchObject({
            node: { name: expect.stringMatching(/^Thing/) },
            attempts: [{ number: 1, request: { url: 'https://x/', headers: { a: 'b' }, body: '{}' }, response: null }],
            event: { occurredAt: expect.anything() },
          });
      }
      cost.push(recorded.statements.length);
    }
    expect(cost[1]).toBe(cost[0]);
    expect(cost[0]).toBeGreaterThan(0);
    expect(cost[0]).toBeLessThanOrEqual(10);
  });

  it('walks pages by cursor', async () => {
    const { id, databaseId } = await create();
    await insertDeliveries(db.pool, databaseId, 5);
    const seen: string[] = [];
    let after: string | null = null;
    for (let round = 0; round < 3; round++) {
      const { data } = await ask(
        'query ($id: ID!, $after: String) { webhookDeliveries(webhookSubscriptionId: $id, first: 2, after: $after) { totalCount nodes { databaseId } pageInfo { hasNextPage endCursor } } }',
        { id, after },
      );
      expect(data.webhookDeliveries.totalCount).toBe(5);
      seen.push(...data.webhookDeliveries.nodes.map((node: { databaseId: string }) => node.databaseId));
      after = data.webhookDeliveries.pageInfo.endCursor;
      expect(data.webhookDeliveries.pageInfo.hasNextPage).toBe(round < 2);
    }
    expect(new Set(seen).size).toBe(5);
    for (const page of ['first: 0', 'first: 101', 'last: 101', 'first: 1, last: 1', 'after: "?"'])
      expect((await ask(`{ webhookDeliveries(${page}) { totalCount } }`)).errors?.[0]).toMatchObject({
        extensions: { code: 'PAGE_INVALID' },
      });
  });

  it('lists topics, and says what each of them means', async () => {
    const { data } = await ask(
      '{ webhookTopics(nodeType: "Thing") { totalCount nodes { key version nodeType operation } } webhookTopic(key: "thing/created") { version } }',
    );
    expect(data).toEqual({
      webhookTopics: {
        totalCount: 2,
        nodes: ['1.0', '1.1'].map((version) => ({ key: 'thing/created', version, nodeType: 'Thing', operation: 'CREATED' })),
      },
      webhookTopic: { version: '1.1' },
    });
  });
});

describe('the schema', () => {
  it('describes every type, field, argument and enum value of ours', () => {
    const bare: string[] = [];
    for (const type of Object.values(schema.getTypeMap()).filter(({ name }) => /Webhook/.test(name))) {
      if (!type.description) bare.push(type.name);
      if ('getValues' in type) for (const value of type.getValues()) if (!value.description) bare.push(`${type.name}.${value.name}`);
      if ('getFields' in type)
        for (const field of Object.values(type.getFields())) {
          if (!field.description) bare.push(`${type.name}.${field.name}`);
          if ('args' in field) for (const arg of field.args) if (!arg.description) bare.push(`${type.name}.${field.name}(${arg.name})`);
        }
    }
    expect(bare).toEqual([]);
  });

  it('has no output field for a secret', () => {
    for (const type of Object.values(schema.getTypeMap()))
      if ('getInterfaces' in type) expect(Object.keys(type.getFields())).not.toContain('sharedSecret');
  });
});

async function attempt(subscriptionId: string, deliveryId: string): Promise<void> {
  await db.pool.query(
    `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, stage, started_at, duration_ms, request_url, request_headers, request_body)
     VALUES ($1, $2, 1, 1, 'FAILED', 'CONNECT', now(), 1.5, 'https://x/', '{"a": "b"}', '{}')`,
    [deliveryId, subscriptionId],
  );
}
