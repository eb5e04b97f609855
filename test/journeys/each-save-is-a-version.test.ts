// Promise: a save changes only the fields that it names; each change of the definition is a version, and each attempt records its version.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDue } from '../support/engine-rows.js';
import { createUser, triedDeliveries } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';

let product: RunningProduct;
let receiver: Receiver;
beforeAll(async () => {
  product = await runProduct();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await product?.close();
});

/** Updates the subscription and returns the names of the refused fields. */
async function update(input: object): Promise<string[]> {
  const { updateWebhookSubscription: payload } = await product.graphql(
    'mutation ($in: WebhookSubscriptionInput) { updateWebhookSubscription(webhookSubscription: $in) { errors { field } } }',
    { in: input },
  );
  return payload.errors.map(({ field }: { field: string }) => field).sort();
}

const READ = `query ($id: ID!) { node(id: $id) { ... on WebhookSubscription { name callbackUrl contentType query validationTemplate template errorTemplate
  headers { name } retry { maxTries maxTimeMs } hasSharedSecret version topic { key } disabled } } }`;

it('leaves what is absent, and clears what is null', async () => {
  const everything = {
    name: 'everything',
    callbackUrl: receiver.url,
    contentType: 'XML',
    query: 'query ($nodeId: ID!) { node(id: $nodeId) { id } }',
    validationTemplate: 'true',
    template: '<a/>',
    errorTemplate: '{% if status == 201 %}no{% endif %}',
    retry: { maxTries: 3, maxTimeMs: 60_000 },
  };
  const secrets = { sharedSecret: 'hush', headers: [{ name: 'X-Key', value: 'v' }] };
  const { id } = await product.subscribe({ topic: { key: 'scenario/created' }, ...everything, ...secrets });
  const read = async () => (await product.graphql(READ, { id })).node;
  const full = {
    ...everything,
    headers: [{ name: 'X-Key' }],
    hasSharedSecret: true,
    version: 1,
    topic: { key: 'scenario/created' },
    disabled: false,
  };
  expect(await read()).toEqual(full);
  expect(await update({ id })).toEqual([]);
  expect(await read()).toEqual(full);
  // The name isn't part of the definition, so renaming makes no new version.
  await update({ id, name: 'renamed' });
  expect(await read()).toEqual({ ...full, name: 'renamed' });
  await update({ id, template: '<b/>' });
  expect(await read()).toEqual({ ...full, name: 'renamed', template: '<b/>', version: 2 });
  const cleared = {
    name: null,
    contentType: null,
    query: null,
    validationTemplate: null,
    template: null,
    errorTemplate: null,
    retry: null,
  };
  expect(await update({ id, ...cleared, sharedSecret: null, headers: null })).toEqual([]);
  expect(await read()).toEqual({ ...full, ...cleared, contentType: 'JSON', headers: [], hasSharedSecret: false, version: 3 });
  // Clearing a required field is refused, and the field keeps its value.
  expect(await update({ id, topic: null, callbackUrl: null })).toEqual(['callbackUrl', 'topic']);
  expect(await read()).toMatchObject({ callbackUrl: receiver.url, topic: { key: 'scenario/created' }, version: 3 });
});

it('keeps each version as it was saved, and each attempt names the one that it used', async () => {
  receiver.answer = (response) => void response.writeHead(500).end();
  const { id, recordId } = await product.subscribe({
    topic: { key: 'user/created' },
    callbackUrl: receiver.url,
    template: '{"version": 1}',
  });
  await createUser(product);
  await triedDeliveries(product, id, 1);
  const versions = async () =>
    (
      await product.pool.query(
        `SELECT number, definition ->> 'template' AS template FROM hookgraph.subscription_versions WHERE subscription_id = $1 ORDER BY number`,
        [recordId],
      )
    ).rows;
  expect(await versions()).toEqual([{ number: 1, template: '{"version": 1}' }]);
  await update({ id, template: '{"version": 2}' });
  receiver.answer = (response) => void response.end();
  // The delivery is made due now, because waiting for the schedule tests nothing more.
  await makeDue(product.pool, recordId);
  await createUser(product);
  await expect.poll(async () => (await triedDeliveries(product, id, 2)).map(({ state }) => state)).toEqual(['DELIVERED', 'DELIVERED']);
  const told = (await triedDeliveries(product, id, 2)).map(({ attempts }) =>
    attempts.map(({ subscriptionVersion, request }) => [subscriptionVersion, request?.body]),
  );
  expect(told).toEqual([
    [[2, '{"version": 2}']],
    [
      [1, '{"version": 1}'],
      [2, '{"version": 2}'],
    ],
  ]);
  expect(await versions()).toEqual([
    { number: 1, template: '{"version": 1}' },
    { number: 2, template: '{"version": 2}' },
  ]);
});
