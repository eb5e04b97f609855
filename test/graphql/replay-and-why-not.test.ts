// Tests the features for an owner who misses a notification: why-not, replays, and disabling or enabling a whole group.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import { sqlStatement } from '../../src/runtime/sql-file.js';
import { createHeartbeat } from '../../src/webhooks/base/store/workers.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../src/webhooks/fan-out/replay.js';
import { type TestApp, testApp } from '../support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app.close());

const ask: TestApp['value'] = (...asked) => app.value(...asked);

async function subscribe(more: object = {}) {
  const { errors, webhookSubscription } = await ask(
    `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { errors { field message } webhookSubscription { id databaseId } } }`,
    { in: { topic: { key: 'environment/created' }, callbackUrl: 'https://8.8.8.8/hook', ...more } },
  );
  expect(errors).toEqual([]);
  return webhookSubscription as { id: string; databaseId: string };
}

async function make(type: 'Environment' | 'Integration', name = 'One'): Promise<string> {
  const field = type.toLowerCase();
  const payload = await ask(`mutation ($in: ${type}Input) { create${type}(${field}: $in) { errors { message } ${field} { id } } }`, {
    in: { name },
  });
  return payload[field].id;
}

const WHY = `query ($id: ID!, $nodeId: ID, $since: DateTime) { webhookWhyNot(webhookSubscriptionId: $id, nodeId: $nodeId, since: $since) {
  code conclusion findings { code reason event { operation nodeId } delivery { state kind } } } }`;
const why = (id: string, nodeId?: string, since?: string) => ask(WHY, { id, nodeId, since });
const keyOf = (id: string) => app.app.webhooks.engine.host.fromGlobalId(id)?.key;
const setDelivery = (id: string, set: string) =>
  app.database.pool.query(`UPDATE hookgraph.deliveries SET ${set} WHERE subscription_id = $1`, [id]);

it('why nothing came: not matched yet, older, another topic, held, skipped, failed, delivered', async () => {
  const before = await make('Environment');
  await relayOnce(app.database.pool);
  const { id, databaseId } = await subscribe();
  expect((await why(id, before)).findings).toMatchObject([
    {
      code: 'OLDER_THAN_SUBSCRIPTION',
      reason: 'The change happened before the subscription was created. A replay sends it.',
      delivery: null,
      event: { nodeId: before },
    },
  ]);
  const node = await make('Environment');
  expect(await why(id, node)).toMatchObject({
    conclusion: expect.stringContaining('no worker has matched it with subscriptions yet'),
    code: 'NOT_RELAYED',
    findings: [{ code: 'NOT_RELAYED', event: { operation: 'CREATED', nodeId: node }, delivery: null }],
  });
  await relayOnce(app.database.pool);
  const waits = 'The delivery has been due since .*; no worker has claimed it yet\\.';
  expect((await why(id, node)).conclusion).toMatch(new RegExp(`^${waits} No worker is running\\.$`));
  const heartbeats = [1, 2].map(() => createHeartbeat(app.database.pool));
  for (const { beat } of heartbeats) await beat();
  expect((await why(id, node)).conclusion).toMatch(new RegExp(`^${waits} 2 workers are running; the last was heard \\d+ s ago\\.$`));
  // One worker stops, and the other is killed.
  await heartbeats[0]?.end();
  await app.database.pool.query(`UPDATE hookgraph.workers SET heard_at = now() - interval '31 s'`);
  expect((await why(id, node)).conclusion).toMatch(new RegExp(`^${waits} No worker is running; the last one was heard 3\\d s ago\\.$`));

  for (const [set, sentence, code] of [
    [`state = 'SKIPPED', reason = 'DISABLED'`, 'was disabled when the change happened', 'SKIPPED_DISABLED'],
    [`state = 'PENDING', reason = 'OPERATOR', due_at = '2099-01-01Z'`, 'is tried again at 2099-01-01T00:00:00.000Z', 'WAITS_FOR_OPERATOR'],
    [`state = 'PENDING', reason = NULL`, 'could not send the notification. It is tried again at 2099-01-01T00:00:00.000Z', 'PUT_BACK'],
    [`state = 'HELD', reason = 'NODE'`, 'gave nothing usable for this node', 'HELD_NODE'],
    [`state = 'RETRYING', reason = NULL, attempt_count = 2`, 'Attempt 2 failed; the next one is due at', 'RETRYING'],
    [`state = 'FAILED', attempt_count = 26`, 'The delivery failed after 26 attempts and is not retried. You can resend it.', 'FAILED'],
    [`state = 'DELIVERED', attempt_count = 1`, 'All changes were delivered.', 'DELIVERED'],
  ] as const) {
    await setDelivery(databaseId, set);
    expect(await why(id, node)).toMatchObject({ code, conclusion: expect.stringContaining(sentence) });
  }
  await setDelivery(databaseId, `state = 'RETRYING', attempt_count = 1`);
  await app.database.pool.query(`UPDATE hookgraph.open_deliveries SET lease_until = '2099-01-01Z' WHERE subscription_id = $1`, [
    databaseId,
  ]);
  expect(await why(id, node)).toMatchObject({
    code: 'IN_PROGRESS',
    conclusion: expect.stringMatching(/^A worker has claimed the delivery: .* Without a result until 2099-/),
  });
  const another = await make('Environment');
  await relayOnce(app.database.pool);
  await setDelivery(databaseId, `state = 'PENDING', reason = 'OPERATOR', due_at = '2099-01-01Z'`);
  await app.database.pool.query(
    `UPDATE hookgraph.deliveries SET state = 'HELD', reason = 'NODE' WHERE id IN (SELECT id FROM hookgraph.whole_deliveries WHERE node_key <> $1)`,
    [keyOf(another)],
  );
  expect((await why(id)).conclusion).toMatch(
    /^0 of the last \d+ changes were delivered\. 1 waits; the next attempt is due at 2099-01-01T00:00:00\.000Z\. 1 of them waits until the operator .* 1 is held; /,
  );
  await setDelivery(databaseId, `state = 'DELIVERED', attempt_count = 1`);
  await ask(`mutation ($id: ID) { updateEnvironment(environment: { id: $id, name: "Two" }) { errors { message } } }`, { id: node });
  await relayOnce(app.database.pool);
  expect(await why(id, node)).toMatchObject({
    code: 'PARTLY_DELIVERED',
    conclusion: '1 of the last 2 changes was delivered.',
    findings: [
      { code: 'OTHER_OPERATION', reason: 'The node was updated, but environment/created is about nodes that are created.' },
      { delivery: { state: 'DELIVERED' } },
    ],
  });
});

