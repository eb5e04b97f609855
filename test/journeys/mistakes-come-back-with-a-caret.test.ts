// Promise: a mistake is returned in `errors`, with field, line, column and a caret, and nothing is saved.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deep, wide } from '../support/large-queries.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';

let product: RunningProduct;
let receiver: Receiver;
let subscription: { id: string; recordId: string };
beforeAll(async () => {
  product = await runProduct({ env: { HOOKGRAPH_QUERY_MAX_FIELDS: '80' } });
  receiver = await startReceiver();
  subscription = await product.subscribe({ topic: { key: 'group/created' }, callbackUrl: receiver.url });
});
afterAll(async () => {
  await receiver?.close();
  await product?.close();
});

interface Mistake {
  field: string;
  message: string;
  fullMessage: string;
  path: string[];
  type: string;
}

const ERRORS = 'errors { field message fullMessage path type } warnings { field message } webhookSubscription { id }';

type Saved = { errors: Mistake[]; warnings: Mistake[]; webhookSubscription: { id: string } | null };

async function save(verb: 'create' | 'update', input: object): Promise<Saved> {
  const stem = `${verb}WebhookSubscription`;
  const answer = await product.graphql(`mutation ($in: WebhookSubscriptionInput) { ${stem}(webhookSubscription: $in) { ${ERRORS} } }`, {
    in: input,
  });
  return answer[stem];
}

/** Everything that a save could have written. */
async function saved(): Promise<unknown> {
  const { rows } = await product.pool.query(
    `SELECT (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.id) FROM hookgraph.subscriptions s) AS subscriptions,
       (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.subscription_id, v.number) FROM hookgraph.subscription_versions v) AS versions,
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.subscription_id, x.field) FROM hookgraph.secrets x) AS secrets`,
  );
  return rows[0];
}

/** Makes the same mistake in a create and in an update; expects the same errors and nothing saved. */
async function mistakesOf(input: object): Promise<Mistake[]> {
  const before = await saved();
  const good = { topic: { key: 'user/created' }, callbackUrl: receiver.url };
  const created = await save('create', { ...good, ...input });
  const updated = await save('update', { id: subscription.id, ...input });
  expect([created.webhookSubscription, updated.webhookSubscription, await saved()]).toEqual([null, null, before]);
  expect(updated.errors.map(({ field, type }) => [field, type])).toEqual(created.errors.map(({ field, type }) => [field, type]));
  for (const { path, field } of created.errors) expect(path).toEqual(['webhookSubscription', ...field.split('.')]);
  return created.errors;
}

/** Returns the line and column that a message names, and the source text above its caret. */
function placeIn({ message }: Mistake): { line: number; column: number; under: string } {
  const [, told = '', line, column, frame = ''] = /^(.*) \(line (\d+), column (\d+)\)\n([\s\S]*)$/.exec(message) ?? [];
  expect(told, message).not.toBe('');
  const [source = '', carets = ''] = frame.split('\n');
  expect(carets).toMatch(/^ *\^$/);
  expect(source.startsWith(`${line} | `)).toBe(true);
  return { line: Number(line), column: Number(column), under: source.slice(carets.indexOf('^')) };
}

