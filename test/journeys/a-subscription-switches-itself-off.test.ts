// Promise: more than 100 errors within an hour, a 410 or a spent delivery disable a subscription with a reason that its owner can read and
// subscribe to; the other deliveries wait, and continue when the guide's mutation enables it again.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { deliveriesOf, endPause, insertErrors, makeDue } from '../support/engine-rows.js';
import { LAST_NAME, makeOrganization, nameIn, names, type Organization } from '../support/organization.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
let owner: Receiver;
let acme: Organization;
beforeAll(async () => {
  product = await runProduct();
});
afterAll(() => product.close());
beforeEach(async () => {
  [acme, receiver, owner] = await Promise.all([makeOrganization(product.pool), startReceiver(), startReceiver()]);
});
afterEach(() => Promise.all([receiver.close(), owner.close()]));

const ask = (query: string, variables: object = {}) => product.graphql(query, variables, acme.token);
const subscribe = (more: object = {}) =>
  product.subscribe({ name: 'new users', topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME, ...more }, acme.token);

async function read(id: string) {
  const { node } = await ask(
    'query ($id: ID!) { node(id: $id) { ... on WebhookSubscription { disabled status disabledReason disabledMessage disabledAt } } }',
    { id },
  );
  return node;
}

/** Runs the mutation exactly as the guide prints it. */
async function enable(id: string): Promise<void> {
  const { updateWebhookSubscription: payload } = await ask(
    `mutation { updateWebhookSubscription(webhookSubscription: { id: "${id}" disabled: false }) { errors { field message } webhookSubscription { id } } }`,
  );
  expect(payload).toEqual({ errors: [], webhookSubscription: { id } });
}

async function switchedOff(id: string, reason: string): Promise<{ disabledMessage: string; disabledAt: string }> {
  const node = await until(`it is off: ${reason}`, async () => {
    const found = await read(id);
    return found.disabled && found;
  });
  expect(node).toMatchObject({ status: 'DISABLED', disabledReason: reason });
  expect(Math.abs(Date.now() - Date.parse(node.disabledAt))).toBeLessThan(60_000);
  return node;
}

