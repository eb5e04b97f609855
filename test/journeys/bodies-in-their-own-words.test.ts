// Promise: a request has the body that the subscriber's template wrote, escaped for its format; their error template judges the response;
// all of this is recorded.
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/cli.js';
import { addToken, createUser, type ToldDelivery, triedDeliveries } from '../support/journey.js';
import { ADMIN_TOKEN, type RunningProduct } from '../support/product.js';
import { type Received, type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

/** A name with every character that a format must escape. */
const NAME = 'Zoë "Q" \\ <b> & \'x\'\r\n\ttab \u2028 😀';
const QUERY =
  'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name: firstName jobTitle admin groups(orderBy: { attribute: "name" }) { nodes { name } } } } }';

let product: RunningProduct;
let receiver: Receiver;
let groupIds: string[];
beforeAll(async () => {
  product = await runProduct();
  receiver = await startReceiver();
  const { a, b } = await product.graphql(
    'mutation { a: createGroup(group: { name: "Technicians" }) { group { id } } b: createGroup(group: { name: "Trainers" }) { group { id } } }',
  );
  groupIds = [a.group.id, b.group.id];
});
afterAll(async () => {
  await receiver?.close();
  await product?.close();
});

interface Told {
  requests: Received[];
  delivery: ToldDelivery;
  attempt: ToldDelivery['attempts'][number];
}

/** Subscribes, creates a user, waits for the attempt, and unsubscribes; returns the request and the attempt. */
async function tell(input: object = {}, answer: Receiver['answer'] = (response) => void response.end()): Promise<Told> {
  receiver.requests.length = 0;
  receiver.answer = answer;
  const { id } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, query: QUERY, ...input });
  await createUser(product, { firstName: NAME, groupIds });
  const [delivery] = (await triedDeliveries(product, id, 1)) as [ToldDelivery];
  await product.graphql('mutation ($id: ID) { deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } } }', {
    id,
  });
  expect(delivery.attempts).toHaveLength(1);
  return { requests: [...receiver.requests], delivery, attempt: delivery.attempts[0] as Told['attempt'] };
}

const say =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };

it('escapes what a JSON template writes inside a string, and writes whole values with `json`', async () => {
  const { requests } = await tell({
    template: `{"inside": "Hello {{ data.node.name }}!", "whole": {{ data.node.name | json }}, "flag": {{ data.node.admin }},
      "nothing": "{{ data.node.jobTitle }}", "list": {{ data.node.groups.nodes }}, "object": {{ data | json }}}`,
  });
  expect(requests[0]?.headers['content-type']).toBe('application/json');
  const groups = [{ name: 'Technicians' }, { name: 'Trainers' }];
  expect(JSON.parse(requests[0]?.body as string)).toEqual({
    inside: `Hello ${NAME}!`,
    whole: NAME,
    flag: false,
    nothing: '',
    list: groups,
    object: { node: { name: NAME, jobTitle: null, admin: false, groups: { nodes: groups } } },
  });
});

it('sends the answer of the query as it is where there is no template', async () => {
  const { requests } = await tell();
  expect(JSON.parse(requests[0]?.body as string)).toMatchObject({ data: { node: { name: NAME, jobTitle: null } } });
});

it("sends the node's id and address where there is no query either; the address answers its attributes, to its own people", async () => {
  const { requests, delivery } = await tell({ query: null });
  const { data } = JSON.parse(requests[0]?.body as string);
  expect(data).toEqual({ id: delivery.nodeId, url: `http://api.example/api/v3/graphql/object/${delivery.nodeId}` });
  expect(data.id).toMatch(/^[\w-]+$/);
  const read = (token: string) =>
    fetch(`${product.url}${new URL(data.url).pathname}`, { headers: token ? { authorization: `Token token=${token}` } : {} });
  const object = (await (await read(ADMIN_TOKEN)).json()) as Record<string, unknown>;
  expect(object).toMatchObject({ id: data.id, firstName: NAME, jobTitle: null, admin: false });
  for (const relation of ['organization', 'groups', 'originGroup']) expect(object).not.toHaveProperty(relation);
  expect((await read(await addToken(product, 'hank@globex.example'))).status).toBe(404);
  expect((await read('')).status).toBe(401);
});

it('escapes what an XML template writes', async () => {
  const { requests } = await tell({
    contentType: 'XML',
    template: '<user name="{{ data.node.name }}"><flag>{{ data.node.admin }}</flag><job>{{ data.node.jobTitle }}</job></user>',
  });
  expect(requests[0]?.headers['content-type']).toBe('application/xml');
  expect(requests[0]?.body).toBe(
    '<user name="Zoë &quot;Q&quot; \\ &lt;b&gt; &amp; &apos;x&apos;&#13;\n\ttab \u2028 😀"><flag>false</flag><job></job></user>',
  );
});

it('writes XML by itself where there is no template: elements, items, nil', async () => {
  const { requests } = await tell({ contentType: 'XML' });
  expect(requests[0]?.headers['content-type']).toBe('application/xml');
  expect(requests[0]?.body).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><data><node><name>Zoë &quot;Q&quot; \\ &lt;b&gt; &amp; &apos;x&apos;&#13;\n\ttab \u2028 😀</name>' +
      '<jobTitle nil="true"/><admin>false</admin><groups><nodes><item><name>Technicians</name></item><item><name>Trainers</name></item></nodes></groups></node></data>',
  );
});

