import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listDeliveries } from '../../../src/webhooks/base/store/deliveries.js';
import { toPage } from '../../../src/webhooks/base/store/page.js';
import { listSubscriptions } from '../../../src/webhooks/base/store/subscription-lists.js';
import { loadForSending, subscriptionsByIds } from '../../../src/webhooks/base/store/subscriptions.js';
import { compileDefinition } from '../../../src/webhooks/compile-definition.js';
import { createSubscription } from '../../../src/webhooks/operations/create.js';
import { deleteSubscription, type SubscriptionInput, updateSubscription } from '../../../src/webhooks/operations/save.js';
import { deliveriesOf, insertDeliveries, moveDeliveries, outOfStep } from '../../support/engine-rows.js';
import { good, owner, type ThingEngine, thingEngine } from './save/thing-engine.js';

let db: ThingEngine['db'];
let engine: ThingEngine['engine'];
let create: ThingEngine['create'];
beforeAll(async () => {
  ({ db, engine, create } = await thingEngine());
});
afterAll(async () => {
  expect(await outOfStep(db.pool)).toEqual([]);
  await db.close();
});

const read = async (id: string, actor = owner) => (await subscriptionsByIds(db.pool, actor, [id])).get(id);
const problemsOf = async (input: SubscriptionInput) => (await createSubscription(engine, owner, { ...good, ...input })).problems;
const versionsOf = async (id: string) =>
  (await db.pool.query('SELECT number, definition FROM hookgraph.subscription_versions WHERE subscription_id = $1 ORDER BY number', [id]))
    .rows;