it('why nothing came is looked up by event, however many deliveries the subscription has', async () => {
  const { databaseId } = await subscribe();
  await app.database.pool.query(
    `INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, due_at, state)
     SELECT hookgraph.next_id(), id, topic_id, tenant, 'Environment', 'gone', now(), 'DELIVERED'
     FROM hookgraph.subscriptions, generate_series(1, 5000) WHERE id = $1`,
    [databaseId],
  );
  await app.database.pool.query('ANALYZE hookgraph.deliveries');
  const values = { subscription_id: databaseId, tenant: '', typename: '', node_key: null, since: new Date(), event_ids: ['1'], owner: '' };
  for (const file of ['why-not', 'decisions']) {
    const { text, values: list } = sqlStatement<string>(`webhooks/operations/${file}.sql`);
    const { rows } = await app.database.pool.query(`EXPLAIN ${text}`, list({ ...values, max_events: 10_000, max_findings: 20 }));
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('deliveries_once');
    expect(plan).not.toContain('deliveries_of_subscription');
  }
});

it('why nothing came: the wrong node, no change at all, a subscription that is off, and nothing for strangers', async () => {
  const { id } = await subscribe();
  const integration = await make('Integration');
  expect((await why(id, integration)).conclusion).toBe(
    'The given id is the id of an Integration, but environment/created is about the type Environment.',
  );
  expect((await why(id, 'nonsense')).conclusion).toContain('not the id of a node');
  const none = await why(id, undefined, '2100-01-01T00:00:00Z');
  expect(none).toMatchObject({ conclusion: expect.stringContaining('No change of any Environment was recorded'), findings: [] });
  await ask(`mutation ($id: ID) { updateWebhookSubscription(webhookSubscription: { id: $id, disabled: true }) { errors { message } } }`, {
    id,
  });
  expect(await why(id)).toMatchObject({
    code: 'SUBSCRIPTION_DISABLED',
    conclusion: expect.stringMatching(/^The subscription has been disabled since .* Its owner disabled it\./),
  });
  expect(await ask(WHY, { id }, app.stranger)).toBeNull();
});

