// Promise: an owner sees what a webhook will do before it is saved, and afterwards what went wrong; nobody else sees either.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createUser } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
beforeAll(async () => {
  // Only the API runs, so each request comes from a test and not from a worker.
  product = await runProduct({ worker: false });
});
afterAll(() => product.close());
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

const definition = () => ({
  topic: { key: 'user/created' },
  callbackUrl: receiver.url,
  sharedSecret: 'geheim',
  query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name } } }',
  validationTemplate: '{% if data.node.name == "Alain Bloch" %}false{% else %}true{% endif %}',
  template: '{"name": {{ data.node.name | json }}}',
  errorTemplate: '{% if body.ok == false %}{{ body.reason }}{% endif %}',
});
const REPORT =
  'report { outcome stage message request { headers body } response { status body } stages { stage outcome input output message durationMs } }';

it('previews a definition on a node of one’s choice, and neither saves nor sends', async () => {
  const alain = await createUser(product, { firstName: 'Alain', lastName: 'Bloch' });
  const { previewWebhookSubscription: preview } = await product.graphql(
    `mutation ($in: WebhookSubscriptionInput, $nodeId: ID) { previewWebhookSubscription(webhookSubscription: $in, nodeId: $nodeId) { errors { message } ${REPORT} } }`,
    { in: definition(), nodeId: alain.id },
  );
  expect(preview.errors).toEqual([]);
  expect(preview.report).toMatchObject({ outcome: 'SKIPPED', stage: 'VALIDATION', request: { body: '{"name": "Alain Bloch"}' } });
  expect(receiver.requests).toEqual([]);
  expect((await product.graphql('{ webhookSubscriptions { totalCount } }')).webhookSubscriptions.totalCount).toBe(0);
});

it('sends a test from a process without a worker, tells each stage, and lists the error until it is dismissed', async () => {
  const { id } = await product.subscribe(definition());
  await createUser(product, { firstName: 'Zoë', lastName: 'Müller' });
  const test = async () =>
    (
      await product.graphql(
        `mutation ($id: ID) { testWebhookSubscription(id: $id) { errors { message } ${REPORT} webhookDelivery { kind state attemptCount } } }`,
        { id },
      )
    ).testWebhookSubscription;

  const well = await test();
  expect(well).toMatchObject({
    errors: [],
    report: { outcome: 'DELIVERED' },
    webhookDelivery: { kind: 'TEST', state: 'DELIVERED', attemptCount: 1 },
  });
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0]?.body).toBe('{"name": "Zoë Müller"}');
  expect(well.report.request.headers['X-Scope-Hmac-Sha256']).toBe(receiver.requests[0]?.headers['x-scope-hmac-sha256']);

  receiver.answer = (response) =>
    void response.setHeader('content-type', 'application/json').end('{"ok": false, "reason": "no such user"}');
  const ill = await test();
  expect(ill.report).toMatchObject({ outcome: 'FAILED', stage: 'ERROR_TEMPLATE', message: 'no such user', response: { status: 200 } });
  expect(ill.report.stages.map(({ stage, outcome }: { stage: string; outcome: string }) => [stage, outcome])).toEqual([
    ['QUERY', 'OK'],
    ['VALIDATION', 'OK'],
    ['TEMPLATE', 'OK'],
    ['SEND', 'OK'],
    ['ERROR_TEMPLATE', 'FAILED'],
  ]);

  const errors = async () =>
    (await product.graphql('{ webhookErrors { nodes { id message webhookSubscription { id } } } }')).webhookErrors.nodes;
  expect(await errors()).toEqual([{ id: expect.any(String), message: 'no such user', webhookSubscription: { id } }]);
  const [error] = await errors();
  for (let round = 0; round < 2; round++) {
    const { deleteWebhookErrors: answer } = await product.graphql(
      'mutation ($ids: [ID!]) { deleteWebhookErrors(ids: $ids) { errors { message } deletedIds } }',
      { ids: [error.id] },
    );
    expect(answer).toEqual({ errors: [], deletedIds: [error.id] });
  }
  expect(await errors()).toEqual([]);
});

it('leaves a test alone when a worker comes, which sends the real notification', async () => {
  receiver.answer = (response) => void response.writeHead(500).end();
  const { id } = await product.subscribe({ ...definition(), validationTemplate: null, test: true });
  expect(receiver.requests).toHaveLength(1);
  receiver.answer = (response) => void response.end();
  await createUser(product, { firstName: 'Real', lastName: 'One' });
  await product.start('worker');
  const states = async () =>
    (
      await product.graphql('query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { nodes { kind state attemptCount } } }', {
        id,
      })
    ).webhookDeliveries.nodes;
  await until('the notification is delivered', async () => (await states())[0]?.state === 'DELIVERED');
  expect(await states()).toEqual([
    { kind: 'LIVE', state: 'DELIVERED', attemptCount: 1 },
    { kind: 'TEST', state: 'FAILED', attemptCount: 1 },
  ]);
  expect(receiver.requests.filter(({ body }) => body === '{"name": "Real One"}')).toHaveLength(1);
});
