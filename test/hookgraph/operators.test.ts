// Promise: an operator can list through the API what is out of step and which events have no tenant, and can send these; nobody else can.

import { makeExecutableSchema } from '@graphql-tools/schema';
import { graphql } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { createSubscription } from '../../src/webhooks/index.js';
import type { Worker } from '../../src/worker/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const ADA = { tenant: 'acme', userId: 'ada', canManageWebhooks: true };

interface Context {
  operator?: boolean;
  nobody?: boolean;
}

let database: TestDatabase;
let receiver: Receiver;
let hooks: Hookgraph;
let working: Worker;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  receiver = await startReceiver();
  await database.pool.query('CREATE TABLE orders (id int PRIMARY KEY, shop text, note text)');
  hooks = open(true);
  await hooks.migrate();
  working = await hooks.work();
});
afterAll(async () => {
  await working.stop();
  await hooks.close();
  await receiver.close();
  await database.close();
});

const SDL = 'type Order { id: Int! note: String } type Query { order(id: Int!): Order }';

function open(operators: boolean): Hookgraph {
  return createHookgraph<Context>({
    database: database.url,
    keys: [Buffer.alloc(32, 1)],
    schema: makeExecutableSchema({
      typeDefs: SDL,
      resolvers: {
        Query: { order: async (_root, { id }) => (await database.pool.query('SELECT * FROM orders WHERE id = $1', [id])).rows[0] },
      },
    }),
    tables: { Order: { tenant: 'shop' } },
    find: { Order: 'order(id: $id)' },
    signIn: async () => ({ operator: true }),
    actor: ({ nobody }) => (nobody ? null : ADA),
    ...(operators && { operator: ({ operator }) => operator === true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: createPlainLog('silent'),
  });
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
const ask = async (source: string, contextValue: Context, variableValues = {}): Promise<any> =>
  graphql({ schema: hooks.schema, source, contextValue, variableValues });

const CHECK =
  'query ($schema: String) { webhookCheck(schema: $schema) { severity subject hint webhookSubscription { name topicKey tenant ownerKey emptyPaths } } }';
const LOST = '{ webhookEventsWithoutTenant(first: 10) { totalCount nodes { id nodeType nodeKey operation } } }';
const ASSIGN =
  'mutation ($ids: [ID!], $tenant: String) { assignWebhookEvents(ids: $ids, tenant: $tenant) { errors { field } assignedCount } }';

it('says what another schema would break and leave empty', async () => {
  const { problems } = await createSubscription(hooks.webhooks.engine, ADA, {
    name: 'notes',
    topic: { key: 'order/created' },
    callbackUrl: receiver.url,
    query: 'query ($id: Int!) { mine: order(id: $id) { id text: note } }',
    template: '{ "id": {{ data.mine.id }}, "text": {% assign o = data.mine %}{{ o.text | json }} }',
  });
  expect(problems?.filter(({ severity }) => severity !== 'warning')).toEqual([]);
  expect(await ask(CHECK, { operator: true })).toEqual({ data: { webhookCheck: [] } });
  const { data } = await ask(CHECK, { operator: true }, { schema: SDL.replace('note: String', '') });
  expect(data.webhookCheck).toEqual([
    {
      severity: 'ERROR',
      subject: 'subscription notes (order/created)',
      hint: expect.stringContaining('data.mine.text, which would then be empty'),
      webhookSubscription: { name: 'notes', topicKey: 'order/created', tenant: 'acme', ownerKey: 'ada', emptyPaths: ['data.mine.text'] },
    },
  ]);
  const { errors } = await ask(CHECK, { operator: true }, { schema: 'type Query {' });
  expect(errors[0].message).toMatch(/^`schema` is not a valid GraphQL schema: Syntax Error/);
});

it('lists events that reached nobody, and sends them after all', async () => {
  await database.pool.query("INSERT INTO orders VALUES (1, NULL, 'lost'), (2, NULL, 'other')");
  const listed = await until('both events', async () => {
    const { data } = await ask(LOST, { operator: true });
    return data.webhookEventsWithoutTenant.totalCount === 2 ? data.webhookEventsWithoutTenant.nodes : null;
  });
  // One statement wrote both rows, so their events may have either order.
  const lost = listed.find(({ nodeKey }: { nodeKey: string }) => nodeKey === '1');
  expect(lost).toMatchObject({ nodeType: 'Order', nodeKey: '1', operation: 'CREATED' });
  expect((await ask(ASSIGN, { operator: true }, { ids: [], tenant: 'acme' })).data.assignWebhookEvents.errors).toEqual([{ field: 'ids' }]);
  const assigned = await ask(ASSIGN, { operator: true }, { ids: [lost.id], tenant: 'acme' });
  expect(assigned.data.assignWebhookEvents).toEqual({ errors: [], assignedCount: 1 });
  await until('the notification', () => receiver.requests.length === 1);
  expect(JSON.parse(String(receiver.requests[0]?.body))).toEqual({ id: 1, text: 'lost' });
  expect((await ask(LOST, { operator: true })).data.webhookEventsWithoutTenant.totalCount).toBe(1);
});

it.each([
  ['webhookCheck', '{ webhookCheck { message } }'],
  ['webhookEventsWithoutTenant', '{ webhookEventsWithoutTenant { totalCount } }'],
  ['assignWebhookEvents', 'mutation { assignWebhookEvents(ids: ["1"], tenant: "acme") { assignedCount } }'],
])('refuses %s to everybody else', async (_field, source) => {
  expect((await ask(source, {})).errors[0].extensions.code).toBe('FORBIDDEN');
  expect((await ask(source, { nobody: true, operator: true })).errors[0].extensions.code).toBe('UNAUTHENTICATED');
});

it('is no right of a stored query, whoever owns it', async () => {
  receiver.requests.length = 0;
  const { problems } = await createSubscription(hooks.webhooks.engine, ADA, {
    name: 'spy',
    topic: { key: 'order/updated' },
    callbackUrl: receiver.url,
    query: '{ webhookEventsWithoutTenant { totalCount } }',
  });
  expect(problems?.filter(({ severity }) => severity !== 'warning')).toEqual([]);
  // When a row moves to another tenant, this tenant gets `created`.
  await database.pool.query("UPDATE orders SET shop = 'acme'");
  await until('both creations', () => receiver.requests.length === 2);
  receiver.requests.length = 0;
  await database.pool.query("UPDATE orders SET note = 'new'");
  await until('both notifications', () => receiver.requests.length === 2);
  expect(receiver.requests.map(({ body }) => JSON.parse(String(body)))).toEqual(Array(2).fill({ data: null }));
});

it('does not exist where a host names no operators', async () => {
  const other = open(false);
  expect(other.schema.getQueryType()?.getFields().webhookCheck).toBeUndefined();
  expect(other.schema.getMutationType()?.getFields().assignWebhookEvents).toBeUndefined();
  await other.close();
});
