// Tests what the API says about the installation of an organization: the destinations on offer.
import type { GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { owner, stranger } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';

let world: ApiWorld;
let schema: GraphQLSchema;
beforeAll(async () => {
  world = await apiWorld();
  schema = world.api().schema;
});
afterAll(() => world.db.close());

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
