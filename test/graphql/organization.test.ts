// Tests the fields about a whole organization and its installation: the subscriptions of all users, and the destinations on offer.
import type { GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordStatements } from '../support/record-statements.js';
import { colleague, owner, stranger } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';

let world: ApiWorld;
let schema: GraphQLSchema;
beforeAll(async () => {
  world = await apiWorld();
  schema = world.api().schema;
});
afterAll(() => world.db.close());

it('lists the subscriptions of all users for an admin, page by page, and never those of another organization', async () => {
  const own = await world.create({ name: 'Mine', callbackUrl: 'https://8.8.8.8/path?key=of-the-owner' });
  const other = await world.create({ name: 'Of Bob', disabled: true, query: '{ __typename }' }, colleague);
  await world.create({ name: 'Foreign' }, stranger);
  const list = async (args = '', actor = owner) => {
    const { statements, stop } = recordStatements(world.db.pool);
    const { data, errors } = await ask(
      schema,
      `{ webhooksOfOrganization${args} { totalCount pageInfo { hasNextPage endCursor }
         nodes { id name destination status disabledReason health ownerId ownerLabel isOwn topic { key } } } }`,
      { actor },
    );
    stop();
    return { ...data?.webhooksOfOrganization, errors, statements };
  };
  const all = await list();
  expect(all.nodes).toEqual([
    {
      id: `WebhookSubscription:${other}`,
      name: 'Of Bob',
      destination: '8.8.8.8',
      status: 'DISABLED',
      disabledReason: 'OWNER',
      health: 'DISABLED',
      ownerId: 'bob',
      ownerLabel: null,
      isOwn: false,
      topic: { key: 'thing/created' },
    },
    expect.objectContaining({ id: `WebhookSubscription:${own}`, name: 'Mine', destination: '8.8.8.8', ownerId: 'ann', isOwn: true }),
  ]);
  expect(all.totalCount).toBe(2);
  // Three statements read the list, its total, and its topics.
  expect(all.statements).toHaveLength(3);
  const first = await list('(first: 1)');
  expect(first.nodes).toHaveLength(1);
  const second = await list(`(first: 1, after: "${first.pageInfo.endCursor}")`);
  expect([...first.nodes, ...second.nodes]).toEqual(all.nodes);
  expect(second.pageInfo.hasNextPage).toBe(false);
  const names = async (args: string) => (await list(args)).nodes.map(({ name }: { name: string }) => name);
  expect(await names('(search: "BOB thing/created")')).toEqual(['Of Bob']);
  expect(await names('(statuses: [ENABLED])')).toEqual(['Mine']);
  // Other users' definitions are private, so a search ignores them.
  for (const word of ['of-the-owner', '__typename']) expect(await names(`(search: "${word}")`)).toEqual([]);
  expect((await list('', stranger)).nodes).toEqual([expect.objectContaining({ name: 'Foreign' })]);
  expect((await list('', { ...owner, canManageWebhooks: false })).errors?.[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
});

it('says what the installation offers to the user’s organization, and to no other', async () => {
  const { settings } = world.engine;
  const offers = async (actor = owner) =>
    (await ask(schema, '{ webhookDestinations { field title managed accounts } }', { actor })).data.webhookDestinations;
  const offer = async (field: string, actor = owner) => (await offers(actor)).find((one: { field: string }) => one.field === field);
  expect(await offer('callbackUrl')).toEqual({ field: 'callbackUrl', title: 'HTTPS', managed: false, accounts: [] });
  expect(await offer('sns')).toEqual({ field: 'sns', title: 'AWS SNS', managed: false, accounts: [] });
  settings.sns = {
    accounts: ['111111111111', '222222222222:org', '333333333333:other', '111111111111:org'],
    managedTopics: 'arn:aws:sns:eu:4',
  };
  settings.sqs = { accounts: ['333333333333:other'] };
  expect(await offer('sns')).toMatchObject({ managed: true, accounts: ['111111111111', '222222222222'] });
  expect(await offer('sqs')).toMatchObject({ managed: false, accounts: [] });
  expect(await offer('sqs', stranger)).toMatchObject({ accounts: ['333333333333'] });
  expect(await offer('eventBridge')).toMatchObject({ managed: false, accounts: [] });
});
