// Promise: the table of docs/wire-formats.md#what-happens-to-open-deliveries, line by line: a subscription is disabled, edited, deleted
// or loses its owner. (A definition that a schema change broke: test/webhooks/journey.test.ts.)
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { LAST_NAME, makeOrganization, nameIn, type Organization } from '../support/organization.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
let acme: Organization;
let id: string;
let recordId: string;
/** Responses to requests that the receiver hasn't answered yet. */
let kept: ServerResponse[];
beforeAll(async () => {
  product = await runProduct();
});
afterAll(() => product.close());
beforeEach(async () => {
  [acme, receiver] = await Promise.all([makeOrganization(product.pool), startReceiver()]);
  ({ id, recordId } = await product.subscribe(
    {
      topic: { key: 'user/created' },
      callbackUrl: receiver.url,
      sharedSecret: 'hush',
      headers: [{ name: 'x-api-key', value: 'secret' }],
      ...LAST_NAME,
    },
    acme.token,
  ));
  kept = [];
});
afterEach(async () => {
  await until('the books balance', async () => (await unbalanced(product.pool)).length === 0);
  await receiver.close();
});

const ask = (query: string, variables: object = {}) => product.graphql(query, variables, acme.token);

async function mutate(mutation: 'update' | 'delete', input: object): Promise<void> {
  const name = `${mutation}WebhookSubscription`;
  const answer = await ask(
    `mutation ($input: WebhookSubscriptionInput) { ${name}(webhookSubscription: $input) { errors { field message } } }`,
    { input: { id, ...input } },
  );
  expect(answer[name].errors).toEqual([]);
}

/** Makes one delivery that failed once and waits for its retry, and one whose request is in flight. */
async function oneWaitsAndOneIsInFlight(): Promise<void> {
  receiver.answer = (response, request) => {
    if (nameIn(request) === 'in flight') kept.push(response);
    else response.writeHead(500).end();
  };
  await acme.insertUsers(['waiting']);
  await until('one waits', async () => (await countStates(product.pool, recordId)).RETRYING === 1);
  await acme.insertUsers(['in flight']);
  await until('one is in flight', () => kept.length === 1);
}

