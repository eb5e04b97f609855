// Tests the host's objects in our types: they have their own type, are read in batches, and only if the viewer may read them.
import { graphql } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, testApp } from '../../support/app.js';
import { type CountingPrisma, openCountingPrisma } from '../../support/count-statements.js';

let app: TestApp;
let counting: CountingPrisma;
beforeAll(async () => {
  app = await testApp();
  counting = openCountingPrisma(app.database.url);
});
afterAll(async () => {
  await counting.prisma.$disconnect();
  await app.close();
});

async function made(field: string, variables: object): Promise<string> {
  const type = field.charAt(0).toUpperCase() + field.slice(1);
  const { data, errors } = await app.ask(
    `mutation ($in: ${type}Input) { create${type}(${field}: $in) { errors { message } ${field} { id } } }`,
    {
      in: variables,
    },
  );
  expect([errors, data?.[`create${type}`].errors]).toEqual([undefined, []]);
  return data[`create${type}`][field].id;
}

it('takes as many statements for many subscriptions as for one', async () => {
  const source = `{ webhookSubscriptions(first: 100) { nodes {
    createdBy { name organization { name } } integration { name } environments { name } auditLog { nodes { actor { user { email } } } } } } }`;
  const costs: number[] = [];
  for (const count of [1, 4]) {
    for (let index = 0; index < count; index++) {
      const integrationId = await made('integration', { name: `App ${count}.${index}` });
      const environmentIds = [await made('environment', { name: 'a' }), await made('environment', { name: 'b' })];
      await made('webhookSubscription', { topic: { key: 'user/created' }, callbackUrl: 'https://8.8.8.8/', integrationId, environmentIds });
    }
    counting.take();
    const contextValue = { ...app.app.contextOf(app.admin), prisma: counting.prisma };
    // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
    const { data, errors } = (await graphql({ schema: app.app.schema, source, contextValue })) as any;
    costs.push(counting.take().filter((sql) => sql.startsWith('SELECT')).length);
    expect(errors).toBeUndefined();
    expect(data.webhookSubscriptions.nodes.at(-1)).toEqual({
      createdBy: { name: 'Ada Lovelace', organization: { name: 'Acme Training' } },
      integration: { name: `App ${count}.${count - 1}` },
      environments: expect.arrayContaining([{ name: 'a' }, { name: 'b' }]),
      auditLog: { nodes: [{ actor: { user: { email: expect.any(String) } } }] },
    });
  }
  expect(costs[1]).toBe(costs[0]);
});

it('answers the node of a delivery as the type that it is, and none whose type is gone', async () => {
  const subscription = await made('webhookSubscription', { topic: { key: 'user/created' }, callbackUrl: 'https://8.8.8.8/' });
  const user = await app.idOf('User', 'first_name', 'Ada');
  const { decode, key } = { decode: app.app.webhooks.engine.host.fromGlobalId, key: (id: string) => decode(id)?.key };
  const { rows } = await app.database.pool.query(
    `INSERT INTO hookgraph.deliveries (subscription_id, topic_id, tenant, typename, node_key, state, due_at)
     SELECT s.id, s.topic_id, s.tenant, n.typename, n.key, 'DELIVERED', now() FROM hookgraph.subscriptions s,
       (VALUES ('User', $2), ('WebhookSubscription', $1), ('Vanished', '1')) n (typename, key) WHERE s.id = $1::uuid RETURNING id`,
    [key(subscription), key(user)],
  );
  const answers = await Promise.all(
    rows.map(({ id }) =>
      app.ask(`{ webhookDelivery(id: "${id}") { node { __typename id ... on User { name } ... on WebhookSubscription { status } } } }`),
    ),
  );
  expect(answers.map(({ data, errors }) => [data?.webhookDelivery.node, errors])).toEqual([
    [{ __typename: 'User', id: user, name: 'Ada Lovelace' }, undefined],
    [{ __typename: 'WebhookSubscription', id: subscription, status: 'ENABLED' }, undefined],
    [null, undefined],
  ]);
});
