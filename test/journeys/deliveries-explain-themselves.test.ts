// Promise: deliveries and attempts can be listed, filtered and paged with all their explanations; more rows need no further statements.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.js';
import { createUser, organizationId, triedDeliveries, untilSettled } from '../support/journey.js';
import { ADMIN_TOKEN, type RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
/** The subscription ids by the state of their deliveries. */
const subscriptions = { delivered: '', retrying: '', skipped: '', held: '' };
let times: { before: string; between: string; after: string };

beforeAll(async () => {
  product = await runProduct();
  receiver = await startReceiver((response, { path }) => void response.writeHead(path === '/500' ? 500 : 200).end(`answer to ${path}`));
  const make = async (name: string, path: string, input: object = {}) =>
    (await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: `${receiver.url}${path}`, name, ...input })).id;
  subscriptions.delivered = await make('delivered', '/200');
  subscriptions.retrying = await make('retrying', '/500', { topic: { key: 'user/updated' } });
  subscriptions.skipped = await make('skipped', '/200', { validationTemplate: 'false' });
  subscriptions.held = await make('held', '/200', { template: '{% if true %}no JSON{% endif %}', topic: { key: 'user/deleted' } });
  const now = async () => (await product.pool.query('SELECT clock_timestamp() AS at')).rows[0].at.toISOString() as string;
  // The API's times are milliseconds, so events must be at least a whole millisecond apart.
  const apart = async () => {
    const at = await now();
    await until('a millisecond has passed', async () => (await now()) !== at, { everyMs: 1 });
    return now();
  };
  const before = await apart();
  const first = await createUser(product, { firstName: 'First' });
  await untilSettled(product);
  await apart();
  const between = await apart();
  await product.graphql('mutation ($id: ID) { updateUser(user: { id: $id, firstName: "Changed" }) { errors { message } } }', {
    id: first.id,
  });
  const second = await createUser(product, { firstName: 'Second' });
  await product.graphql('mutation ($id: ID) { deleteUser(user: { id: $id }) { errors { message } } }', { id: second.id });
  await untilSettled(product);
  await apart();
  times = { before, between, after: await apart() };
});
afterAll(async () => {
  await receiver?.close();
  await product?.close();
});

const LIST = `query ($id: ID, $state: WebhookDeliveryState, $states: [WebhookDeliveryState!], $topicKey: String, $min: DateTime, $max: DateTime) {
  webhookDeliveries(first: 100, webhookSubscriptionId: $id, state: $state, states: $states, topicKey: $topicKey, createdAtMin: $min, createdAtMax: $max) {
    totalCount nodes { state topic { key } } } }`;

/** Returns state and topic of each delivery that passes the filter. */
async function list(filter: object = {}): Promise<string[]> {
  const { webhookDeliveries } = await product.graphql(LIST, filter);
  expect(webhookDeliveries.totalCount).toBe(webhookDeliveries.nodes.length);
  return webhookDeliveries.nodes.map(({ state, topic }: { state: string; topic: { key: string } }) => `${state} ${topic.key}`).sort();
}

const FIRST = ['DELIVERED user/created', 'SKIPPED user/created'];
const SECOND = ['DELIVERED user/created', 'HELD user/deleted', 'RETRYING user/updated', 'SKIPPED user/created'];

