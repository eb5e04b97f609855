import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { previewSubscription, type SubscriptionInput } from '../../../src/webhooks/index.js';
import { type EngineWorld, OWNER, QUERY, startEngineWorld } from '../../support/engine-world.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const idOf = (key: string, typename = 'Thing') => world.webhooks.engine.host.toGlobalId(typename, key);
const preview = (input: SubscriptionInput, { id = null as string | null, nodeId = null as string | null, actor = OWNER } = {}) =>
  previewSubscription(world.webhooks.engine, actor, { id, input, nodeId });
const unsaved = (input: SubscriptionInput = {}): SubscriptionInput => ({
  topic: { key: 'thing/created' },
  callbackUrl: world.receiver.url,
  query: QUERY,
  ...input,
});
const rowCounts = async () => {
  const tables = ['deliveries', 'attempts', 'subscriptions', 'subscription_versions', 'secrets', 'events', 'dismissals'];
  const { rows } = await world.db.pool.query(
    `SELECT ${tables.map((table) => `(SELECT count(*) FROM hookgraph.${table}) AS ${table}`).join(', ')}`,
  );
  return rows[0];
};

describe('a preview', () => {
  it('tells every stage of a definition that is not saved, up to the request, and saves and sends nothing', async () => {
    await world.insertThings('Ada');
    const before = await rowCounts();
    const { problems, report, deliveryId } = await preview(
      unsaved({
        template: '{"name": "{{ data.node.name }}"}',
        validationTemplate: 'true',
        sharedSecret: 'geheim',
        headers: [{ name: 'x-key', value: 'very secret' }],
      }),
      { nodeId: idOf('1') },
    );
    expect(problems).toEqual([]);
    expect(deliveryId).toBeNull();
    expect(report).toMatchObject({
      outcome: 'READY',
      stage: null,
      nodeKey: '1',
      request: {
        url: world.receiver.url,
        headers: {
          'x-key': '[redacted]',
          'X-Scope-Topic': 'thing/created',
          'X-Scope-Hmac-Sha256': expect.any(String),
          'Content-Type': 'application/json',
        },
        body: '{"name": "Ada"}',
      },
      response: null,
    });
    expect(report?.stages).toMatchObject([
      { stage: 'QUERY', outcome: 'OK', output: { data: { node: { name: 'Ada' } } } },
      { stage: 'VALIDATION', outcome: 'OK', output: 'true' },
      { stage: 'TEMPLATE', outcome: 'OK', output: '{"name": "Ada"}' },
      { stage: 'SEND', outcome: 'NOT_RUN', input: { body: '{"name": "Ada"}' }, output: null },
      { stage: 'ERROR_TEMPLATE', outcome: 'NOT_RUN' },
    ]);
    expect(JSON.stringify(report)).not.toMatch(/very secret|geheim/);
    expect(await rowCounts()).toEqual(before);
    expect(world.receiver.requests).toEqual([]);
  });

  it('shows the very body that the journey sends', async () => {
    const input = { contentType: 'XML' as const, query: '{ __typename }' };
    await world.subscribe(input);
    await world.insertThings('Ada');
    const { report } = await preview(unsaved(input));
    await world.work();
    const [request] = await world.receiver.waitFor(1);
    expect(report?.request?.body).toBe(request?.body);
    expect(report?.request?.body).toContain('<__typename>Query</__typename>');
  });

  it('lays the input over what is saved, its secrets too, and leaves that as it is', async () => {
    const id = await world.subscribe({ template: '{"saved": 1}', headers: [{ name: 'x-key', value: 'kept' }], sharedSecret: 'geheim' });
    await world.insertThings('Ada');
    const { report } = await preview({ template: '{"changed": 1}' }, { id });
    expect(report).toMatchObject({
      outcome: 'READY',
      request: {
        body: '{"changed": 1}',
        headers: { 'x-key': '[redacted]', 'X-Scope-Webhook-Id': id, 'X-Scope-Hmac-Sha256': expect.any(String) },
      },
    });
    expect((await preview({}, { id })).report?.request?.body).toBe('{"saved": 1}');
  });

  it('shows the body also where the validation template says false, and says so', async () => {
    await world.insertThings('Ada');
    const { report } = await preview(unsaved({ validationTemplate: 'false' }));
    expect(report).toMatchObject({ outcome: 'SKIPPED', stage: 'VALIDATION', request: { body: '{"data":{"node":{"name":"Ada"}}}' } });
  });

  it('points a caret at each mistake, and tries what is left', async () => {
    await world.insertThings('Ada');
    const { problems, report } = await preview(
      unsaved({
        validationTemplate: '{% if %}',
        template: 'x {{ data | nofilter }}',
        errorTemplate: '{{ body',
        callbackUrl: 'https://10.0.0.1/',
      }),
    );
    expect(problems.map(({ field }) => field).sort()).toEqual(['callbackUrl', 'errorTemplate', 'template', 'validationTemplate']);
    expect(report).toMatchObject({ outcome: 'FAILED', stage: 'VALIDATION', request: null });
    expect(report?.stages).toMatchObject([
      { stage: 'QUERY', outcome: 'OK', output: { data: { node: { name: 'Ada' } } } },
      { stage: 'VALIDATION', outcome: 'FAILED', message: expect.stringMatching(/\n1 \| \{% if %\}\n +\^$/) },
      {
        stage: 'TEMPLATE',
        outcome: 'FAILED',
        message: expect.stringMatching(/line 1, column \d+\)\n1 \| x \{\{ data \| nofilter \}\}\n +\^$/),
        output: null,
      },
      { stage: 'SEND', outcome: 'FAILED', message: expect.stringContaining('10.0.0.1') },
      { stage: 'ERROR_TEMPLATE', outcome: 'FAILED', message: expect.stringMatching(/\n1 \| \{\{ body\n *\^$/) },
    ]);
    const query = await preview(unsaved({ query: '{ nodde }' }));
    expect(query.report).toMatchObject({ outcome: 'FAILED', stage: 'QUERY', message: expect.stringContaining('1 | { nodde }\n      ^') });
    expect(query.report?.stages.slice(1)).toMatchObject(
      ['VALIDATION', 'TEMPLATE', 'SEND', 'ERROR_TEMPLATE'].map((stage) => ({ stage, outcome: 'NOT_RUN' })),
    );
  });

  it("takes only a node of the topic's type that whoever asks may read", async () => {
    await world.insertThings('Ada', 'hidden');
    await world.db.pool.query(`INSERT INTO public.things (org, name) VALUES ('other', 'theirs')`);
    world.host.hidden = 'hidden';
    for (const nodeId of [idOf('2'), idOf('99'), 'nonsense'])
      expect(await preview(unsaved({ query: null }), { nodeId })).toMatchObject({
        problems: [{ field: 'nodeId', message: 'does not exist, or you may not read it' }],
        report: null,
      });
    expect(await preview(unsaved(), { nodeId: idOf('1', 'Other') })).toMatchObject({
      problems: [{ field: 'nodeId', message: 'is the id of an Other, but the topic thing/created is about nodes of the type Thing' }],
    });
    expect((await preview(unsaved({ topic: { key: 'no/such' } }))).problems).toMatchObject([{ field: 'topic', type: 'NOT_FOUND' }]);
    expect((await preview(unsaved(), { id: '00000000-0000-0000-0000-000000000000' })).problems).toMatchObject([
      { field: 'id', type: 'NOT_FOUND' },
    ]);
    const id = await world.subscribe();
    expect((await preview({}, { id, actor: { ...OWNER, userId: 'other' } })).problems).toMatchObject([{ field: 'id', type: 'NOT_FOUND' }]);
    expect(await preview(unsaved(), { actor: { ...OWNER, canManageWebhooks: false } })).toMatchObject({
      problems: [],
      report: { typename: 'Thing' },
    });
  });

  it('of a deleted topic is tried on a node that is gone', async () => {
    await world.insertThings('Ada', 'Bob');
    await world.db.pool.query('DELETE FROM public.things WHERE id = 1');
    const { report } = await preview(unsaved({ topic: { key: 'thing/deleted' } }), { nodeId: idOf('1') });
    expect(report?.request?.body).toBe('{"data":{"node":{"name":"Ada"}}}');
  });
});
