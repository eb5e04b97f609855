// Tests that several subscriptions are created together: all of them, or none.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, testApp } from '../support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app.close());

const CREATE = `mutation ($in: [WebhookSubscriptionInput!]!) { createWebhookSubscriptions(webhookSubscriptions: $in) {
  errors { path message type } warnings { path } webhookSubscriptions { name version topic { key } hasSharedSecret } reports { outcome } } }`;
const create = (...inputs: object[]) => app.value(CREATE, { in: inputs });
const of = (key: string, more: object = {}) => ({
  name: 'together',
  topic: { key },
  callbackUrl: 'https://8.8.8.8/hook',
  sharedSecret: 'the same',
  ...more,
});
const count = async () => (await app.database.pool.query('SELECT count(*)::int AS count FROM hookgraph.subscriptions')).rows[0].count;

it('creates one for each topic in the given order, with an entry in the audit log each', async () => {
  const { errors, webhookSubscriptions, reports } = await create(of('user/updated'), of('user/created'), of('user/deleted'));
  expect(errors).toEqual([]);
  const made = ['user/updated', 'user/created', 'user/deleted'];
  expect(webhookSubscriptions).toEqual(made.map((key) => ({ name: 'together', version: 1, topic: { key }, hasSharedSecret: true })));
  expect(reports).toEqual([null, null, null]);
  const { nodes } = await app.value('{ webhookAuditLog(first: 5) { nodes { action } } }');
  expect(nodes).toEqual(made.map(() => ({ action: 'CREATED' })));
});

it('creates none when one has a mistake, and says which', async () => {
  const before = await count();
  const { errors, webhookSubscriptions } = await create(
    of('user/created'),
    of('user/nothing'),
    of('user/updated', { query: '{ nothing }' }),
  );
  expect(webhookSubscriptions).toEqual([]);
  expect(errors.map(({ path }: { path: string[] }) => path)).toEqual([
    ['webhookSubscriptions', '1', 'topic'],
    ['webhookSubscriptions', '2', 'query'],
  ]);
  expect(await count()).toBe(before);
});

it('creates none when the last one is over the limit of its topic', async () => {
  const before = await count();
  const { pool } = app.database;
  await pool.query(
    `INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id) SELECT s.tenant, s.owner, s.topic_id
     FROM hookgraph.subscriptions s JOIN hookgraph.topics t ON t.id = s.topic_id, generate_series(1, $1) WHERE t.key = 'user/deleted'`,
    [app.app.webhooks.engine.deadlines.subscriptionsPerTopic - 1],
  );
  const { errors } = await create(of('user/created'), of('user/updated'), of('user/deleted'));
  expect(errors).toMatchObject([{ path: ['webhookSubscriptions', '2', 'topic'], message: expect.stringContaining('the limit is') }]);
  expect(await count()).toBe(before + app.app.webhooks.engine.deadlines.subscriptionsPerTopic - 1);
});

it.each([
  ['none', 0],
  ['too many', 51],
])('refuses %s', async (_what, length) => {
  const { errors } = await create(...Array.from({ length }, () => of('user/created')));
  expect(errors).toMatchObject([{ path: ['webhookSubscriptions'] }]);
});
