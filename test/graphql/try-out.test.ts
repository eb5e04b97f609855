import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import { type TestApp, testApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { recordStatements } from '../support/record-statements.js';

let app: TestApp;
let receiver: Receiver;
beforeAll(async () => {
  app = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

const ask: TestApp['value'] = (...asked) => app.value(...asked);

const REPORT =
  'report { outcome stage message nodeId node { id } stages { stage outcome input output durationMs message place { line column } } request { body headers } response { status } }';
const CREATE = `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) {
  errors { field message path type } warnings { field message } webhookSubscription { id databaseId } ${REPORT} } }`;
const definition = (more: object = {}) => ({
  topic: { key: 'user/created' },
  callbackUrl: receiver.url,
  query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { firstName } } }',
  ...more,
});
async function subscribe(more: object = {}, as?: Viewer): Promise<string> {
  const { errors, webhookSubscription } = await ask(CREATE, { in: definition(more) }, as);
  expect(errors).toEqual([]);
  return webhookSubscription.id;
}

describe('testWebhookSubscription', () => {
  it.each([
    ['mutation ($id: ID) { testWebhookSubscription(id: $id)'],
    ['mutation ($id: ID) { testWebhookSubscription(input: { id: $id })'],
  ])('sends the last node and reports stage by stage: %s', async (form) => {
    const id = await subscribe();
    const payload = await ask(
      `${form} { errors { field } ${REPORT} webhookDelivery { kind state event { id } attempts { number outcome } webhookSubscription { id } } } }`,
      { id },
    );
    expect(payload).toMatchObject({
      errors: [],
      report: {
        outcome: 'DELIVERED',
        stage: null,
        message: null,
        response: { status: 200 },
        stages: [
          { stage: 'QUERY', outcome: 'OK' },
          { stage: 'VALIDATION' },
          { stage: 'TEMPLATE' },
          { stage: 'SEND' },
          { stage: 'ERROR_TEMPLATE' },
        ],
      },
      webhookDelivery: {
        kind: 'TEST',
        state: 'DELIVERED',
        event: null,
        attempts: [{ number: 1, outcome: 'DELIVERED' }],
        webhookSubscription: { id },
      },
    });
    expect(payload.report.node.id).toBe(payload.report.nodeId);
    const { rows } = await app.database.pool.query(
      'SELECT first_name FROM users WHERE organization_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1',
      [app.admin.organizationId],
    );
    expect(receiver.requests.map(({ body }) => JSON.parse(body))).toEqual([{ data: { node: { firstName: rows[0].first_name } } }]);
  });

  it('sends the node that it is given, out of those that the topic names', async () => {
    const id = await subscribe();
    const { recentNodes } = await ask('{ webhookTopic(key: "user/created") { recentNodes(first: 5) { nodeId nodeLabel } } }');
    const alain = await app.idOf('User', 'first_name', 'Alain');
    expect(recentNodes).toContainEqual({ nodeId: alain, nodeLabel: 'Alain Bloch' });
    expect(JSON.stringify(recentNodes)).not.toContain('Hank');
    expect((await ask('{ webhookTopic(key: "user/created") { recentNodes(first: 1) { nodeId } } }')).recentNodes).toHaveLength(1);
    const test = (nodeId: string) =>
      ask('mutation ($id: ID, $n: ID) { testWebhookSubscription(id: $id, nodeId: $n) { errors { field type } report { nodeId } } }', {
        id,
        n: nodeId,
      });
    expect(await test(alain)).toEqual({ errors: [], report: { nodeId: alain } });
    expect(receiver.requests.map(({ body }) => JSON.parse(body))).toEqual([{ data: { node: { firstName: 'Alain' } } }]);
    const refused = { errors: [{ field: 'nodeId', type: 'NOT_FOUND' }], report: null };
    expect(await test(await app.idOf('User', 'first_name', 'Hank'))).toEqual(refused);
    expect(receiver.requests).toHaveLength(1);
  });

  it('tells in errors what was asked wrongly', async () => {
    const id = await subscribe();
    const test = (variables: object, as?: Viewer) =>
      ask(
        'mutation ($id: ID) { testWebhookSubscription(id: $id) { errors { field type path } report { outcome } webhookDelivery { id } } }',
        { ...variables },
        as,
      );
    const refused = (type: string, field = 'id') => ({
      errors: [{ field, type, path: field === 'id' ? ['id'] : [] }],
      report: null,
      webhookDelivery: null,
    });
    expect(await test({})).toEqual(refused('BLANK'));
    expect(await test({ id }, app.stranger)).toEqual(refused('NOT_FOUND'));
    expect(await test({ id: await app.idOf('User', 'first_name', 'Ada') })).toEqual(refused('NOT_FOUND'));
    expect(await test({ id }, app.member)).toEqual(refused('FORBIDDEN', 'base'));
    expect(receiver.requests).toEqual([]);
  });

  it('is made right after saving where the input says so; that it can’t be made is a warning', async () => {
    const created = await ask(CREATE, { in: definition({ test: true, template: '{"v": 1}' }) });
    expect(created).toMatchObject({ errors: [], warnings: [], report: { outcome: 'DELIVERED', request: { body: '{"v": 1}' } } });
    const updated = await ask(
      `mutation ($in: WebhookSubscriptionInput) { updateWebhookSubscription(input: { webhookSubscription: $in }) { errors { field } ${REPORT} } }`,
      { in: { id: created.webhookSubscription.id, template: '{"v": 2}', test: true, disabled: true } },
    );
    expect(updated).toMatchObject({ errors: [], report: { outcome: 'DELIVERED' } });
    expect(receiver.requests.map(({ body }) => body)).toEqual(['{"v": 1}', '{"v": 2}']);
    const none = await ask(CREATE, { in: definition({ topic: { key: 'user/deleted' }, test: true }) });
    expect(none).toMatchObject({
      errors: [],
      warnings: [{ field: 'test', message: 'no User that you may read was deleted yet' }],
      report: null,
    });
    expect(none.webhookSubscription).not.toBeNull();
    expect((await ask(CREATE, { in: definition() })).report).toBeNull();
    expect((await ask(CREATE, { in: definition({ callbackUrl: 'ftp://x', test: true }) })).report).toBeNull();
    expect(receiver.requests).toHaveLength(2);
  });
});

describe('previewWebhookSubscription', () => {
  const PREVIEW = `mutation ($in: WebhookSubscriptionInput, $nodeId: ID) { previewWebhookSubscription(webhookSubscription: $in, nodeId: $nodeId) {
    errors { field message path type place { line column } } warnings { field place { line column } } ${REPORT} } }`;

  it('answers every stage and the request, and sends nothing; in both forms', async () => {
    const nodeId = await app.idOf('User', 'first_name', 'Alain');
    const input = definition({ template: '{{ data.node.firstName | json }}', headers: [{ name: 'x-key', value: 'very secret' }] });
    const newer = `mutation ($in: WebhookSubscriptionInput, $nodeId: ID) { previewWebhookSubscription(input: { webhookSubscription: $in, nodeId: $nodeId }) {
      errors { field } ${REPORT} } }`;
    for (const document of [PREVIEW, newer])
      expect(await ask(document, { in: input, nodeId })).toMatchObject({
        errors: [],
        report: { outcome: 'READY', nodeId, request: { body: '"Alain"', headers: { 'x-key': '[redacted]' } }, response: null },
      });
    const id = await subscribe({ template: '1' });
    expect((await ask(PREVIEW, { in: { id, template: '2' }, nodeId })).report.request.body).toBe('2');
    expect(receiver.requests).toEqual([]);
  });

  it('judges a response, or that of an attempt, by the error template and the status', async () => {
    const document = `mutation ($in: WebhookSubscriptionInput, $response: WebhookResponseInput, $attemptId: ID) {
      previewWebhookSubscription(webhookSubscription: $in, response: $response, attemptId: $attemptId) { errors { field path type } ${REPORT} } }`;
    const errorTemplate = '{% if body.ok == false %}{{ headers["x-why"] }}: {{ body.message }}{% endif %}';
    const preview = (more: object, as?: Viewer) => ask(document, { in: definition({ errorTemplate }), ...more }, as);
    const body = '{"ok": false, "message": "no room"}';
    const failed = await preview({ response: { headers: { 'X-Why': 'full' }, body } });
    expect(failed.report).toMatchObject({
      outcome: 'FAILED',
      stage: 'ERROR_TEMPLATE',
      message: 'full: no room',
      response: { status: 200 },
    });
    expect((await preview({ response: { body: '{"ok": true}' } })).report).toMatchObject({ outcome: 'READY', stage: null });
    expect((await preview({ response: { status: 503 } })).report).toMatchObject({ outcome: 'FAILED', stage: 'STATUS' });
    expect((await preview({})).report).toMatchObject({ outcome: 'READY', response: null });

    receiver.answer = (response) => void response.setHeader('content-type', 'application/json').end(body);
    const id = await subscribe();
    const { webhookDelivery } = await ask(
      'mutation ($id: ID) { testWebhookSubscription(id: $id) { webhookDelivery { attempts { id } } } }',
      { id },
    );
    const attemptId = webhookDelivery.attempts[0].id;
    expect((await preview({ attemptId })).report).toMatchObject({ stage: 'ERROR_TEMPLATE', message: ': no room' });
    const refused = { errors: [{ field: 'attemptId', path: ['attemptId'], type: 'NOT_FOUND' }], report: null };
    expect(await preview({ attemptId: '12345678901234' })).toEqual(refused);
    expect(await preview({ attemptId }, app.stranger)).toEqual(refused);
    expect(receiver.requests).toHaveLength(1);
  });

  it('says the line and column of each mistake, in errors, warnings and the report of its stage', async () => {
    const nodeId = await app.idOf('User', 'first_name', 'Alain');
    const stageOf = ({ report }: { report: { stages: { stage: string }[] } }, name: string) =>
      report.stages.find(({ stage }) => stage === name);
    const query = 'query ($nodeId: ID!) {\n  node(id: $nodeId) { nickname }\n}';
    const wrong = await ask(PREVIEW, { in: definition({ query, validationTemplate: 'true\n {% if %}' }), nodeId });
    const [inQuery, inValidation] = [
      { line: 2, column: 23 },
      { line: 2, column: 7 },
    ];
    expect(wrong.errors).toMatchObject([
      { field: 'query', place: inQuery },
      { field: 'validationTemplate', place: inValidation },
    ]);
    expect(stageOf(wrong, 'QUERY')).toMatchObject({ outcome: 'FAILED', place: inQuery });
    expect(stageOf(wrong, 'VALIDATION')).toMatchObject({ outcome: 'FAILED', place: inValidation });
    // The place of a mistake without a position is `null`.
    expect((await ask(PREVIEW, { in: definition({ callbackUrl: 'ftp://x' }), nodeId })).errors).toMatchObject([{ place: null }]);
    // A template that fails only when it renders, both on sample data and on the node.
    const failing = await ask(PREVIEW, { in: definition({ template: '1\n  {{ 1 | divided_by: 0 }}' }), nodeId });
    expect(failing).toMatchObject({ errors: [], warnings: [{ field: 'template', place: { line: 2, column: 3 } }] });
    expect(stageOf(failing, 'TEMPLATE')).toMatchObject({ outcome: 'FAILED', place: { line: 2, column: 3 } });
    expect(stageOf(failing, 'QUERY')).toMatchObject({ outcome: 'OK', place: null });
    const saved = await ask(CREATE.replace('path type }', 'path type place { line column } }'), { in: definition({ query }) });
    expect(saved.errors).toMatchObject([{ field: 'query', place: inQuery }]);
    const own = await ask('mutation { createUser { errors { field place { line } } } }');
    expect(own.errors[0]).toMatchObject({ place: null });
  });

  it('puts every mistake into errors, with its path and a caret', async () => {
    const { errors, report } = await ask(PREVIEW, { in: definition({ template: '{{ x' }) });
    expect(errors).toMatchObject([
      { field: 'template', path: ['webhookSubscription', 'template'], message: expect.stringContaining('1 | {{ x\n') },
    ]);
    expect(report).toMatchObject({ outcome: 'FAILED', stage: 'TEMPLATE', request: null });
    const foreign = await app.idOf('User', 'first_name', 'Hank');
    expect(await ask(PREVIEW, { in: definition(), nodeId: foreign })).toMatchObject({
      errors: [{ field: 'nodeId', path: ['nodeId'], type: 'NOT_FOUND' }],
      report: null,
    });
    expect((await ask(PREVIEW)).errors).toMatchObject([
      { field: 'topic', type: 'BLANK' },
      { field: 'callbackUrl', type: 'BLANK' },
    ]);
  });

  it('is allowed to who may only read, with their rights, and signs for nobody', async () => {
    const reader: Viewer = { ...app.admin, scope: 'READ' };
    const nodeId = await app.idOf('User', 'first_name', 'Alain');
    const id = await subscribe({ sharedSecret: 'hidden', signatures: ['SCOPE'] });
    const change = { id, template: '"forged"', sharedSecret: 'hidden' };
    const document = PREVIEW.replace('errors {', 'changedSecrets errors {');
    const preview = (as?: Viewer, more: object = {}) => ask(document, { in: { ...change, ...more }, nodeId }, as);
    const [own, read] = [await preview(), await preview(reader)];
    expect(read).toMatchObject({ errors: [], report: { outcome: 'READY', request: { body: '"forged"' } } });
    const differing = Object.keys(own.report.request.headers).filter(
      (name) => own.report.request.headers[name] !== read.report.request.headers[name],
    );
    expect(differing.filter((name) => /hmac|signature/i.test(name))).toHaveLength(1);
    // A reader doesn't learn whether the secret differs, because they could guess the secret otherwise.
    expect((await preview(undefined, { sharedSecret: 'guess' })).changedSecrets).toEqual(['sharedSecret']);
    expect((await preview(reader, { sharedSecret: 'guess' })).changedSecrets).toEqual([]);
    expect(await preview(app.stranger)).toMatchObject({ errors: [{ field: 'id', type: 'NOT_FOUND' }], report: null });
    expect((await ask(CREATE, { in: definition() }, reader)).errors).toMatchObject([{ type: 'FORBIDDEN' }]);
    expect(receiver.requests).toEqual([]);
  });
});

describe('a topic', () => {
  it('describes the payload that a query makes, and the mistakes of a query', async () => {
    const schemaOf = (query?: string) =>
      app.ask('query ($query: String) { webhookTopic(key: "user/created") { payloadSchema(query: $query) } }', { query });
    const usual = await schemaOf();
    expect(usual.data.webhookTopic.payloadSchema).toMatchObject({
      type: 'object',
      properties: { data: { required: ['id', 'url'], properties: { id: { type: 'string' } } } },
    });
    const { data } = await schemaOf(definition().query);
    expect(data.webhookTopic.payloadSchema.properties.data.properties.node.properties).toMatchObject({
      firstName: { type: 'string' },
    });
    const { errors } = await schemaOf('query ($nodeId: ID!) { node(id: $nodeId) { nickname } }');
    expect(errors).toMatchObject([
      { message: expect.stringContaining('nickname'), extensions: { code: 'QUERY_INVALID', place: { line: 1, column: 44 } } },
    ]);
  });

  it('shows the newest node that the reader may read, once for each type of node', async () => {
    const { example } = await app.value('{ webhookTopic(key: "user/created") { example } }', {}, { ...app.admin, scope: 'READ' });
    expect(example).toEqual({ data: { id: expect.any(String), url: expect.stringContaining('http') } });
    const { example: theirs } = await app.value('{ webhookTopic(key: "user/created") { example } }', {}, app.stranger);
    expect(theirs?.data.id).not.toBe(example.data.id);
    expect(await app.value('{ webhookTopic(key: "user/deleted") { example } }')).toEqual({ example: null });
    const count = async (keys: string[]) => {
      const { statements, stop } = recordStatements(app.database.pool);
      await app.value(`{ __typename ${keys.map((key, i) => `t${i}: webhookTopic(key: "${key}") { example }`).join(' ')} }`);
      stop();
      return statements.filter((text) => !text.includes('hookgraph.topics')).length;
    };
    expect(await count(['user/created', 'user/updated'])).toBe(await count(['user/created']));
  });
});
