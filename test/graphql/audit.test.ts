import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import { type TestApp, testApp } from '../support/app.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: TestApp;
let receiver: Receiver;
let ada: Viewer;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  receiver = await startReceiver();
  ada = { ...t.admin, token: { id: 'b7f0', name: 'deploy' } };
});
afterAll(async () => {
  await receiver.close();
  await t.close();
});

async function mutate(mutation: string, variables: object = {}): Promise<Record<string, never>> {
  const { data, errors } = await t.ask(mutation, variables as Record<string, unknown>, ada);
  const [payload] = Object.values<{ errors: object[] }>(data ?? {});
  if (errors || payload?.errors.length !== 0) throw new Error(JSON.stringify([errors, payload]));
  return payload as never;
}
const SAVE = (verb: string) => `mutation ($in: WebhookSubscriptionInput) {
  ${verb}WebhookSubscription(webhookSubscription: $in) { errors { field message } webhookSubscription { id databaseId } } }`;
const save = async (verb: 'create' | 'update' | 'delete', input: object): Promise<{ id: string; databaseId: string }> =>
  (await mutate(SAVE(verb), { in: input })).webhookSubscription as never;

const ENTRY = `action actor { user { ... on User { firstName } } userId tokenId tokenName rule } changes { field isSecret before after diff }
  versionBefore versionAfter message webhookSubscription { id } webhookSubscriptionId webhookDelivery { id }`;
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
const log = async (args = '', as = ada): Promise<any> =>
  (await t.ask(`{ webhookAuditLog${args} { totalCount pageInfo { hasNextPage endCursor } nodes { ${ENTRY} } } }`, {}, as)).data
    ?.webhookAuditLog;

const QUERY = (field: string) => `query ($nodeId: ID!) {\n  node(id: $nodeId) {\n    ... on User { ${field} }\n  }\n}\n`;

it('tells who changed what, field by field, from the making to the end', async () => {
  const { id } = await save('create', {
    topic: { key: 'user/created' },
    callbackUrl: `${receiver.url}/one`,
    query: QUERY('name'),
    sharedSecret: 'first-secret',
    headers: [{ name: 'X-Key', value: 'header-secret' }],
  });
  await save('update', { id });
  await save('update', { id, name: 'mine', callbackUrl: `${receiver.url}/two`, query: QUERY('email'), sharedSecret: 'second-secret' });
  await save('update', { id, topic: { key: 'user/updated' }, disabled: true });
  await save('update', { id, disabled: false });
  const { webhookDelivery } = await mutate(
    'mutation ($id: ID) { testWebhookSubscription(id: $id) { errors { message } webhookDelivery { id } } }',
    { id },
  );
  await mutate('mutation ($id: ID) { releaseWebhookDeliveries(webhookSubscriptionId: $id) { errors { message } } }', { id });
  await save('delete', { id });

  const entries = (await log(`(webhookSubscriptionId: "${id}")`)).nodes.reverse();
  expect(entries.map(({ action, versionBefore, versionAfter }: Record<string, unknown>) => [action, versionBefore, versionAfter])).toEqual([
    ['CREATED', null, 1],
    ['UPDATED', 1, 2],
    ['UPDATED', 2, 3],
    ['DISABLED', 2, 3],
    ['ENABLED', 3, 3],
    ['TESTED', 3, 3],
    ['RELEASED', 3, 3],
    ['DELETED', 3, null],
  ]);
  const { host } = t.app.webhooks.engine;
  for (const { actor, webhookSubscription, webhookSubscriptionId } of entries) {
    const userId = host.toGlobalId('User', ada.userId);
    expect(actor).toEqual({ user: { firstName: 'Ada' }, userId, tokenId: 'b7f0', tokenName: 'deploy', rule: null });
    expect([webhookSubscription, webhookSubscriptionId]).toEqual([null, id]);
  }
  const secret = (field: string) => ({ field, isSecret: true, before: null, after: null, diff: 'changed' });
  const plain = (field: string, before: unknown, after: unknown, diff: string | null = null) => ({
    field,
    isSecret: false,
    before,
    after,
    diff,
  });
  expect(entries[0].changes).toEqual(
    expect.arrayContaining([
      plain('topic', null, 'user/created 1.1'),
      plain('headers', null, ['X-Key']),
      secret('headers'),
      secret('sharedSecret'),
    ]),
  );
  expect(entries[1].changes).toEqual([
    plain('callbackUrl', `${receiver.url}/one`, `${receiver.url}/two`),
    plain('name', null, 'mine'),
    plain(
      'query',
      QUERY('name'),
      QUERY('email'),
      '@@ -1,5 +1,5 @@\n query ($nodeId: ID!) {\n   node(id: $nodeId) {\n-    ... on User { name }\n+    ... on User { email }\n   }\n }\n',
    ),
    secret('sharedSecret'),
  ]);
  expect(entries[2].changes).toEqual([plain('topic', 'user/created 1.1', 'user/updated 1.1')]);
  expect(entries[3].changes).toEqual([plain('disabled', false, true)]);
  expect(entries[5].webhookDelivery).toEqual(webhookDelivery);
  expect(entries[6].message).toBe('Released deliveries: 0.');
  const stored = JSON.stringify((await t.database.pool.query('SELECT * FROM hookgraph.audit_log')).rows);
  for (const text of ['first-secret', 'second-secret', 'header-secret']) expect(stored).not.toContain(text);
});