it.each([
  ['(webhookSubscriptionId: $id, from: $from)', '(id: $id)'],
  ['(input: { webhookSubscriptionId: $id, from: $from })', '(input: { id: $id })'],
])('the past once more, watched and cancelled: %s', async (one, other) => {
  const node = await make('Environment', 'Past');
  await relayOnce(app.database.pool);
  const { id } = await subscribe();
  const REPLAY = `mutation ($id: ID, $from: DateTime) { replayWebhookEvents${one} { errors { field type }
    webhookReplay { id state progress deliveryCount finishedAt webhookSubscription { id } } } }`;
  const { errors, webhookReplay } = await ask(REPLAY, { id, from: '2020-01-01T00:00:00Z' });
  expect(errors).toEqual([]);
  expect(webhookReplay).toMatchObject({ state: 'RUNNING', deliveryCount: 0, finishedAt: null, webhookSubscription: { id } });
  const CANCEL = `mutation ($id: ID) { cancelWebhookReplay${other} { errors { field type } webhookReplay { state } } }`;
  expect(await ask(CANCEL, { id: webhookReplay.id })).toEqual({ errors: [], webhookReplay: { state: 'CANCELLED' } });
  await ask(REPLAY, { id });
  while (await stepReplay(app.database.pool));
  const listed = await ask(
    `query ($id: ID) { webhookReplays(webhookSubscriptionId: $id) { totalCount nodes { id state progress deliveryCount finishedAt } } }`,
    { id },
  );
  expect(listed).toMatchObject({ totalCount: 2, nodes: [{ state: 'DONE', progress: 1 }, { state: 'CANCELLED' }] });
  expect(listed.nodes[0].deliveryCount).toBeGreaterThan(0);
  expect(await ask('query ($id: ID!) { node(id: $id) { ... on WebhookReplay { state } } }', { id: listed.nodes[0].id })).toEqual({
    state: 'DONE',
  });
  expect((await why(id, node)).findings).toMatchObject([{ delivery: { kind: 'REPLAY', state: 'PENDING' } }]);
  const made = await ask(
    'query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { totalCount nodes { kind webhookReplay { id deliveryCount } } } }',
    { id },
  );
  expect(made.totalCount).toBe(listed.nodes[0].deliveryCount);
  for (const delivery of made.nodes)
    expect(delivery).toEqual({ kind: 'REPLAY', webhookReplay: { id: listed.nodes[0].id, deliveryCount: made.totalCount } });
  expect((await ask(REPLAY, {})).errors).toEqual([{ field: 'webhookSubscriptionId', type: 'BLANK' }]);
  expect((await ask(CANCEL, { id })).errors).toEqual([{ field: 'id', type: 'NOT_FOUND' }]);
  expect((await ask(CANCEL, { id: listed.nodes[0].id })).errors).toEqual([{ field: 'base', type: 'INVALID' }]);
  expect((await ask(REPLAY, { id }, app.stranger)).errors).toEqual([{ field: 'webhookSubscriptionId', type: 'NOT_FOUND' }]);
});

it('a replay sends what was missed, and all on request', async () => {
  const { id, databaseId } = await subscribe();
  const from = new Date().toISOString();
  const nodes: string[] = [];
  for (const _ of Array(9)) nodes.push(await make('Environment'));
  await relayOnce(app.database.pool);
  const states = [
    [`'DELIVERED', NULL`, `'SKIPPED', 'VALIDATION'`, `'PENDING', NULL`, `'RETRYING', NULL`, `'HELD', 'NODE'`],
    [`'FAILED', NULL`, `'SKIPPED', 'DISABLED'`, `'CANCELLED', NULL`, `'CANCELLED', NULL`],
  ].flat();
  for (const [i, state] of states.entries())
    await app.database.pool.query(
      `UPDATE hookgraph.deliveries SET (state, reason) = (SELECT ${state}) WHERE subscription_id = $1 AND id IN (SELECT id FROM hookgraph.whole_deliveries WHERE node_key = $2)`,
      [databaseId, keyOf(nodes[i] as string)],
    );
  // The last delivery was resent as new and then delivered.
  const resent = `INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, kind, typename, node_key, due_at, state)
    SELECT event_id, subscription_id, topic_id, tenant, 'RESEND', typename, node_key, now(), 'DELIVERED' FROM hookgraph.deliveries
    WHERE subscription_id = $1 AND id IN (SELECT id FROM hookgraph.whole_deliveries WHERE node_key = $2)`;
  await app.database.pool.query(resent, [databaseId, keyOf(nodes[8] as string)]);
  const replay = async (more = {}) => {
    const { errors, webhookReplay } = await ask(
      `mutation ($id: ID, $from: DateTime, $all: Boolean) {
        replayWebhookEvents(webhookSubscriptionId: $id, from: $from, includeDelivered: $all) { errors { message } webhookReplay { id } } }`,
      { id, from, ...more },
    );
    expect(errors).toEqual([]);
    while (await stepReplay(app.database.pool));
    const { includesDelivered } = await ask(
      'query ($id: ID!) { node(id: $id) { ... on WebhookReplay { includesDelivered } } }',
      webhookReplay,
    );
    const sent = await app.database.pool.query(
      `SELECT d.node_key FROM hookgraph.whole_deliveries d JOIN hookgraph.replays r ON r.id = d.replay_id WHERE r.id::text = $1`,
      [app.app.webhooks.engine.host.fromGlobalId(webhookReplay.id)?.key],
    );
    return { includesDelivered, sent: sent.rows.map(({ node_key }) => nodes.findIndex((node) => keyOf(node) === node_key)).sort() };
  };
  const count = async (more = {}, as?: Viewer) =>
    app.value(
      `query ($id: ID!, $from: DateTime, $to: DateTime, $all: Boolean) { webhookReplayDryRun(webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $all) {
        sendCount deliveredCount openCount skippedCount countedTo refusal } }`,
      { id, from, ...more },
      as,
    );
  const counts = { sendCount: 3, deliveredCount: 2, openCount: 3, skippedCount: 1, countedTo: null, refusal: null };
  expect(await count()).toEqual(counts);
  expect(await count({ all: true })).toEqual({ ...counts, sendCount: 9 });
  expect(await count({ from: '2099-01-01T00:00:00Z' })).toMatchObject({ sendCount: 0, deliveredCount: 0 });
  expect(await count({ to: '2020-01-01T00:00:00Z' })).toMatchObject({ refusal: 'must not be before `from`' });
  expect(await count({}, app.stranger)).toBeNull();
  const { rowCount } = await app.database.pool.query('SELECT 1 FROM hookgraph.replays WHERE subscription_id = $1', [databaseId]);
  expect(rowCount, 'a dry run starts nothing').toBe(0);
  expect(await replay()).toEqual({ includesDelivered: false, sent: [5, 6, 7] });
  expect(await count()).toMatchObject({ sendCount: 0, openCount: 6 });
  expect(await replay(), 'the first replay sends them').toEqual({ includesDelivered: false, sent: [] });
  await setDelivery(databaseId, `state = 'FAILED'`);
  expect(await replay({ all: true })).toEqual({ includesDelivered: true, sent: [0, 1, 2, 3, 4, 5, 6, 7, 8] });
});

