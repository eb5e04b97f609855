// Runs every example of docs/queries-and-templates.md as written: subscribes, makes the change, and compares what arrives.
import { readFileSync } from 'node:fs';
import { type GraphQLObjectType, type GraphQLOutputType, getNamedType, isListType, isObjectType } from 'graphql';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Working } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';
import { readExamples } from './read-examples.js';

const page = readFileSync(new URL('../../docs/queries-and-templates.md', import.meta.url), 'utf8');

let t: TestApp;
let working: Working;
let receiver: Receiver;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  working = await t.app.webhooks.work();
});
afterAll(async () => {
  await working.stop();
  await t.close();
});
afterEach(() => receiver.close());

const examples = readExamples(page);

it('there are at least ten of them', async () => {
  receiver = await startReceiver();
  expect(examples.length).toBeGreaterThanOrEqual(10);
  expect(examples.flatMap(({ cases }) => cases).length).toBeGreaterThan(examples.length);
});

it.each(examples)('$title', async ({ topic, definition, cases }) => {
  for (const { node, change, statement, response, body, attempt } of cases) {
    receiver = await startReceiver((answer) => {
      answer.writeHead(response?.status ?? 200, response?.headers);
      answer.end(response?.body);
    });
    const [[typename, input]] = Object.entries(node) as [[string, Input]];
    const happensFirst = !topic.endsWith('/created');
    const made = happensFirst ? await create(typename, input) : null;
    const id = await subscribe({ ...definition, topic: { key: topic }, callbackUrl: `${receiver.url}/hook` });
    if (made === null) await create(typename, input);
    else if (statement !== null) {
      const key = t.app.webhooks.engine.host.fromGlobalId(made)?.key;
      await t.database.pool.query(statement.replaceAll(':id', '$1'), [key]);
      t.app.webhooks.poke();
    } else if (topic.endsWith('/deleted')) await write('delete', typename, { id: made });
    else await write('update', typename, { id: made, ...change });

    const tried = await attemptOf(id);
    const told = `${tried.outcome}${tried.stage ? ` at ${tried.stage}: ${tried.message}` : ''}`;
    expect(told).toBe(attempt ?? 'DELIVERED');
    if (body !== null) expect(receiver.requests.map((request) => request.body.trim())).toEqual([body]);
    await t.ask('mutation ($id: ID) { deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } } }', { id });
  }
});

type Input = Record<string, unknown>;

async function subscribe(webhookSubscription: Input): Promise<string> {
  const { data, errors } = await t.ask(
    `mutation ($webhookSubscription: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $webhookSubscription) {
      errors { field message } warnings { field message } webhookSubscription { id } } }`,
    { webhookSubscription },
  );
  expect(errors).toBeUndefined();
  const { webhookSubscription: saved, ...mistakes } = data.createWebhookSubscription;
  expect(mistakes.errors).toEqual([]);
  return saved.id;
}

/** Creates a node, and first the nodes that its input names by an object: `{ "scenario": { "name": "…" } }`. */
async function create(typename: string, input: Input): Promise<string> {
  const type = t.app.schema.getType(typename) as GraphQLObjectType;
  const plain: Input = {};
  for (const [name, value] of Object.entries(input)) {
    const target = targetOf((type.getFields()[name] as { type: GraphQLOutputType }).type);
    if (target === null) plain[name] = value;
    else if (Array.isArray(value))
      plain[`${name.replace(/s$/, '')}Ids`] = await Promise.all(value.map((one: Input) => create(target, one)));
    else plain[`${name}Id`] = await create(target, value as Input);
  }
  return write('create', typename, plain);
}

/** The type of the nodes that a field leads to; `null` for an attribute. */
function targetOf(type: GraphQLOutputType): string | null {
  const named = getNamedType(type);
  if (!isObjectType(named)) return null;
  const nodes = named.getFields().nodes?.type;
  return nodes && isListType('ofType' in nodes ? nodes.ofType : nodes) ? getNamedType(nodes).name : named.name;
}

async function write(verb: 'create' | 'update' | 'delete', typename: string, input: Input): Promise<string> {
  const argument = `${typename.charAt(0).toLowerCase()}${typename.slice(1)}`;
  const { data, errors } = await t.ask(
    `mutation ($input: ${typename}Input) { ${verb}${typename}(${argument}: $input) { errors { field message } ${argument} { id } } }`,
    { input },
  );
  expect(errors).toBeUndefined();
  const payload = data[`${verb}${typename}`];
  expect(payload.errors).toEqual([]);
  return payload[argument]?.id;
}

function attemptOf(id: string): Promise<{ outcome: string; stage: string | null; message: string | null }> {
  return until('the delivery was tried', async () => {
    const { data } = await t.ask(
      'query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { nodes { attempts { outcome stage message } } } }',
      { id },
    );
    return data.webhookDeliveries.nodes[0]?.attempts[0];
  });
}