describe('a save', () => {
  it('keeps what is absent and clears what is null', async () => {
    const id = await create({
      name: 'mine',
      template: '{"a":1}',
      query: 'query ($nodeId: ID!) { node(id: $nodeId) { id } }',
      headers: [{ name: 'X-Key', value: 'abc' }],
      retry: { maxTries: 3 },
    });
    await updateSubscription(engine, owner, id, { callbackUrl: 'https://8.8.4.4/' });
    expect(await read(id)).toMatchObject({
      name: 'mine',
      version: 2,
      definition: {
        callbackUrl: 'https://8.8.4.4/',
        template: '{"a":1}',
        query: expect.any(String),
        headerNames: ['X-Key'],
        retry: { maxTries: 3, maxTimeMs: null },
      },
    });
    await updateSubscription(engine, owner, id, { name: null, template: null, query: null, headers: null, retry: null, contentType: null });
    expect(await read(id)).toMatchObject({
      name: null,
      version: 3,
      secretFields: [],
      definition: { template: null, query: null, headerNames: [], retry: null, contentType: 'JSON' },
    });
    for (const required of ['callbackUrl', 'topic'] as const)
      expect((await updateSubscription(engine, owner, id, { [required]: null })).problems).toMatchObject([
        { field: required, type: 'BLANK' },
      ]);
  });

  it('stores for the relay whether changes are coalesced', async () => {
    const id = await create({ coalescing: 'NONE' });
    const stored = async () =>
      (
        await db.pool.query(
          `SELECT s.coalesces, s.version, v.definition ->> 'coalescing' AS coalescing FROM hookgraph.subscriptions s
           JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version WHERE s.id = $1`,
          [id],
        )
      ).rows[0];
    expect(await stored()).toEqual({ coalesces: false, version: 1, coalescing: 'NONE' });
    await updateSubscription(engine, owner, id, { name: 'renamed' });
    expect(await stored()).toEqual({ coalesces: false, version: 1, coalescing: 'NONE' });
    await updateSubscription(engine, owner, id, { coalescing: null });
    expect(await stored()).toEqual({ coalesces: true, version: 2, coalescing: null });
    await updateSubscription(engine, owner, id, { coalescing: 'TRANSACTION' });
    expect(await stored()).toMatchObject({ version: 2 });
    expect(await problemsOf({ coalescing: 'NONE', phase: 'BEFORE' })).toMatchObject([{ field: 'coalescing' }]);
  });

  it('is a new, immutable version where it changes the definition, a secret or the topic, and none otherwise', async () => {
    const id = await create({ template: '{"a":1}', sharedSecret: 'one', headers: [{ name: 'X-Key', value: 'abc' }] });
    const first = (await versionsOf(id))[0];
    const same = { ...good, template: '{"a":1}', sharedSecret: 'one', headers: [{ name: 'X-Key', value: 'abc' }], name: 'new name' };
    await updateSubscription(engine, owner, id, same);
    expect((await read(id))?.version).toBe(1);
    await updateSubscription(engine, owner, id, { template: '{"a":2}' });
    await updateSubscription(engine, owner, id, { sharedSecret: 'two' });
    await updateSubscription(engine, owner, id, { headers: [{ name: 'X-Key', value: 'abd' }] });
    await updateSubscription(engine, owner, id, { topic: { key: 'thing/deleted' } });
    expect((await read(id))?.version).toBe(5);
    expect(await versionsOf(id)).toHaveLength(5);
    expect((await versionsOf(id))[0]).toEqual(first);
  });

  it('by many at once loses none of them', async () => {
    const id = await create({ template: '{"a":0}' });
    const results = await Promise.all(
      [{ template: '{"a":1}' }, { errorTemplate: 'x' }, { sharedSecret: 's' }].map((input) => updateSubscription(engine, owner, id, input)),
    );
    expect(results.flatMap((result) => result.problems)).toEqual([]);
    expect(await read(id)).toMatchObject({
      version: 4,
      definition: { template: '{"a":1}', errorTemplate: 'x' },
      secretFields: ['sharedSecret'],
    });
  });

  it('answers each mistake with its field, and saves nothing', async () => {
    const before = (await listSubscriptions(db.pool, owner, {}, toPage({ first: 100 }))).rows.length;
    const problems = await problemsOf({
      topic: { key: 'no/such' },
      callbackUrl: 'https://10.0.0.1/',
      query: '{\n  nodde { id }\n}',
      validationTemplate: '{% if %}',
      template: '{"a": {{ x | nofilter }}}',
      errorTemplate: '{{ x ',
      headers: [
        { name: 'Host', value: 'x' },
        { name: 'a b', value: 'x' },
        { name: 'X-A', value: 'a\r\nb' },
        { name: 'x-scope-topic', value: 'x' },
        { name: 'x-a', value: 'x' },
        { name: 'X-B' },
        { name: 'transfer-encoding', value: 'chunked' },
      ],
      sharedSecret: '',
      retry: { maxTries: 0 },
      name: 'x'.repeat(300),
    });
    const fields = problems.map((problem) => problem.field);
    for (const field of [
      'topic',
      'callbackUrl',
      'query',
      'validationTemplate',
      'template',
      'errorTemplate',
      'sharedSecret',
      'retry.maxTries',
      'name',
    ])
      expect(fields).toContain(field);
    expect(fields.filter((field) => field === 'headers')).toHaveLength(7);
    expect(problems.find((problem) => problem.field === 'query')?.message).toContain('(line 2, column 3)\n2 |   nodde { id }\n      ^');
    expect(problems.find((problem) => problem.field === 'template')?.message).toContain(
      '(line 1, column 14)\n1 | {"a": {{ x | nofilter }}}\n                 ^',
    );
    expect((await listSubscriptions(db.pool, owner, {}, toPage({ first: 100 }))).rows).toHaveLength(before);
  });

  it('refuses Liquid that others refuse, but keeps what an older version accepted', async () => {
    const old = '{"a": "{{ notification.topic | upcase: 1 }}"}';
    expect(await problemsOf({ template: old, validationTemplate: '{% if notification.live == %}true{% endif %}' })).toMatchObject([
      { field: 'validationTemplate', message: expect.stringContaining('value expected after "=="') },
      { field: 'template', message: expect.stringContaining('the filter upcase expects no arguments, but has 1 (line 1, column 32)') },
    ]);
    const id = await create({ template: '{"a": 1}' });
    await db.pool.query(
      `UPDATE hookgraph.subscription_versions SET definition = jsonb_set(definition, '{template}', to_jsonb($2::text)) WHERE subscription_id = $1`,
      [id, old],
    );
    expect(await updateSubscription(engine, owner, id, { name: 'renamed', callbackUrl: 'https://8.8.4.4/' })).toMatchObject({
      problems: [],
    });
    expect(await read(id)).toMatchObject({ name: 'renamed', definition: { template: old } });
    const loaded = (await loadForSending(engine, [id])).get(id);
    expect(loaded && (await compileDefinition(engine, loaded))).toMatchObject({ template: { source: old } });
    expect((await updateSubscription(engine, owner, id, { template: `${old} ` })).problems).toMatchObject([{ field: 'template' }]);
  });

  it('warns of what looks like a credential in a URL, and names no value', async () => {
    const credential = { field: 'callbackUrl', severity: 'warning', message: expect.stringContaining('looks like a credential') };
    for (const name of ['token', 'access_token', 'apiKey', 'X-Amz-Signature', 'client.secret']) {
      const problems = await problemsOf({ callbackUrl: `https://8.8.8.8/?a=1&${name}=hunter2` });
      expect(problems).toMatchObject([credential]);
      expect(JSON.stringify(problems)).not.toContain('hunter2');
    }
    for (const name of ['monkey', 'tokens', 'keyword', 'id'])
      expect(await problemsOf({ callbackUrl: `https://8.8.8.8/?${name}=1` })).toEqual([]);
  });

  it('warns of white space at the ends of a pasted secret, and keeps it', async () => {
    const warning = (field: string, message: RegExp) => ({ field, severity: 'warning', message: expect.stringMatching(message) });
    expect(await problemsOf({ sharedSecret: 'pasted\n' })).toMatchObject([warning('sharedSecret', /^ends with white space/)]);
    expect(await problemsOf({ sharedSecret: ' a b ' })).toMatchObject([warning('sharedSecret', /^begins and ends/)]);
    expect(await problemsOf({ sharedSecret: 'a b' })).toEqual([]);
    const auth = { basic: { username: ' me', password: 'secret ' } };
    expect(await problemsOf({ auth })).toMatchObject([
      warning('auth.basic.username', /^begins with/),
      warning('auth.basic.password', /^ends with/),
    ]);
  });

  it('warns of what fails on invented data only, and is made', async () => {
    const result = await createSubscription(engine, owner, {
      ...good,
      query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Thing { name } } }',
      validationTemplate: '{{ data.node.name }}',
      template: '{"name": {{ data.node.name }}}',
    });
    expect(result.subscription).not.toBeNull();
    expect(result.problems).toMatchObject([
      { field: 'validationTemplate', severity: 'warning' },
      { field: 'template', severity: 'warning' },
    ]);
    const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Thing { name } } }';
    expect(await problemsOf({ query, validationTemplate: '{{ data.node.name != "Alain Bloch" }}' })).toEqual([]);
  });

  it('refuses what Postgres cannot hold', async () => {
    for (const field of ['name', 'query', 'template', 'errorTemplate', 'validationTemplate', 'sharedSecret', 'callbackUrl'] as const)
      for (const text of ['a\0', 'a\ud800'])
        expect(await problemsOf({ [field]: text })).toContainEqual({
          field,
          message: 'contains the character U+0000 or half of a surrogate pair, which cannot be stored',
        });
  });
});