it('is read by the owner alone, in pages, by filters, and of one subscription', async () => {
  const one = await save('create', { topic: { key: 'user/created' }, callbackUrl: receiver.url });
  for (const disabled of [true, false]) await save('update', { id: one.id, disabled });
  for (const as of [t.member, t.stranger]) expect((await log('', as)).totalCount).toBe(0);
  expect((await log(`(webhookSubscriptionId: "${one.id}")`, t.stranger)).nodes).toEqual([]);
  const actions = (found: { nodes: { action: string }[] }) => found.nodes.map(({ action }) => action);
  const first = await log(`(webhookSubscriptionId: "${one.databaseId}", first: 2)`);
  expect([actions(first), first.totalCount, first.pageInfo.hasNextPage]).toEqual([['ENABLED', 'DISABLED'], 3, true]);
  expect(actions(await log(`(webhookSubscriptionId: "${one.id}", first: 2, after: "${first.pageInfo.endCursor}")`))).toEqual(['CREATED']);
  expect(actions(await log(`(webhookSubscriptionId: "${one.id}", actions: [ENABLED, CREATED])`))).toEqual(['ENABLED', 'CREATED']);
  expect((await log('(byRule: true)')).totalCount).toBe(0);
  expect((await log(`(createdAtMax: "2020-01-01T00:00:00Z")`)).totalCount).toBe(0);
  const { data } = await t.ask(
    'query ($id: ID!) { node(id: $id) { ... on WebhookSubscription { auditLog(last: 1) { totalCount nodes { action } } } } }',
    { id: one.id },
  );
  expect(data.node.auditLog).toEqual({ totalCount: 3, nodes: [{ action: 'CREATED' }] });
});

it('is only ever added to, by whatever session', async () => {
  for (const statement of [
    'UPDATE hookgraph.audit_log SET message = NULL',
    'DELETE FROM hookgraph.audit_log WHERE false',
    'TRUNCATE hookgraph.audit_log',
  ])
    for (const role of ['origin', 'replica']) {
      const client = await t.database.pool.connect();
      try {
        await client.query(`SET session_replication_role = ${role}`);
        await expect(client.query(statement)).rejects.toThrow('of hookgraph.audit_log is refused: it is only ever added to');
      } finally {
        client.release(true);
      }
    }
});

