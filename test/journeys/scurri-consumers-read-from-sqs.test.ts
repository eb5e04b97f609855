// Promise: a consumer written for Scurri, unchanged, gets every event from the queue behind an SNS topic.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Aws, answerError, KEYS, REGION, startAws } from '../support/aws.js';
import { makeDue } from '../support/engine-rows.js';
import { createUser, triedDeliveries, untilSettled } from '../support/journey.js';
import { type Product, startProduct } from '../support/product.js';
import { consumerLanguages, startScurriConsumer } from '../support/scurri-consumer.js';
import { until } from '../support/until.js';

let product: Product;
let aws: Aws;
beforeAll(async () => {
  [product, aws] = await Promise.all([startProduct(), startAws()]);
});
afterAll(async () => {
  await product?.close();
  await aws?.close();
});

const QUERY = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { id firstName lastName } } }';

it.each(consumerLanguages())('in %s, though the topic is busy at times', async (language) => {
  const { topicArn, queueUrl } = await aws.topicWithQueue(`scurri-${language}`, { raw: false });
  const consumer = await startScurriConsumer(language, queueUrl, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'consumer',
    AWS_SECRET_ACCESS_KEY: 'consumer',
  });
  const sns = { topicArn, endpoint: aws.endpoint, ...KEYS };
  const { id, recordId } = await product.subscribe({ topic: { key: 'user/created' }, sns, query: QUERY, preset: 'SCURRI' });

  let publishes = 0;
  aws.answer = (response, _action, passOn) => {
    publishes += 1;
    if (publishes % 4 === 0) answerError(response, 500, 'InternalFailure', 'Try later');
    else passOn();
  };
  const names = Array.from({ length: 12 }, (_, i) => `Zoë ${i} "the ${language}"`);
  const users = await Promise.all(names.map((firstName) => createUser(product, { firstName, lastName: 'Müller' })));
  await untilSettled(product);
  const busy = (await triedDeliveries(product, id, 12)).filter(({ state }) => state === 'RETRYING');
  expect(busy).toHaveLength(3);
  for (const { attempts } of busy) expect(attempts[0]?.message).toBe('The receiver answered with status 500: InternalFailure: Try later.');
  aws.answer = null;
  await makeDue(product.pool, recordId);

  const handled = await consumer.waitFor(12);
  expect(handled.map(({ event_type, event }) => [event_type, event.payload.node.id, event.payload.node.firstName]).sort()).toEqual(
    users.map((user, i) => ['user_created', user.id, names[i]]).sort(),
  );
  await until('all of them are delivered', async () =>
    (await triedDeliveries(product, id, 12)).every(({ state }) => state === 'DELIVERED'),
  );
  consumer.close();

  const { webhookSubscriptions } = await product.graphql(
    `{ webhookSubscriptions { nodes { callbackUrl sns { topicArn region endpoint roleArn externalId hasOwnKeys managed subscriberPrincipal } } } }`,
  );
  expect(webhookSubscriptions.nodes).toMatchObject([
    { callbackUrl: null, sns: { topicArn, region: REGION, hasOwnKeys: true, managed: false } },
  ]);
  const everything = JSON.stringify([webhookSubscriptions, await triedDeliveries(product, id, 12)]);
  for (const secret of Object.values(KEYS)) {
    expect(everything).not.toContain(secret);
    expect(product.main.output()).not.toContain(secret);
  }
  await product.graphql('mutation ($id: ID) { deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } } }', {
    id,
  });
});