describe('deliveries can be filtered', () => {
  it('by state, one or several', async () => {
    expect(await list({ state: 'DELIVERED' })).toEqual(['DELIVERED user/created', 'DELIVERED user/created']);
    expect(await list({ states: ['HELD', 'RETRYING'] })).toEqual(['HELD user/deleted', 'RETRYING user/updated']);
    expect(await list({ state: 'FAILED' })).toEqual([]);
    expect(await list()).toEqual([...FIRST, ...SECOND].sort());
  });

  it('by topic and by subscription', async () => {
    expect(await list({ topicKey: 'user/deleted' })).toEqual(['HELD user/deleted']);
    expect(await list({ topicKey: 'user/vanished' })).toEqual([]);
    expect(await list({ id: subscriptions.skipped })).toEqual(['SKIPPED user/created', 'SKIPPED user/created']);
  });

  it('by time, bounds included, and by all of it together', async () => {
    const { before, between, after } = times;
    expect(await list({ min: before, max: between })).toEqual(FIRST);
    expect(await list({ min: between })).toEqual(SECOND);
    expect(await list({ min: after })).toEqual([]);
    expect(await list({ max: before })).toEqual([]);
    expect(await list({ min: between, state: 'DELIVERED', topicKey: 'user/created', id: subscriptions.delivered })).toHaveLength(1);
    const [{ createdAt }] = await readAll('createdAt');
    expect(await list({ min: createdAt, max: createdAt })).not.toEqual([]);
  });

  it('and walked page by page, from either end', async () => {
    const all = (await readAll('id')).map(({ id }) => id);
    const walk = async (direction: 'first' | 'last') => {
      const seen: string[] = [];
      for (let cursor: string | null = null, more = true; more; ) {
        const [at, side] = direction === 'first' ? ['after', 'endCursor'] : ['before', 'startCursor'];
        const { webhookDeliveries: page } = await product.graphql(
          `query ($cursor: String) { webhookDeliveries(${direction}: 4, ${at}: $cursor) {
             nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
          { cursor },
        );
        const ids = page.nodes.map(({ id }: { id: string }) => id);
        if (direction === 'first') seen.push(...ids);
        else seen.unshift(...ids);
        cursor = page.pageInfo[side as string];
        more = page.pageInfo[direction === 'first' ? 'hasNextPage' : 'hasPreviousPage'];
      }
      return seen;
    };
    expect(all).toHaveLength(6);
    expect(await walk('first')).toEqual(all);
    expect(await walk('last')).toEqual(all);
  });
});

it('tell why they are where they are: attempts, subscription, node, event', async () => {
  const [held] = await readAll(EVERYTHING, `state: HELD`);
  expect(held).toMatchObject({
    kind: 'LIVE',
    state: 'HELD',
    reason: 'NODE',
    nextAttemptAt: null,
    attemptCount: 1,
    topic: { key: 'user/deleted', version: '1.1' },
    webhookSubscription: { name: 'held', deliveries: { totalCount: 1 } },
    // The node is deleted, but its id remains.
    node: null,
    nodeId: expect.any(String),
    event: { operation: 'DELETED', nodeType: 'User', changedFields: [] },
    attempts: [
      { number: 1, outcome: 'HELD', stage: 'TEMPLATE', message: expect.stringContaining('invalid JSON'), request: null, response: null },
    ],
  });
  const [retrying] = await readAll(EVERYTHING, `state: RETRYING`);
  expect(retrying).toMatchObject({
    reason: null,
    nextAttemptAt: expect.any(String),
    node: { name: 'Changed Body', organization: { name: 'Acme Training' } },
    event: { operation: 'UPDATED', changedFields: ['firstName'], nodeId: retrying?.nodeId },
    attempts: [
      {
        outcome: 'FAILED',
        stage: 'STATUS',
        request: { url: `${receiver.url}/500` },
        response: { status: 500, body: 'answer to /500' },
        subscriptionVersion: 1,
      },
    ],
  });
  expect(Date.parse(retrying?.nextAttemptAt) - Date.parse(retrying?.attempts[0].startedAt)).toBeGreaterThanOrEqual(15_000);
});

it('are to be read one by one as well, with the attempts, by node(id:)', async () => {
  const [delivery] = await triedDeliveries(product, subscriptions.delivered, 1);
  const { node, attempt } = await product.graphql(
    `query ($id: ID!, $attempt: ID!) {
       node(id: $id) { ... on WebhookDelivery { state attempts { id } } }
       attempt: node(id: $attempt) { ... on WebhookAttempt { number outcome response { status } } } }`,
    { id: delivery?.id, attempt: delivery?.attempts[0]?.id },
  );
  expect(node).toEqual({ state: 'DELIVERED', attempts: [{ id: delivery?.attempts[0]?.id }] });
  expect(attempt).toEqual({ number: 1, outcome: 'DELIVERED', response: { status: 200 } });
});

describe('reading them', () => {
  let proxy: CountingProxy;
  let url: string;
  beforeAll(async () => {
    await product.pool.query(
      `INSERT INTO users (organization_id, first_name, last_name) SELECT $1, 'Many', i::text FROM generate_series(1, 40) i`,
      [await organizationId(product)],
    );
    await untilSettled(product);
    // A separate API process, so that the worker's statements don't count.
    proxy = await startCountingProxy(product.db.url);
    url = (await product.start('api', { DATABASE_URL: proxy.url })).url;
  });
  afterAll(() => proxy?.close());

  /** Runs a query and counts the returned rows and the executed statements. */
  async function count(query: string): Promise<{ rows: number; statements: number }> {
    proxy.take();
    const response = await fetch(`${url}/api/v3/graphql`, {
      method: 'POST',
      headers: { authorization: `Token token=${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const text = await response.text();
    expect(JSON.parse(text).errors).toBeUndefined();
    return { rows: text.split('"durationMs"').length - 1, statements: proxy.take() };
  }

  it.each([
    [
      'of all subscriptions',
      (rows: number) => `{ webhookDeliveries(first: ${rows}, topicKey: "user/created") { totalCount nodes { ${EVERYTHING} } } }`,
    ],
    [
      'subscription by subscription',
      (rows: number) =>
        `{ webhookSubscriptions(first: 5, topicKey: "user/created") { nodes { name deliveries(first: ${rows}) { totalCount nodes { ${EVERYTHING} } } } } }`,
    ],
  ])('%s takes about as many statements for many rows as for a few', async (_what, query) => {
    await count(query(2));
    const few = await count(query(2));
    const many = await count(query(40));
    expect(few.rows).toBeGreaterThan(0);
    expect(many.rows).toBeGreaterThanOrEqual(10 * few.rows);
    // A long answer is completed in parts, between which others take their turns. Each part may need a statement.
    expect(many.statements - few.statements).toBeLessThan((many.rows - few.rows) / 4);
    expect(few.statements).toBeGreaterThan(5);
    expect(few.statements).toBeLessThan(20);
  });
});

const EVERYTHING = `id databaseId kind state reason nextAttemptAt attemptCount createdAt nodeId topic { key version }
  webhookSubscription { name deliveries(first: 1) { totalCount } } node { ... on User { name organization { name } originGroup { name } } }
  event { operation occurredAt nodeType nodeId changedFields }
  attempts { number outcome stage message subscriptionVersion startedAt durationMs timings request { url headers body } response { status headers body } }`;

// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
async function readAll(fields: string, filter = 'states: [DELIVERED, SKIPPED, HELD, RETRYING]'): Promise<any[]> {
  const { webhookDeliveries } = await product.graphql(`{ webhookDeliveries(first: 100, ${filter}) { nodes { ${fields} } } }`);
  return webhookDeliveries.nodes;
}