it('is written with the change or not at all', async () => {
  const { id, databaseId } = await save('create', { topic: { key: 'user/created' }, callbackUrl: receiver.url });
  await t.database.pool.query(`ALTER TABLE hookgraph.audit_log ADD CONSTRAINT broken CHECK (action <> 'UPDATED') NOT VALID`);
  await expect(save('update', { id, name: 'lost', template: '{"a": 1}' })).rejects.toThrow('broken');
  await t.database.pool.query('ALTER TABLE hookgraph.audit_log DROP CONSTRAINT broken');
  const { rows } = await t.database.pool.query('SELECT name, version FROM hookgraph.subscriptions WHERE id = $1', [databaseId]);
  expect(rows).toEqual([{ name: null, version: 1 }]);
});

it('tells what rules did', async () => {
  const world: EngineWorld = await startEngineWorld();
  const entries = async (id: string) =>
    (
      await world.db.pool.query(
        'SELECT action, rule, user_id, message, changes FROM hookgraph.audit_log WHERE subscription_id = $1 AND rule IS NOT NULL ORDER BY id',
        [id],
      )
    ).rows;
  try {
    const [gone, broken] = [await world.subscribe({ callbackUrl: `${world.receiver.url}/gone` }), await world.subscribe()];
    world.receiver.answer = (response, { path }) => void response.writeHead(path === '/gone' ? 410 : 200).end();
    const { sdl } = world.host;
    const working = await world.work();
    world.host.sdl = sdl.replace('name: String', 'title: String');
    await world.insertThings('a');
    await until('the broken one is held', async () => (await entries(broken)).length > 0);
    expect(await entries(broken)).toEqual([
      { action: 'HELD', rule: 'BROKEN', user_id: null, message: expect.stringContaining('Cannot query field "name"'), changes: [] },
    ]);
    await working.stop();
    world.host.sdl = sdl;
    await world.work();
    expect((await entries(broken)).map(({ action, rule }) => [action, rule])).toEqual([
      ['HELD', 'BROKEN'],
      ['RESTORED', 'RECHECKED'],
    ]);
    await until('the gone one is switched off', async () => (await entries(gone)).some(({ rule }) => rule === 'GONE'));
    expect((await entries(gone)).at(-1)).toEqual({
      action: 'DISABLED',
      rule: 'GONE',
      user_id: null,
      message: 'The receiver answered 410 Gone.',
      changes: [{ field: 'disabled', before: false, after: true }],
    });
  } finally {
    await world.close();
  }
});

it('makes no more diffs for one answer than hold nobody up, and says so', async () => {
  const lines = (prefix: string) => Array.from({ length: 16_000 }, (_, index) => `${prefix}${index}`).join('\n');
  const { id, databaseId } = await save('create', { topic: { key: 'user/created' }, callbackUrl: `${receiver.url}/diffs` });
  await t.database.pool.query(
    `INSERT INTO hookgraph.audit_log (tenant, owner, user_id, subscription_id, action, changes)
     SELECT $1, $2, $2, $3, 'UPDATED', $4::jsonb FROM generate_series(1, 20)`,
    [ada.organizationId, ada.userId, databaseId, JSON.stringify([{ field: 'template', before: lines('a'), after: lines('b') }])],
  );
  const aliases = Array.from({ length: 20 }, (_, index) => `d${index}: diff`).join(' ');
  const { data, errors } = await t.ask(
    `{ webhookAuditLog(webhookSubscriptionId: "${id}", first: 20) { nodes { action changes { ${aliases} } } } }`,
    {},
    ada,
  );
  // Each of the 400 diffs would take 50 ms, and the limit for all of them is 250 ms.
  expect(errors?.length).toBeGreaterThan(380);
  expect(errors?.at(-1)?.message).toMatch(/^Computing the diffs takes longer than \d+ ms, which is the limit/);
  expect(data.webhookAuditLog.nodes).toHaveLength(20);
});