it.each(['(integrationId: $id, disabled: $off)', '(input: { integrationId: $id, disabled: $off })'])(
  'a whole group off, and on again but for what was off by itself: %s',
  async (form) => {
    const integrationId = await make('Integration');
    const on = await subscribe({ integrationId });
    const off = await subscribe({ integrationId, disabled: true });
    const another = await subscribe();
    const SWITCH = `mutation ($id: ID, $off: Boolean) { switchWebhookIntegration${form} { errors { field type } switchedCount missedEvents { count message } } }`;
    const reasons = async () =>
      (
        await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on WebhookSubscription { disabledReason } } }', {
          ids: [on.id, off.id, another.id],
        })
      ).map((one: { disabledReason: string | null }) => one.disabledReason);
    await make('Environment');
    await relayOnce(app.database.pool);
    expect(await ask(SWITCH, { id: integrationId, off: true })).toEqual({ errors: [], switchedCount: 1, missedEvents: [] });
    expect(await ask(SWITCH, { id: integrationId, off: true })).toEqual({ errors: [], switchedCount: 0, missedEvents: [] });
    expect(await reasons()).toEqual(['INTEGRATION', 'OWNER', null]);
    const states = `SELECT state, reason FROM hookgraph.deliveries WHERE subscription_id = $1`;
    expect((await app.database.pool.query(states, [on.databaseId])).rows).toEqual([{ state: 'HELD', reason: 'DISABLED' }]);
    await make('Environment');
    await relayOnce(app.database.pool);
    expect(await ask(SWITCH, { id: integrationId, off: false })).toEqual({
      errors: [],
      switchedCount: 1,
      missedEvents: [{ count: 1, message: expect.stringMatching(`^1 event was missed since .*webhookSubscriptionId: "${on.id}"`) }],
    });
    expect(await reasons()).toEqual([null, 'OWNER', null]);
    expect((await app.database.pool.query(`${states} ORDER BY id`, [on.databaseId])).rows).toEqual([
      { state: 'PENDING', reason: null },
      { state: 'SKIPPED', reason: 'DISABLED' },
    ]);
    expect((await ask(SWITCH, { id: integrationId, off: true }, app.stranger)).errors).toEqual([
      { field: 'integrationId', type: 'NOT_FOUND' },
    ]);
    expect((await ask(SWITCH, { id: integrationId })).errors).toEqual([{ field: 'disabled', type: 'BLANK' }]);
    expect((await ask(SWITCH, { off: true })).errors).toEqual([{ field: 'integrationId', type: 'BLANK' }]);
  },
);