const IN_QUERY: [what: string, query: string, message: string, place: [line: number, column: number, under: string]][] = [
  ['is no GraphQL', 'query ($nodeId: ID!) {\n  node(id: $nodeId {\n    id\n  }\n}', 'Syntax Error: Expected Name', [2, 20, '{']],
  [
    'asks for a field that there is not',
    '{\n  users { nodes { nickname } }\n}',
    'Cannot query field "nickname" on type "User"',
    [2, 19, 'nickname } }'],
  ],
  ['asks for an argument that there is not', '{ users(limit: 1) { totalCount } }', 'Unknown argument "limit"', [1, 9, 'limit: 1']],
  ['gives a wrong value', '{\n\tusers(first: "one") { totalCount } }', 'Int cannot represent non-integer value', [2, 15, '"one")']],
  [
    'takes a variable that the server lacks',
    'query ($nodeId: ID!, $secret: String) { node(id: $nodeId) { id } }',
    'declares $secret',
    [1, 22, '$secret'],
  ],
  [
    'takes the node’s id as another type',
    'query ($nodeId: Int) { users(first: $nodeId) { totalCount } }',
    'declares $nodeId with the wrong type',
    [1, 17, 'Int)'],
  ],
  ['is a mutation', 'mutation {\n  deleteUser { errors { field } }\n}', 'must be a query, not a mutation', [1, 1, 'mutation {']],
  [
    'is a mutation behind a query',
    'query A { viewer { id } }\nmutation B { deleteUser { errors { field } } }',
    'must contain a single operation',
    [2, 1, 'mutation B'],
  ],
  ['holds no operation', 'fragment F on User { id }', 'must contain a query operation', [1, 1, 'fragment F']],
  ['uses no such fragment', '{ viewer { ...F } }', 'Unknown fragment "F"', [1, 15, 'F }']],
  ['selects 81 fields', wide(81), 'selects 81 fields, fragments expanded; the limit is 80', [1, 9, 'a: viewer']],
  ['is 13 levels deep', deep(13), 'is 13 levels deep, fragments expanded; the limit is 12', [2, 186, '__typename']],
];

describe('a query that', () => {
  it.each(IN_QUERY)('%s', async (_what, query, message, [line, column, under]) => {
    const [mistake, ...more] = await mistakesOf({ query });
    expect(more).toEqual([]);
    expect(mistake).toMatchObject({ field: 'query', type: 'INVALID', message: expect.stringContaining(message) });
    const place = placeIn(mistake as Mistake);
    expect(place).toMatchObject({ line, column });
    expect(place.under.startsWith(under)).toBe(true);
  });
});

it('may be as wide and as deep as the limits say', async () => {
  for (const query of [wide(80), deep(12)]) {
    const { errors, webhookSubscription } = await save('create', { topic: { key: 'user/deleted' }, callbackUrl: receiver.url, query });
    expect(errors).toEqual([]);
    expect(webhookSubscription).not.toBeNull();
  }
});

const IN_TEMPLATE: [what: string, template: string, message: string, place: [line: number, column: number, under: string]][] = [
  [
    'uses a filter that there is not',
    '{"a":\n  "{{ data.id | upcaze }}"}',
    'undefined filter: upcaze. Did you mean "upcase"?',
    [2, 17, 'upcaze'],
  ],
  ['doesn’t close a tag', '{% if data.id %}\n true', 'tag {% if data.id %} not closed', [1, 1, '{% if']],
  ['doesn’t close an output', 'x {{ data.id', 'not closed', [1, 3, '{{ data']],
  ['uses a tag that there is not', 'true\n{% iff data.id %}{% endiff %}', 'tag "iff" not found', [2, 1, '{% iff']],
  ['reads a file', "{% include 'secrets' %}", 'tag "include" not found', [1, 1, '{% include']],
];

describe.each(['validationTemplate', 'template', 'errorTemplate'])('a %s that', (field) => {
  it.each(IN_TEMPLATE)('%s', async (_what, template, message, [line, column, under]) => {
    const [mistake, ...more] = await mistakesOf({ [field]: template });
    expect(more).toEqual([]);
    expect(mistake).toMatchObject({ field, type: 'INVALID', message: expect.stringContaining(message) });
    const place = placeIn(mistake as Mistake);
    expect(place).toMatchObject({ line, column });
    expect(place.under.startsWith(under)).toBe(true);
  });
});