const row = async (name: string) => {
  const { rows } = await product.pool.query(
    `SELECT d.id, d.state, d.reason, d.attempt_count AS "attemptCount" FROM hookgraph.deliveries d JOIN hookgraph.events e ON e.id = d.event_id
     WHERE d.subscription_id = $1 AND hookgraph.row_of(e.layout_id, e.after) ->> 'last_name' = $2`,
    [recordId, name],
  );
  return rows[0];
};
const becomes = (name: string, what: object) =>
  until(`${name} becomes ${JSON.stringify(what)}`, async () => {
    const found = await row(name);
    return found && Object.entries(what).every(([key, value]) => found[key] === value);
  }).catch(async (error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(await row(name))}`);
  });

it('disabled by its owner: what is in flight ends and is recorded, the rest is held; later events are recorded as not sent', async () => {
  await oneWaitsAndOneIsInFlight();
  await mutate('update', { disabled: true });
  await becomes('waiting', { state: 'HELD', reason: 'DISABLED', attemptCount: 1 });
  await acme.insertUsers(['later']);
  await becomes('later', { state: 'SKIPPED', reason: 'DISABLED', attemptCount: 0 });
  kept.pop()?.end();
  await becomes('in flight', { state: 'DELIVERED', attemptCount: 1 });
  expect(await attemptsOf(product.pool, recordId)).toHaveLength(2);

  const answer = await ask('{ webhookDeliveries { nodes { state reason nextAttemptAt attempts { number } } } }');
  expect(answer.webhookDeliveries.nodes.map((one: { state: string; reason: string }) => [one.state, one.reason])).toEqual([
    ['SKIPPED', 'DISABLED'],
    ['DELIVERED', null],
    ['HELD', 'DISABLED'],
  ]);

  receiver.answer = (response) => void response.end();
  await mutate('update', { disabled: false });
  await becomes('waiting', { state: 'DELIVERED', attemptCount: 2 });
  await acme.insertUsers(['after']);
  await becomes('after', { state: 'DELIVERED', attemptCount: 1 });
  expect(await row('later')).toMatchObject({ state: 'SKIPPED', attemptCount: 0 });
  expect(receiver.requests.map(nameIn)).toEqual(['waiting', 'in flight', 'waiting', 'after']);
});

it('disabled while a request is in flight that fails: it is recorded, and held', async () => {
  await oneWaitsAndOneIsInFlight();
  await mutate('update', { disabled: true });
  kept.pop()?.writeHead(500).end();
  await becomes('in flight', { state: 'HELD', reason: 'DISABLED', attemptCount: 1 });
});

it('edited: open deliveries go on with the new definition, and each attempt names the version that it used', async () => {
  await oneWaitsAndOneIsInFlight();
  const other = await startReceiver();
  await mutate('update', { callbackUrl: other.url, template: '{"name": "{{ data.node.lastName }}", "edited": true}', sharedSecret: 'new' });
  kept.pop()?.writeHead(500).end();
  await becomes('in flight', { state: 'RETRYING', attemptCount: 1 });
  const before = receiver.requests.length;
  await makeDue(product.pool, recordId);
  await becomes('waiting', { state: 'DELIVERED', attemptCount: 2 });
  await becomes('in flight', { state: 'DELIVERED', attemptCount: 2 });
  await acme.insertUsers(['later']);
  await becomes('later', { state: 'DELIVERED', attemptCount: 1 });
  expect(other.requests.map(({ body }) => JSON.parse(body))).toEqual(
    expect.arrayContaining(['waiting', 'in flight', 'later'].map((name) => ({ name, edited: true }))),
  );
  expect(receiver.requests).toHaveLength(before);
  const versions = (await attemptsOf(product.pool, recordId)).map(({ number, version }) => [number, version]);
  expect(versions.sort()).toEqual([
    [1, 1],
    [1, 1],
    [1, 2],
    [2, 2],
    [2, 2],
  ]);
  await other.close();
});

it('deleted: open deliveries are cancelled, later events make none, history stays, secrets are wiped', async () => {
  await oneWaitsAndOneIsInFlight();
  const secrets = () => product.pool.query('SELECT field FROM hookgraph.secrets WHERE subscription_id = $1', [recordId]);
  expect((await secrets()).rowCount).toBe(2);
  await mutate('delete', {});
  expect((await secrets()).rowCount).toBe(0);
  expect(await row('waiting')).toMatchObject({ state: 'CANCELLED', reason: 'DELETED', attemptCount: 1 });
  // The request in flight ends and is recorded, but isn't sent again.
  kept.pop()?.writeHead(500).end();
  await becomes('in flight', { state: 'CANCELLED', attemptCount: 1 });
  await acme.insertUsers(['later']);
  await until('the event is relayed', async () => (await product.pool.query('SELECT 1 FROM hookgraph.captures')).rowCount === 0);
  expect(await row('later')).toBeUndefined();

  const answer = await ask(
    '{ webhookDeliveries { totalCount nodes { state webhookSubscription { id } attempts { outcome request { headers body } } } } webhookSubscriptions { totalCount } }',
  );
  expect(answer.webhookSubscriptions.totalCount).toBe(0);
  expect(answer.webhookDeliveries.totalCount).toBe(2);
  for (const delivery of answer.webhookDeliveries.nodes) {
    expect(delivery).toMatchObject({ state: 'CANCELLED', webhookSubscription: null, attempts: [{ outcome: 'FAILED' }] });
    expect(JSON.stringify(delivery)).not.toContain('secret');
  }
  // Earlier versions of the definition don't keep the secrets either.
  const { rows } = await product.pool.query('SELECT definition::text FROM hookgraph.subscription_versions WHERE subscription_id = $1', [
    recordId,
  ]);
  expect(JSON.stringify(rows)).not.toMatch(/hush|secret/);
});

it.each([
  ['disabled', 'UPDATE users SET disabled = true WHERE id = $1'],
  ['moved', `UPDATE users SET organization_id = (SELECT id FROM organizations WHERE permalink = 'globex') WHERE id = $1`],
  ['deleted', 'DELETE FROM users WHERE id = $1'],
])('its owner is %s: it is disabled with the reason OWNER_GONE, and its deliveries wait', async (_what, sql) => {
  await oneWaitsAndOneIsInFlight();
  await product.pool.query(sql, [acme.adminId]);
  kept.pop()?.end();
  await becomes('in flight', { state: 'DELIVERED', attemptCount: 1 });
  const before = receiver.requests.length;
  await acme.insertUsers(['later']);
  await becomes('later', { state: 'HELD', reason: 'DISABLED', attemptCount: 0 });
  await becomes('waiting', { state: 'HELD', reason: 'DISABLED', attemptCount: 1 });
  const { rows } = await product.pool.query('SELECT status, disabled_reason, disabled_message FROM hookgraph.subscriptions WHERE id = $1', [
    recordId,
  ]);
  expect(rows).toEqual([{ status: 'DISABLED', disabled_reason: 'OWNER_GONE', disabled_message: expect.any(String) }]);
  await acme.insertUsers(['even later']);
  await becomes('even later', { state: 'SKIPPED', reason: 'DISABLED' });
  expect(receiver.requests).toHaveLength(before);
  expect((await deliveriesOf(product.pool, recordId)).map((one) => one.leaseToken)).toEqual([null, null, null, null]);
});