describe('switching', () => {
  it('off holds what is open, on lets it go on with a clean count', async () => {
    const id = await create();
    await insertDeliveries(db.pool, id, 3, { attemptCount: 2, state: 'RETRYING' });
    const off = await updateSubscription(engine, owner, id, { disabled: true });
    expect(off.subscription).toMatchObject({ status: 'DISABLED', disabledReason: 'OWNER', version: 1 });
    expect((await deliveriesOf(db.pool, id)).map(({ state, reason }) => [state, reason])).toEqual(Array(3).fill(['HELD', 'DISABLED']));
    const enabledAt = async () =>
      (await db.pool.query('SELECT enabled_at::text AS at FROM hookgraph.subscriptions WHERE id = $1', [id])).rows[0].at;
    const before = await enabledAt();
    const on = await updateSubscription(engine, owner, id, { disabled: false });
    expect(on.subscription).toMatchObject({ status: 'ENABLED', disabledReason: null, disabledAt: null });
    expect((await deliveriesOf(db.pool, id)).map(({ state, attemptCount }) => [state, attemptCount])).toEqual(
      Array(3).fill(['RETRYING', 2]),
    );
    const after = await enabledAt();
    expect(after > before).toBe(true);
    await updateSubscription(engine, owner, id, { disabled: false });
    expect(await enabledAt()).toBe(after);
  });

  it('is possible though the definition would no longer be accepted', async () => {
    const id = await create();
    await db.pool.query(
      `UPDATE hookgraph.subscription_versions SET definition = definition || '{"query": "{ gone }"}' WHERE subscription_id = $1`,
      [id],
    );
    for (const disabled of [true, false]) expect((await updateSubscription(engine, owner, id, { disabled })).problems).toEqual([]);
  });

  it('is left to the definition where that is broken: editing it releases what it held', async () => {
    const id = await create();
    await insertDeliveries(db.pool, id, 2);
    await db.pool.query(`UPDATE hookgraph.subscriptions SET broken_at = now(), broken_reason = 'schema' WHERE id = $1`, [id]);
    await moveDeliveries(db.pool, id, 'HELD', 'NODE');
    await updateSubscription(engine, owner, id, { name: 'still broken' });
    expect((await read(id))?.status).toBe('HELD');
    await updateSubscription(engine, owner, id, { template: '{"a":1}' });
    expect(await read(id)).toMatchObject({ status: 'ENABLED', brokenReason: null });
    expect((await deliveriesOf(db.pool, id)).map(({ state }) => state)).toEqual(['PENDING', 'PENDING']);
  });
});

describe('deleting', () => {
  it('cancels what is open, wipes the secrets, and keeps the history', async () => {
    const id = await create({ sharedSecret: 'geheim' });
    await insertDeliveries(db.pool, id, 1);
    await insertDeliveries(db.pool, id, 1, { state: 'DELIVERED' });
    expect((await deleteSubscription(engine, owner, id)).problems).toEqual([]);
    expect(await read(id)).toBeUndefined();
    expect((await deliveriesOf(db.pool, id)).map(({ state }) => state)).toEqual(['CANCELLED', 'DELIVERED']);
    expect((await db.pool.query('SELECT FROM hookgraph.secrets WHERE subscription_id = $1', [id])).rowCount).toBe(0);
    expect((await listDeliveries(db.pool, owner, [id], {}, toPage({}))).rows).toHaveLength(2);
    for (const again of [deleteSubscription(engine, owner, id), updateSubscription(engine, owner, id, { disabled: false })])
      expect((await again).problems).toMatchObject([{ field: 'id', type: 'NOT_FOUND' }]);
  });
});
