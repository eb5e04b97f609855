import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  deleteSubscription,
  previewSubscription,
  type TryResult,
  testSubscription,
  updateSubscription,
} from '../../../src/webhooks/index.js';
import { freePort } from '../../support/cli.js';
import { deliveriesOf } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const test = (id: string, actor = OWNER) => testSubscription(world.webhooks.engine, actor, id);
const stages = ({ report }: TryResult) => Object.fromEntries((report?.stages ?? []).map(({ stage, outcome }) => [stage, outcome]));
const attempts = async () => (await world.db.pool.query('SELECT * FROM hookgraph.attempts ORDER BY id')).rows;
const subscription = async (id: string) =>
  (await world.db.pool.query('SELECT status, version FROM hookgraph.subscriptions WHERE id = $1', [id])).rows[0];

describe('a test', () => {
  it('sends the last node of the type now, without a worker, and tells of every stage', async () => {
    const id = await world.subscribe({
      template: '{"hello": {{ data.node.name | json }}}',
      errorTemplate: '{% if body.error %}{{ body.error }}{% endif %}',
      sharedSecret: 'geheim',
      headers: [{ name: 'x-api-key', value: 'very secret' }],
    });
    world.receiver.answer = (response) => void response.setHeader('content-type', 'application/json').end('{"ok": true}');
    await world.insertThings('first', 'last');
    const { problems, report, deliveryId } = await test(id);
    expect(problems).toEqual([]);
    expect(world.receiver.requests).toMatchObject([
      {
        body: '{"hello": "last"}',
        headers: { 'x-api-key': 'very secret', 'x-scope-webhook-job-id': deliveryId, 'x-scope-webhook-id': id },
      },
    ]);
    expect(report).toMatchObject({
      typename: 'Thing',
      nodeKey: '2',
      outcome: 'DELIVERED',
      stage: null,
      request: { url: world.receiver.url, headers: { 'x-api-key': '[redacted]' }, body: '{"hello": "last"}' },
      response: { status: 200, body: '{"ok": true}' },
    });
    const payload = { data: { node: { name: 'last' } } };
    expect(report?.stages).toMatchObject([
      { stage: 'QUERY', outcome: 'OK', input: { variables: { nodeType: 'Thing' } }, output: payload },
      { stage: 'VALIDATION', outcome: 'NOT_RUN' },
      { stage: 'TEMPLATE', outcome: 'OK', input: payload, output: '{"hello": "last"}' },
      { stage: 'SEND', outcome: 'OK', input: { body: '{"hello": "last"}' }, output: { status: 200, body: '{"ok": true}' } },
      { stage: 'ERROR_TEMPLATE', outcome: 'OK', input: { status: 200, body: { ok: true } }, output: '' },
    ]);
    for (const { stage, durationMs } of report?.stages ?? []) if (stage !== 'VALIDATION') expect(durationMs).toBeGreaterThan(0);
    expect(JSON.stringify(report)).not.toMatch(/very secret|geheim/);
  });

  it('tells the beginning of what an error template writes, whose message is in every list of errors', async () => {
    const id = await world.subscribe({ errorTemplate: '{% for i in (1..30) %}{{ body }}{% endfor %}' });
    world.receiver.answer = (response) => void response.end('é'.repeat(30_000));
    await world.insertThings('Ada');
    const { report } = await test(id);
    expect(report).toMatchObject({ stage: 'ERROR_TEMPLATE', message: `${'é'.repeat(4_096)}…` });
    expect(await attempts()).toMatchObject([{ message: report?.message }]);
  });

  it('can be told whatever an answer nests', async () => {
    const id = await world.subscribe({ errorTemplate: '{{ status }}' });
    const body = '['.repeat(30_000) + ']'.repeat(30_000);
    world.receiver.answer = (response) => void response.end(body);
    await world.insertThings('Ada');
    const { report } = await test(id);
    expect(JSON.parse(JSON.stringify(report?.stages.at(-1)?.input))).toMatchObject({ body });
  });

  it('is recorded as a delivery of kind TEST with one attempt, that no worker takes up', async () => {
    const id = await world.subscribe();
    await world.insertThings('Ada');
    world.receiver.answer = (response) => void response.writeHead(503).end();
    const { report, deliveryId } = await test(id);
    expect(report).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', message: 'The receiver answered with status 503.' });
    const { rows } = await world.db.pool.query('SELECT id, kind, state, event_id, attempt_count, node_key FROM hookgraph.whole_deliveries');
    expect(rows).toEqual([{ id: deliveryId, kind: 'TEST', state: 'FAILED', event_id: null, attempt_count: 1, node_key: '1' }]);
    expect(await attempts()).toMatchObject([
      { delivery_id: deliveryId, number: 1, test: true, outcome: 'FAILED', stage: 'STATUS', response_status: 503, subscription_version: 1 },
    ]);

    // A worker sends real events, and a save releases held deliveries, but neither changes the test's delivery.
    world.receiver.answer = (response) => void response.end();
    await world.work();
    await updateSubscription(world.webhooks.engine, OWNER, id, { template: '{}' });
    await world.insertThings('Bob');
    await expect
      .poll(async () => (await deliveriesOf(world.db.pool, id)).map((row) => [row.state, row.attemptCount]))
      .toContainEqual(['DELIVERED', 1]);
    expect((await deliveriesOf(world.db.pool, id)).find((row) => row.id === deliveryId)).toMatchObject({
      state: 'FAILED',
      attemptCount: 1,
    });
  });

  it.each([
    ['false', 'SKIPPED', 'The validation template rendered false.'],
    ['true', 'OK', null],
  ])('goes on where the validation template says %s, and tells what it said', async (said, outcome, message) => {
    const id = await world.subscribe({ validationTemplate: `{% if data.node.name == "Ada" %}${said}{% else %}true{% endif %}` });
    await world.insertThings('Ada');
    const result = await test(id);
    expect(result.report).toMatchObject({ outcome: 'DELIVERED' });
    expect(result.report?.stages[1]).toMatchObject({ stage: 'VALIDATION', outcome, message, output: said });
    expect(world.receiver.requests).toHaveLength(1);
  });

  it.each(['{"ok": true}', '{"ok": '])(
    'ends like a preview at a validation template that decides nothing, with the body %s',
    async (template) => {
      const forAda = (text: string, otherwise: string) => `{% if data.node.name == "Ada" %}${text}{% else %}${otherwise}{% endif %}`;
      const id = await world.subscribe({ validationTemplate: forAda('perhaps', 'true'), template: forAda(template, '{}') });
      await world.insertThings('Ada');
      const message = 'The validation template rendered "perhaps"; it must render true or false.';
      const ended = { outcome: 'FAILED', stage: 'VALIDATION', message, request: null };
      const outcome = template.endsWith('}') ? 'OK' : 'FAILED';
      for (const { report } of [await test(id), await previewSubscription(world.webhooks.engine, OWNER, { id, input: {}, nodeId: null })]) {
        expect(report).toMatchObject(ended);
        expect(report?.stages[1]).toMatchObject({ stage: 'VALIDATION', outcome: 'FAILED', message, output: 'perhaps' });
        expect(report?.stages[2]).toMatchObject({ stage: 'TEMPLATE', outcome, output: template });
      }
      expect(world.receiver.requests).toEqual([]);
    },
  );

  it('of a deleted topic sends the last node that was deleted, as it was', async () => {
    const id = await world.subscribe({ topic: { key: 'thing/deleted' } });
    await world.insertThings('Ada', 'Bob', 'Cyd');
    expect(await test(id)).toMatchObject({
      problems: [{ field: 'base', message: 'no Thing that you may read was deleted yet' }],
      report: null,
    });
    await world.db.pool.query(`DELETE FROM public.things WHERE name = 'Bob'`);
    await world.db.pool.query(`DELETE FROM public.things WHERE name = 'Ada'`);
    expect((await test(id)).report).toMatchObject({ nodeKey: '1', outcome: 'DELIVERED' });
    expect(JSON.parse(world.receiver.requests[0]?.body ?? '')).toEqual({ data: { node: { name: 'Ada' } } });
  });

  it('tells where it ended, whatever stage that is', async () => {
    await world.insertThings('Ada');
    const failing = await world.subscribe();
    world.host.fail = 'boom';
    const query = await test(failing);
    expect(query.report).toMatchObject({ outcome: 'FAILED', stage: 'QUERY', message: 'boom (at node)', request: null });
    expect(stages(query)).toEqual({
      QUERY: 'FAILED',
      VALIDATION: 'NOT_RUN',
      TEMPLATE: 'NOT_RUN',
      SEND: 'NOT_RUN',
      ERROR_TEMPLATE: 'NOT_RUN',
    });
    world.host.fail = null;

    const template = await test(await world.subscribe({ template: '{"n": {{ data.node.name }}}' }));
    expect(template.report).toMatchObject({ outcome: 'FAILED', stage: 'TEMPLATE', message: expect.stringContaining('invalid JSON') });
    expect(template.report?.stages[2]).toMatchObject({ outcome: 'FAILED', output: '{"n": Ada}' });
    const data = await test(
      await world.subscribe({ template: '{% if data.node.name == "Ada" %}{% for i in (1..99999999) %}{% endfor %}{% endif %}1' }),
    );
    expect(data.report?.message).toMatch(/ \(line 1, column 33\)\n1 \| .*\n {36}\^$/);

    const receiver = world.receiver;
    receiver.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"error": "no such user"}');
    const inside = await test(await world.subscribe({ errorTemplate: '{{ body.error }}' }));
    expect(inside.report).toMatchObject({ outcome: 'FAILED', stage: 'ERROR_TEMPLATE', message: 'no such user', response: { status: 200 } });
    expect(stages(inside)).toMatchObject({ SEND: 'OK', ERROR_TEMPLATE: 'FAILED' });

    const unreachable = await world.subscribe({ callbackUrl: `http://127.0.0.1:${await freePort()}/` });
    const refused = await test(unreachable);
    expect(refused.report).toMatchObject({ outcome: 'FAILED', stage: 'CONNECT', response: null });
    expect(stages(refused)).toMatchObject({ SEND: 'FAILED', ERROR_TEMPLATE: 'NOT_RUN' });
    await world.db.pool.query(
      `UPDATE hookgraph.subscription_versions SET definition = definition || '{"callbackUrl": "https://169.254.169.254/"}' WHERE subscription_id = $1`,
      [unreachable],
    );
    expect((await test(unreachable)).report).toMatchObject({ outcome: 'FAILED', stage: 'ADDRESS' });
  });

  it('never counts towards switching its subscription off', async () => {
    const id = await world.subscribe();
    await world.insertThings('Ada');
    world.receiver.answer = (response) => void response.writeHead(410).end();
    await test(id);
    // Inserts enough test failures to disable the subscription if tests counted.
    await world.db.pool.query(
      `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, test, outcome, started_at, duration_ms)
       SELECT 1, $1, 1, 1, true, 'FAILED', now(), 1 FROM generate_series(1, 150)`,
      [id],
    );
    world.receiver.answer = (response) => void response.writeHead(500).end();
    await world.work();
    await world.insertThings('Bob');
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id)).map((row) => row.state)).toContain('RETRYING');
    expect(await subscription(id)).toEqual({ status: 'ENABLED', version: 1 });
  });

  it('works for a subscription that is disabled, and leaves it so', async () => {
    const id = await world.subscribe({ disabled: true });
    await world.insertThings('Ada');
    expect((await test(id)).report).toMatchObject({ outcome: 'DELIVERED' });
    expect(await subscription(id)).toEqual({ status: 'DISABLED', version: 1 });
  });

  it('is for the owner alone, and only who may manage webhooks', async () => {
    const id = await world.subscribe();
    await world.insertThings('Ada');
    for (const actor of [
      { ...OWNER, userId: 'other' },
      { ...OWNER, tenant: 'other' },
    ])
      expect(await test(id, actor)).toEqual({
        problems: [{ field: 'id', message: 'not found', type: 'NOT_FOUND' }],
        report: null,
        deliveryId: null,
        changedSecrets: [],
      });
    expect((await test(id, { ...OWNER, canManageWebhooks: false })).problems).toMatchObject([{ type: 'FORBIDDEN' }]);
    for (const nonsense of ['', 'no uuid']) expect((await test(nonsense)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    await deleteSubscription(world.webhooks.engine, OWNER, id);
    expect((await test(id)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    expect(world.receiver.requests).toEqual([]);
    expect(await attempts()).toEqual([]);
  });

  it("never takes another tenant's node, nor one that its owner may not read", async () => {
    const id = await world.subscribe();
    await world.db.pool.query(`INSERT INTO public.things (org, name) VALUES ('other', 'theirs')`);
    expect(await test(id)).toMatchObject({
      problems: [{ field: 'base', type: 'NOT_FOUND', message: 'there is no Thing yet that you may read' }],
    });
    await world.insertThings('readable', 'hidden');
    world.host.hidden = 'hidden';
    expect((await test(id)).report).toMatchObject({ outcome: 'DELIVERED', nodeKey: '2' });
    expect(world.receiver.requests).toHaveLength(1);
  });

  it('of a topic of subscriptions sends the own last one, and none to those topics', async () => {
    const id = await world.subscribe({ topic: { key: 'webhook_subscription/disabled' }, query: null });
    expect((await test(id)).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
    const other = await world.subscribe();
    expect((await test(id)).report).toMatchObject({ outcome: 'DELIVERED', nodeKey: other });
  });

  it('says that the definition is broken, and sends nothing', async () => {
    const id = await world.subscribe();
    await world.insertThings('Ada');
    world.host.sdl = world.host.sdl.replace('name: String', 'title: String');
    expect(await test(id)).toMatchObject({
      problems: [{ field: 'base', message: expect.stringContaining('Cannot query field "name"') }],
      report: null,
    });
    expect(world.receiver.requests).toEqual([]);
  });
});