it('at more than 100 errors within an hour; the rest is held, and goes on with its attempts kept', async () => {
  const { id, recordId } = await subscribe();
  receiver.answer = (response) => void response.writeHead(500).end('broken');
  await acme.insertUsers(names('a', 5));
  await until('five errors', async () => (await attemptsOf(product.pool, recordId)).length === 5);
  // A hundred errors are still within the limit; errors older than an hour don't count.
  await insertErrors(product.pool, recordId, 94);
  await insertErrors(product.pool, recordId, 50, '61 minutes');
  await endPause(product.pool, recordId);
  await makeDue(product.pool, recordId);
  await until('the hundredth error', async () => (await attemptsOf(product.pool, recordId)).length === 150);
  expect(await read(id)).toMatchObject({ disabled: false, status: 'ENABLED', disabledReason: null });

  // Only the next probe is sent, and its failure exceeds the limit.
  await acme.insertUsers(names('c', 150));
  const { disabledMessage } = await switchedOff(id, 'TOO_MANY_ERRORS');
  expect(disabledMessage).toBe('More than 100 errors within an hour.');
  await until('the rest is held', async () => (await countStates(product.pool, recordId)).HELD === 155);
  const tried = (await deliveriesOf(product.pool, recordId)).filter((one) => one.attemptCount > 0);
  expect(receiver.requests).toHaveLength(7);

  const before = receiver.requests.length;
  receiver.answer = (response) => void response.end();
  await enable(id);
  await until('the held ones are delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === 155);
  expect(receiver.requests.slice(before).map(nameIn).sort()).toEqual([...names('a', 5), ...names('c', 150)].sort());
  const had = new Map(tried.map((one) => [one.id, one.attemptCount]));
  for (const one of await deliveriesOf(product.pool, recordId)) expect(one.attemptCount).toBe((had.get(one.id) ?? 0) + 1);
  expect(await read(id)).toEqual({
    disabled: false,
    status: 'ENABLED',
    disabledReason: null,
    disabledMessage: null,
    disabledAt: null,
  });
});

it('at a 410, and at a spent delivery', async () => {
  const gone = await subscribe();
  receiver.answer = (response) => void response.writeHead(410).end();
  await acme.insertUsers(['a']);
  expect((await switchedOff(gone.id, 'GONE')).disabledMessage).toContain('410');
  // The delivery has retries left, so it is held until the subscription is enabled.
  await until('it is held', async () => (await countStates(product.pool, gone.recordId)).HELD === 1);
  // While the subscription is disabled, the deliveries of new events are skipped.
  await acme.insertUsers(['b']);
  await until('it is recorded', async () => (await countStates(product.pool, gone.recordId)).SKIPPED === 1);

  const spent = await subscribe();
  receiver.answer = (response) => void response.writeHead(500).end();
  await acme.insertUsers(['c', 'd']);
  await until('both failed once', async () => (await countStates(product.pool, spent.recordId)).RETRYING === 2);
  const [c, d] = await deliveriesOf(product.pool, spent.recordId);
  await product.pool.query('UPDATE hookgraph.deliveries SET attempt_count = 25 WHERE id = $1', [c.id]);
  await product.pool.query('UPDATE hookgraph.open_deliveries SET due_at = now() WHERE delivery_id = $1', [c.id]);
  expect((await switchedOff(spent.id, 'RETRIES_EXHAUSTED')).disabledMessage).toContain('26 times');
  await until('the other one is held', async () => {
    const rows = await deliveriesOf(product.pool, spent.recordId);
    return rows.find((one) => one.id === d.id)?.state === 'HELD' && rows.find((one) => one.id === c.id)?.state === 'FAILED';
  });

  receiver.answer = (response) => void response.end();
  await enable(gone.id);
  await enable(spent.id);
  await until('both go on', async () => (await countStates(product.pool, gone.recordId)).DELIVERED === 1);
  // A delivery without retries left stays failed; deliveries skipped while the subscription was disabled aren't sent automatically.
  await until('the rest goes on', async () => (await countStates(product.pool, spent.recordId)).DELIVERED === 1);
  expect(await countStates(product.pool, spent.recordId)).toEqual({ DELIVERED: 1, FAILED: 1 });
  expect(await countStates(product.pool, gone.recordId)).toEqual({ DELIVERED: 1, SKIPPED: 3 });
});

it('a subscription with retries of its own stays on when one of its deliveries is spent', async () => {
  const own = await subscribe({ retry: { maxTries: 1 } });
  receiver.answer = (response) => void response.writeHead(500).end();
  await acme.insertUsers(['a']);
  await until('it failed', async () => (await countStates(product.pool, own.recordId)).FAILED === 1);
  expect(await read(own.id)).toMatchObject({ disabled: false });
});

it('tells its owner, who subscribed to that; but never a subscription of such about another such', async () => {
  const trouble = {
    query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on WebhookSubscription { databaseId name disabledReason disabledMessage } } }',
    template: '{{ data.node | json }}',
  };
  const told = await subscribe({ topic: { key: 'webhook_subscription/disabled' }, callbackUrl: owner.url, ...trouble });
  const recovered = await subscribe({
    topic: { key: 'webhook_subscription/recovered' },
    callbackUrl: `${owner.url}/recovered`,
    ...trouble,
  });
  // Also subscribes to this topic, but answers 410, so that it gets disabled itself.
  const deaf = await subscribe({ topic: { key: 'webhook_subscription/disabled' }, callbackUrl: receiver.url, ...trouble });
  const first = await subscribe();
  receiver.answer = (response) => void response.writeHead(410).end();
  await acme.insertUsers(['a']);
  await owner.waitFor(1);
  expect(JSON.parse(owner.requests[0]?.body ?? '')).toEqual({
    databaseId: first.recordId,
    name: 'new users',
    disabledReason: 'GONE',
    disabledMessage: 'The receiver answered 410 Gone.',
  });
  expect(owner.requests[0]?.headers['x-scope-topic']).toBe('webhook_subscription/disabled');
  await switchedOff(deaf.id, 'GONE');
  await enable(first.id);
  await owner.waitFor(2);
  expect(owner.requests[1]).toMatchObject({ path: '/recovered' });
  expect(JSON.parse(owner.requests[1]?.body ?? '')).toMatchObject({ databaseId: first.recordId, disabledReason: null });

  // Causes a third notification: notifications about `deaf` and `recovered`, if there were any, would have arrived before it.
  await ask('mutation ($id: ID!) { updateWebhookSubscription(webhookSubscription: { id: $id disabled: true }) { errors { message } } }', {
    id: recovered.id,
  });
  await acme.insertUsers(['b']);
  await owner.waitFor(3);
  expect(owner.requests.map(({ body }) => JSON.parse(body).databaseId)).toEqual([first.recordId, first.recordId, first.recordId]);
  await until('it is recorded', async () => (await countStates(product.pool, told.recordId)).DELIVERED === 2);
  expect(await countStates(product.pool, told.recordId)).toEqual({ DELIVERED: 2 });
});
