// Promise: each node type gets its three topics automatically; lifecycle topics fire on their transitions only; topic versions are kept.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createUser, untilSettled } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';

const SESSION = ['scenario_session/paused', 'scenario_session/resumed', 'scenario_session/completed'];
/** The lifecycle topics, in addition to the three topics of each node type. */
const LIFECYCLE = [
  ...SESSION,
  'scenario_session_part/completed',
  'scenario_session_step/completed',
  'call/completed',
  'call_recording/completed',
];
const OWN = ['disabled', 'held', 'recovered', 'slowed'].map((what) => `webhook_subscription/${what}`);

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
beforeEach(() => {
  receiver.requests.length = 0;
});

it('announces created, updated and deleted of every domain type, and what is declared beside them, and nothing else', async () => {
  const { __type, webhookTopics } = await product.graphql(
    `{ __type(name: "Node") { possibleTypes { name } }
       webhookTopics(first: 100) { totalCount nodes { id key version nodeType operation description } } }`,
  );
  const domain = __type.possibleTypes.map(({ name }: { name: string }) => name).filter((name: string) => !name.startsWith('Webhook'));
  expect(domain).toEqual(expect.arrayContaining(['Organization', 'User', 'Group', 'Scenario', 'ScenarioSession']));
  const snake = (name: string) => name.replace(/(?<!^)([A-Z])/g, '_$1').toLowerCase();
  const stems = new Set(domain.map(snake));
  const lifecycle = LIFECYCLE.filter((key) => stems.has(key.split('/')[0]));
  const expected = domain.flatMap((name: string) => ['created', 'updated', 'deleted'].map((operation) => `${snake(name)}/${operation}`));
  const keys = webhookTopics.nodes.map(({ key }: { key: string }) => key);
  expect(keys.toSorted()).toEqual([...expected, ...lifecycle, ...OWN].sort());
  expect(webhookTopics.totalCount).toBe(keys.length);
  for (const topic of webhookTopics.nodes) expect(topic).toMatchObject({ version: '1.1', description: expect.stringMatching(/\w/) });
});

it('answers a topic by its id, by its key, by key and version, and null for what there is not', async () => {
  const { webhookTopic: topic } = await product.graphql('{ webhookTopic(key: "user/created") { id key version nodeType operation } }');
  expect(topic).toMatchObject({ key: 'user/created', version: '1.1', nodeType: 'User', operation: 'CREATED' });
  const found = await product.graphql(
    `query ($id: ID!) {
       byNode: node(id: $id) { ... on WebhookTopic { key } }
       byId: webhookTopic(id: $id) { key }
       byVersion: webhookTopic(key: "user/created", version: "1.1") { key }
       noVersion: webhookTopic(key: "user/created", version: "9.9") { key }
       noKey: webhookTopic(key: "user/vanished") { key }
       ofType: webhookTopics(nodeType: "ScenarioSession") { totalCount }
     }`,
    { id: topic.id },
  );
  const itself = { key: 'user/created' };
  expect(found).toEqual({
    byNode: itself,
    byId: itself,
    byVersion: itself,
    noVersion: null,
    noKey: null,
    ofType: { totalCount: 3 + SESSION.length },
  });
});

/** Each transition is written by the mutation and by SQL in another session; both must fire the topics `told`. */
const TRANSITIONS: [from: string, to: string, told: string[]][] = [
  ['STARTED', 'PAUSED', ['scenario_session/paused', 'scenario_session/updated']],
  ['PAUSED', 'STARTED', ['scenario_session/resumed', 'scenario_session/updated']],
  ['STARTED', 'COMPLETED', ['scenario_session/completed', 'scenario_session/updated']],
  ['PAUSED', 'COMPLETED', ['scenario_session/completed', 'scenario_session/updated']],
  ['COMPLETED', 'STARTED', ['scenario_session/updated']],
  ['COMPLETED', 'PAUSED', ['scenario_session/paused', 'scenario_session/updated']],
  ['PAUSED', 'PAUSED', []],
];

