// Promise: no subscription reaches Hookgraph's own database or API, at the save or at a delivery, even if their network is allowed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../src/api/index.js';
import { openHttpsDestination } from '../../src/webhooks/destinations/https/https.js';
import { type TestApp, testApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let world: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  [world, receiver] = await Promise.all([
    // Uses the settings of `npm start`, without a list of allowed ports, which makes them even weaker.
    testApp({
      HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128,0.0.0.0/8',
      HOOKGRAPH_ALLOWED_PORTS: '1-65535',
      HOOKGRAPH_BASE_URL: 'https://hooks.example.com',
    }),
    startReceiver(),
  ]);
  api = await startApi(world.app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await Promise.all([api?.stop(), receiver?.close()]);
  await world?.close();
});

const save = async (callbackUrl: string) => {
  const { data } = await world.ask(
    `mutation ($url: String!) { createWebhookSubscription(webhookSubscription: { topic: { key: "user/created" } callbackUrl: $url }) {
      errors { field message } webhookSubscription { id databaseId } } }`,
    { url: callbackUrl },
  );
  return data.createWebhookSubscription;
};

const HOSTS = ['127.0.0.1', 'localhost', '127.1', '0x7f000001', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '127.0.0.2'];
const OURSELVES = /belongs to Hookgraph itself/;

describe.each([
  ['database', () => new URL(world.database.url).port],
  ['API', () => new URL(api.url).port],
] as const)('our %s', (_, port) => {
  it('is refused when a subscription is saved', async () => {
    for (const scheme of ['http', 'https'])
      for (const host of HOSTS) {
        const { errors, webhookSubscription } = await save(`${scheme}://${host}:${port()}/`);
        expect([host, errors, webhookSubscription]).toEqual([
          host,
          [{ field: 'callbackUrl', message: expect.stringMatching(OURSELVES) }],
          null,
        ]);
      }
  });

  it('is refused when a request is sent', async () => {
    const destination = openHttpsDestination(world.app.webhooks.engine.guard);
    for (const host of HOSTS) {
      const { origin } = new URL(`http://${host}:${port()}`);
      expect(await destination.send({ url: `${origin}/`, origin, headers: {}, body: Buffer.from('{}') })).toMatchObject({
        kind: 'NO_REPLY',
        stage: 'ADDRESS',
        message: expect.stringMatching(OURSELVES),
      });
    }
    await destination.close();
  });
});

it('our public address is refused by its name', async () => {
  const { errors } = await save('https://hooks.example.com./api/v3/graphql');
  expect(errors).toEqual([{ field: 'callbackUrl', message: expect.stringMatching(OURSELVES) }]);
});

it('what was saved before it became ours is not sent, and the attempt says why', async () => {
  const { webhookSubscription } = await save(receiver.url);
  world.app.webhooks.forbid({ host: '0.0.0.0', port: Number(new URL(receiver.url).port) });
  const worker = await world.app.webhooks.work();
  await world.ask('mutation { createUser(user: { firstName: "Zoe" lastName: "M" }) { errors { message } } }');
  const attempts = await until('it was tried', async () => {
    const { data } = await world.ask(
      'query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { nodes { attempts { stage message } } } }',
      {
        id: webhookSubscription.id,
      },
    );
    return data.webhookDeliveries.nodes[0]?.attempts[0] && data.webhookDeliveries.nodes[0].attempts;
  });
  await worker.stop();
  expect(attempts).toEqual([{ stage: 'ADDRESS', message: expect.stringMatching(OURSELVES) }]);
  expect(receiver.requests).toEqual([]);
});