it.each([
  ['callbackUrl', 'ftp://receiver.example/', 'must be an absolute https URL'],
  ['callbackUrl', '/relative', 'must be an absolute https URL'],
  ['callbackUrl', 'https://user:password@receiver.example/', 'must not contain a user name or password'],
  ['callbackUrl', 'http://8.8.8.8/', 'must be https'],
  ['callbackUrl', 'https://10.0.0.1/', 'not public (private)'],
  ['callbackUrl', 'https://0x0a.1/', 'not public (private)'],
  ['callbackUrl', 'https://[::ffff:10.0.0.1]/', 'not public'],
  ['callbackUrl', 'https://169.254.169.254/latest/meta-data', 'is a cloud metadata address'],
  ['callbackUrl', null, "can't be blank"],
  ['topic', { key: 'user/vanished' }, 'not found: "user/vanished"'],
  ['topic', { key: 'user/created', version: '9.9' }, 'not found: "user/created" "9.9"'],
  ['topic', { id: 'bm9uc2Vuc2U' }, 'not found'],
  ['topic', {}, "can't be blank"],
  ['topic', null, "can't be blank"],
  ['headers', [{ name: 'X-Scope-Topic', value: 'mine' }], '"X-Scope-Topic" is reserved'],
  ['headers', [{ name: 'Content-Length', value: '1' }], '"Content-Length" is reserved'],
  ['headers', [{ name: 'HTTP2-Settings', value: 'AAMAAABk' }], '"HTTP2-Settings" is reserved'],
  ['headers', [{ name: 'X-Key', value: '  ' }], '"X-Key" has no value'],
  ['headers', [{ name: 'X Key', value: '1' }], '"X Key" is not a valid header name'],
  ['headers', [{ name: 'X-Key', value: 'a\r\nX-Other: b' }], '"X-Key" has a value with a line break'],
  [
    'headers',
    [
      { name: 'X-Key', value: '1' },
      { name: 'x-key', value: '2' },
    ],
    '"x-key" is given twice',
  ],
  ['headers', [{ name: 'X-Key' }], '"X-Key" has no value'],
  ['sharedSecret', '', "can't be empty"],
  ['name', 'n'.repeat(256), 'has 256 characters, more than 255'],
])('refuses the %s %j', async (field, value, message) => {
  const mistakes = await mistakesOf({ [field]: value });
  expect(mistakes).toMatchObject([{ field, message: expect.stringContaining(message) }]);
  expect(mistakes[0]?.fullMessage.toLowerCase()).toContain(message.toLowerCase());
});

it('tells all mistakes at once, and is a warning where only invented data is at fault', async () => {
  const mistakes = await mistakesOf({ query: '{ nope }', template: '{{ x | nope }}', errorTemplate: '{% nope %}', callbackUrl: 'nope' });
  expect(mistakes.map(({ field }) => field).sort()).toEqual(['callbackUrl', 'errorTemplate', 'query', 'template']);
  const { errors, warnings, webhookSubscription } = await save('create', {
    topic: { key: 'user/deleted' },
    callbackUrl: receiver.url,
    template: '{"a": {{ data.url }} }',
  });
  expect(errors).toEqual([]);
  expect(warnings).toMatchObject([{ field: 'template', message: expect.stringContaining('invalid JSON for sample data') }]);
  expect(webhookSubscription).not.toBeNull();
});

const QUERY = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name organization { name } groups { nodes { name } } } } }';

const IN_PATH: [what: string, definition: Record<string, string>, message: string, place: [number, number, string]][] = [
  [
    'of the query',
    { query: QUERY, template: '{"name":\n  "{{ data.node.nmae }}"}' },
    'reads data.node.nmae, but the query does not select "nmae" there, so this is always empty. Did you mean "name"?',
    [2, 7, 'data.node.nmae'],
  ],
  [
    'of a list in a loop',
    { query: QUERY, template: '"{% for one in data.node.groups.nodes %}{{ one.nam }}{% endfor %}"' },
    'reads one.nam (data.node.groups.nodes[0].nam), but the query does not select "nam" there, so this is always empty. Did you mean "name"?',
    [1, 44, 'one.nam'],
  ],
  [
    'of the event',
    { validationTemplate: '{{ event.after.emial != "" }}' },
    'reads event.after.emial, but event.after has no "emial", so this is always empty. Did you mean "email"?',
    [1, 4, 'event.after.emial'],
  ],
  [
    'of the notification',
    { template: '"{{ notification.topc }}"' },
    'reads notification.topc, but notification has no "topc", so this is always empty. Did you mean "topic"?',
    [1, 5, 'notification.topc'],
  ],
  [
    'of the default payload',
    { template: '"{{ data.uri }}"' },
    'reads data.uri, but data has no "uri", so this is always empty. Did you mean "url"?',
    [1, 5, 'data.uri'],
  ],
  [
    'of the response',
    { errorTemplate: '{% if stauts > 299 %}{{ body.any.thing }}{% endif %}' },
    'reads stauts, but there is no variable stauts here. Did you mean "status"?',
    [1, 7, 'stauts'],
  ],
];