it('fires the topics of a session on their transitions only', async () => {
  for (const key of [...SESSION, 'scenario_session/created', 'scenario_session/updated'])
    await product.subscribe({ topic: { key }, callbackUrl: receiver.url });
  const { scenarios } = await product.graphql('{ scenarios(first: 1) { nodes { id } } }');
  const create = async (state: string) => {
    const { createScenarioSession: payload } = await product.graphql(
      `mutation ($session: ScenarioSessionInput) { createScenarioSession(scenarioSession: $session) { errors { message } scenarioSession { id databaseId } } }`,
      { session: { scenarioId: scenarios.nodes[0].id, state } },
    );
    return payload.scenarioSession as { id: string; databaseId: string };
  };
  const told = async () => {
    await untilSettled(product);
    return receiver.requests
      .splice(0)
      .map(({ headers }) => headers['x-scope-topic'])
      .sort();
  };
  for (const [from, to, topics] of TRANSITIONS) {
    const [one, other] = [await create(from), await create(from)];
    expect(await told(), `created as ${from}`).toEqual(['scenario_session/created', 'scenario_session/created']);
    const { updateScenarioSession: payload } = await product.graphql(
      `mutation ($session: ScenarioSessionInput) { updateScenarioSession(scenarioSession: $session) { errors { message } } }`,
      { session: { id: one.id, state: to } },
    );
    expect(payload.errors).toEqual([]);
    expect(await told(), `${from} → ${to} by mutation`).toEqual(topics);
    await product.pool.query('UPDATE scenario_sessions SET state = $2::scenario_session_state WHERE id = $1', [other.databaseId, to]);
    expect(await told(), `${from} → ${to} by SQL`).toEqual(topics);
    await product.pool.query('UPDATE scenario_sessions SET idle_duration = idle_duration + 1 WHERE id = $1', [other.databaseId]);
    expect(await told(), `another attribute while ${to}`).toEqual(['scenario_session/updated']);
  }
});

it('tells an owner when one of their subscriptions is switched off and on, but not those that listen to that', async () => {
  const watcher = await product.subscribe({
    topic: { key: 'webhook_subscription/disabled' },
    callbackUrl: `${receiver.url}/watch`,
    query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on WebhookSubscription { name disabledReason } } }',
  });
  const { id } = await product.subscribe({ topic: { key: 'user/deleted' }, callbackUrl: receiver.url, name: 'watched' });
  const update =
    'mutation ($id: ID, $disabled: Boolean) { updateWebhookSubscription(webhookSubscription: { id: $id, disabled: $disabled }) { errors { message } } }';
  await product.graphql(update, { id, disabled: true });
  await untilSettled(product);
  expect(receiver.requests.map(({ path, body }) => [path, JSON.parse(body)])).toEqual([
    ['/watch', { data: { node: { name: 'watched', disabledReason: 'OWNER' } } }],
  ]);
  const other = await product.subscribe({ topic: { key: 'webhook_subscription/disabled' }, callbackUrl: receiver.url });
  for (const own of [other.id, watcher.id]) await product.graphql(update, { id: own, disabled: true });
  await untilSettled(product);
  expect(receiver.requests).toHaveLength(1);
});

it('pins the latest version at the save: a newer one reaches new subscriptions, and the older ones stay as they are', async () => {
  const old = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: `${receiver.url}/old` });
  // Topics that a later release might announce; version 1.10 sorts after 1.9.
  await product.pool.query(
    `INSERT INTO hookgraph.topics (key, version, typename, operation) VALUES ('user/created', '1.9', 'User', 'created'), ('user/created', '1.10', 'User', 'created')`,
  );
  const latest = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: `${receiver.url}/latest` });
  const asked = await product.subscribe({ topic: { key: 'user/created', version: '1.9' }, callbackUrl: `${receiver.url}/asked` });
  // A save without a topic keeps the current topic.
  await product.graphql(
    'mutation ($id: ID) { updateWebhookSubscription(webhookSubscription: { id: $id, name: "renamed" }) { errors { message } } }',
    {
      id: old.id,
    },
  );
  const { webhookTopics, nodes } = await product.graphql(
    `query ($ids: [ID!]!) { webhookTopics(key: "user/created") { nodes { version } } nodes(ids: $ids) { ... on WebhookSubscription { topic { version } } } }`,
    { ids: [old.id, latest.id, asked.id] },
  );
  expect(webhookTopics.nodes.map(({ version }: { version: string }) => version).sort()).toEqual(['1.1', '1.10', '1.9']);
  expect(nodes.map(({ topic }: { topic: { version: string } }) => topic.version)).toEqual(['1.1', '1.10', '1.9']);
  await createUser(product);
  await untilSettled(product);
  const versions = receiver.requests.map(({ path, headers }) => [path, headers['x-scope-topic-version']]);
  expect(versions.sort()).toEqual([
    ['/asked', '1.9'],
    ['/latest', '1.10'],
    ['/old', '1.1'],
  ]);
});
