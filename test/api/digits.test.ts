// Tests that numbers keep all their digits in variables, answers, payloads and URLs.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const ID = '750727362669608961';

let t: ServedApp;
let receiver: Receiver;
let session: { id: string; databaseId: string };
beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  receiver = await startReceiver(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(`{"order": ${ID}}`),
  );
  const { data } = await t.ask('mutation { createScenario(scenario: { name: "Count" }) { scenario { id } } }');
  const answer = JSON.parse(
    await ask('mutation ($s: ScenarioSessionInput) { createScenarioSession(scenarioSession: $s) { scenarioSession { id databaseId } } }', {
      body: `{"s": {"scenarioId": "${data.createScenario.scenario.id}", "externalData": {"id": ${ID}}}}`,
    }),
  );
  session = answer.data.createScenarioSession.scenarioSession;
});
afterAll(async () => {
  await receiver.close();
  await t.close();
});

const headers = { authorization: `Token token=${ADMIN_TOKEN}`, 'content-type': 'application/json' };

/** Sends a query; `body` and `search` are its variables as JSON, in the body or in the URL. */
async function ask(query: string, { body, search }: { body?: string; search?: string } = {}): Promise<string> {
  const url = `${t.api.url}/api/v3/graphql`;
  const response =
    search === undefined
      ? await fetch(url, { method: 'POST', headers, body: `{"query": ${JSON.stringify(query)}, "variables": ${body ?? '{}'}}` })
      : await fetch(`${url}?${new URLSearchParams({ query, variables: search })}`, { headers });
  return response.text();
}

it('variables in an address are read with all digits', async () => {
  const find = (value: string) =>
    ask('query ($f: ExternalDataFilter) { scenarioSessions(externalData: $f) { nodes { externalData } } }', {
      search: `{"f": {"type": "MATCH", "key": "id", "value": ${value}}}`,
    });
  expect(await find(ID)).toContain(`"nodes":[{"externalData":{"id":${ID}}}]`);
  expect(await find('750727362669608960')).toContain('"nodes":[]');
});

it('the built-in scalars read a long number as before, but an ID as it is sent', async () => {
  expect(await ask('query ($n: Int) { users(first: $n) { totalCount } }', { body: `{"n": ${ID}}` })).toMatch(/Int cannot represent/);
  expect(await ask('query ($n: Int) { users(first: $n) { totalCount } }', { body: '{"n": 2.0}' })).toMatch(/"totalCount":\d/);
  expect(await ask('query ($n: Int) { users(first: $n) { totalCount } }', { body: '{"n": 2.0000000000000000000}' })).toMatch(
    /"totalCount":\d/,
  );
  expect(await ask('query ($id: ID!) { node(id: $id) { id } }', { body: `{"id": ${ID}}` })).toContain('{"data":{"node":null}');
  expect(await ask('query ($s: String) { users(fullText: $s) { totalCount } }', { body: `{"s": ${ID}}` })).toMatch(
    /String cannot represent/,
  );
});

it('the object behind the URL of the default payload has them', async () => {
  const response = await fetch(`${t.api.url}/api/v3/graphql/object/${session.id}`, { headers });
  expect(await response.text()).toContain(`"externalData":{"id":${ID}}`);
});

it('a test tells them of payload, body and answer', async () => {
  const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on ScenarioSession { externalData } } }';
  const create =
    'mutation ($s: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $s) { errors { fullMessage } webhookSubscription { id } } }';
  const { data } = await t.ask(create, {
    s: {
      topic: { key: 'scenario_session/created' },
      callbackUrl: receiver.url,
      query,
      template: '{"id": {{ data.node.externalData.id }}}',
      errorTemplate: `{% if body.order == ${ID} %}{% else %}lost{% endif %}`,
    },
  });
  const { id } = data.createWebhookSubscription.webhookSubscription;
  const answer = await ask(
    'mutation ($id: ID) { testWebhookSubscription(id: $id) { report { outcome message stages { stage input output } } } }',
    { body: `{"id": "${id}"}` },
  );
  expect(JSON.parse(answer).data.testWebhookSubscription.report).toMatchObject({ outcome: 'DELIVERED', message: null });
  expect(receiver.requests.at(-1)?.body).toBe(`{"id": ${ID}}`);
  expect(answer).toContain(`"output":{"data":{"node":{"externalData":{"id":${ID}}}}}`);
  expect(answer).toContain(`"body":{"order":${ID}}`);
});