describe('a path that can not exist', () => {
  it.each(IN_PATH)('%s is a warning at save and in a preview', async (_what, definition, message, [line, column, under]) => {
    const [field] = Object.keys(definition).filter((name) => name !== 'query');
    const input = { topic: { key: 'user/created' }, callbackUrl: receiver.url, ...definition };
    const { errors, warnings, webhookSubscription } = await save('create', input);
    expect(errors).toEqual([]);
    expect(webhookSubscription).not.toBeNull();
    const [warning] = warnings;
    expect(warning).toMatchObject({ field, message: expect.stringContaining(message) });
    expect(placeIn(warning as Mistake)).toMatchObject({ line, column, under: expect.stringMatching(new RegExp(`^${under}`)) });
    const { previewWebhookSubscription: preview } = await product.graphql(
      'mutation ($in: WebhookSubscriptionInput) { previewWebhookSubscription(webhookSubscription: $in) { warnings { message place { line column } } } }',
      { in: input },
    );
    expect(preview.warnings).toContainEqual({ message: warning?.message, place: { line, column } });
  });

  it('comes with the names that exist when none is similar, and can be what another value of the variable has', async () => {
    const input = { topic: { key: 'user/created' }, callbackUrl: receiver.url, query: QUERY };
    const { warnings } = await save('create', {
      ...input,
      template: '"{{ data.node.zip }}{{ data.node.groups.nodes.name }}{{ data.node.name.first_name }}"',
    });
    expect(warnings.map(({ message }) => message.split(' (line')[0])).toEqual([
      'reads data.node.zip, but the query does not select "zip" there, so this is always empty. It has: name, organization, groups',
      'reads data.node.groups.nodes.name, but data.node.groups.nodes is a list, so this is always empty; use a `for` loop or data.node.groups.nodes[0].name',
      'reads data.node.name.first_name, but data.node.name has no fields, so this is always empty',
    ]);
    const right = [
      '{% assign x = data.node.organization %}{% if true %}{% assign x = data.node %}{% endif %}{{ x.groups.nodes.first.name }}',
      '{% assign all = data.node.groups.nodes | map: "name" %}{{ all.any.thing }}{{ data.node[event.operation].x }}',
      '{{ data.node.groups.nodes.size }}{{ data.node.groups.nodes[0].name.size }}{{ event.actor.any.thing }}{{ event.changed[0] }}',
      '{% for pair in data.node %}{{ forloop.index }}{{ pair[0] }}{% endfor %}{% capture c %}x{% endcapture %}{{ c }}{% increment n %}{{ n }}',
    ];
    for (const template of right) expect((await save('create', { ...input, template: `"${template}"` })).warnings).toEqual([]);
  });
});

it('takes both published forms, and answers the path of the one that was used', async () => {
  const fields = `topic: { key: "user/deleted" } callbackUrl: "${receiver.url}"`;
  for (const [open, close, path] of [
    ['webhookSubscription: {', '}', ['webhookSubscription', 'query']],
    ['input: { webhookSubscription: {', '} }', ['input', 'webhookSubscription', 'query']],
  ] as const) {
    const create = (more: string) =>
      product.graphql(`mutation { createWebhookSubscription(${open} ${fields} ${more} ${close}) { ${ERRORS} } }`);
    const { createWebhookSubscription: refused } = await create('query: "{ nope }"');
    expect(refused).toMatchObject({ errors: [{ field: 'query', path }], webhookSubscription: null });
    const { createWebhookSubscription: created } = await create('');
    expect(created).toMatchObject({ errors: [], webhookSubscription: { id: expect.any(String) } });
    for (const verb of ['update', 'delete']) {
      const { [`${verb}WebhookSubscription`]: payload } = await product.graphql(
        `mutation { ${verb}WebhookSubscription(${open} id: "${created.webhookSubscription.id}" ${close}) { ${ERRORS} } }`,
      );
      expect(payload).toMatchObject({ errors: [], webhookSubscription: created.webhookSubscription });
    }
  }
});