it('sends the headers of the subscriber, and records their names only', async () => {
  const { requests, attempt } = await tell({
    headers: [
      { name: 'x-api-key', value: 'k-123' },
      { name: 'X-Team', value: 'blue; red' },
    ],
  });
  expect(requests[0]?.headers).toMatchObject({ 'x-api-key': 'k-123', 'x-team': 'blue; red' });
  expect(attempt.request?.headers).toMatchObject({ 'x-api-key': '[redacted]', 'X-Team': '[redacted]' });
});

it('records of an attempt its time, its timings, and the request and the response as they were', async () => {
  const { requests, attempt } = await tell(
    { callbackUrl: `${receiver.url}/path?query=1`, template: '{"a": 1}' },
    say(202, 'grüezi', { 'X-Trace': 'abc' }),
  );
  expect(attempt).toMatchObject({
    number: 1,
    subscriptionVersion: 1,
    outcome: 'DELIVERED',
    stage: null,
    message: null,
    request: { url: `${receiver.url}/path?query=1`, body: '{"a": 1}' },
    response: { status: 202, headers: { 'x-trace': 'abc' }, body: 'grüezi' },
  });
  const sent = Object.entries(attempt.request?.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  expect(requests[0]).toMatchObject({ path: '/path?query=1', body: '{"a": 1}', headers: Object.fromEntries(sent) });
  expect(Object.keys(attempt.timings ?? {}).sort()).toEqual(['firstByteMs', 'queryMs', 'renderMs', 'sendMs']);
  const { queryMs = -1, renderMs = -1, sendMs = -1, firstByteMs = -1 } = attempt.timings ?? {};
  for (const ms of [queryMs, renderMs, firstByteMs]) expect(ms).toBeGreaterThan(0);
  expect(sendMs).toBeGreaterThanOrEqual(firstByteMs);
  expect(attempt.durationMs).toBeGreaterThanOrEqual(queryMs + renderMs + sendMs - 1);
  expect(Math.abs(Date.parse(attempt.startedAt) - (requests[0]?.at as number))).toBeLessThan(60_000);
});

it.each([
  ['whatever it writes, though the status is 200', '{% unless body.ok %}Refused: {{ body.why }}{% endunless %}', 200, 'Refused: quota "x"'],
  ['a header, looked up without case', '{% if headers.X-Problem %}{{ headers["x-problem"] }}{% endif %}', 200, 'full'],
  ['the status', '{% if status == 202 %}only {{ status }}{% endif %}', 202, 'only 202'],
])('takes for an error what the error template reads out of the answer: %s', async (_what, errorTemplate, status, message) => {
  const { delivery, attempt } = await tell(
    { errorTemplate },
    say(status, '{"ok": false, "why": "quota \\"x\\""}', { 'X-Problem': 'full' }),
  );
  expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'ERROR_TEMPLATE', message, response: { status } });
  expect(delivery).toMatchObject({ state: 'RETRYING', nextAttemptAt: expect.any(String) });
});

it('takes for none what the error template leaves blank', async () => {
  const { delivery } = await tell({ errorTemplate: '\n {% unless body.ok %}no{% endunless %} ' }, say(200, '{"ok": true}'));
  expect(delivery.state).toBe('DELIVERED');
});

it.each([301, 302, 303, 307, 308])('takes a redirect (%i) for a failure, and doesn’t follow it', async (status) => {
  const { requests, delivery, attempt } = await tell({}, say(status, '', { Location: `${receiver.url}/elsewhere` }));
  expect(requests.map(({ path }) => path)).toEqual(['/']);
  expect(delivery.state).toBe('RETRYING');
  expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', message: `The receiver answered with status ${status}.` });
});

it('reads 64 KiB of an answer and no more, also where it never ends', async () => {
  let closed = false;
  const { delivery, attempt } = await tell({}, (response) =>
    pipeline(forever('ö'.repeat(8192)), response, () => {
      closed = true;
    }),
  );
  expect(delivery.state).toBe('DELIVERED');
  expect(attempt.response?.body).toBe('ö'.repeat(32_768));
  await until('the connection is closed', () => closed);
});

function* forever(chunk: string): Generator<string> {
  for (;;) yield chunk;
}

it.each([
  ['TEMPLATE', { template: '{"jobTitle": {{ data.node.jobTitle }} }' }, 'invalid JSON'],
  ['TEMPLATE', { contentType: 'XML', template: '<a>R & D</a>' }, 'write & as &amp;'],
  ['VALIDATION', { validationTemplate: '{{ data.node.jobTitle | default: "perhaps" }}' }, '"perhaps"; it must render true or false'],
])('holds a delivery that there is nothing to send of, with the stage: %s', async (stage, input, message) => {
  const { requests, delivery, attempt } = await tell(input);
  expect(requests).toEqual([]);
  expect(delivery).toMatchObject({ state: 'HELD', reason: 'NODE', nextAttemptAt: null });
  expect(attempt).toMatchObject({ outcome: 'HELD', stage, message: expect.stringContaining(message), request: null, response: null });
});

it('tells which stage failed where nobody listens', async () => {
  const { delivery, attempt } = await tell({ callbackUrl: `http://127.0.0.1:${await freePort()}/` });
  expect(delivery.state).toBe('RETRYING');
  expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'CONNECT', message: expect.stringContaining('ECONNREFUSED'), response: null });
  expect(attempt.request?.body).toContain('"data"');
});
