import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import { type TestApp, testApp } from '../support/app.js';
import { insertDeliveries } from '../support/engine-rows.js';
import { recordStatements } from '../support/record-statements.js';

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app.close());

const ask: TestApp['value'] = (...asked) => app.value(...asked);

const CREATE = `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) {
  errors { field message type } webhookSubscription { id databaseId integration { id } environments { id } } } }`;
const create = (more: object = {}, as?: Viewer) =>
  ask(CREATE, { in: { topic: { key: 'user/created' }, callbackUrl: 'https://8.8.8.8/hook', ...more } }, as);

async function fail(subscriptionId: string, stages: string[]): Promise<void> {
  for (const stage of stages) {
    const [delivery] = await insertDeliveries(app.database.pool, subscriptionId, 1);
    await app.database.pool.query(
      `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, stage, message, started_at, duration_ms)
       VALUES ($1, $2, 1, 1, CASE WHEN $3 = 'QUERY' THEN 'HELD' ELSE 'FAILED' END, $3, 'no', now(), 1)`,
      [delivery, subscriptionId, stage],
    );
  }
}

describe('webhookErrors', () => {
  it('lists, filters and reads errors, and forgets those that are dismissed, in both forms', async () => {
    const { id, databaseId } = (await create()).webhookSubscription;
    await fail(databaseId, ['STATUS', 'QUERY', 'TIMEOUT']);
    const list = (filter: string) =>
      ask(
        `query ($id: ID) { webhookErrors(webhookSubscriptionId: $id${filter}) { totalCount nodes { id stage outcome message createdAt nodeId
        topic { key } webhookSubscription { id } webhookDelivery { id attempts { id stage } } attempt { number stage } } } }`,
        { id },
      );
    const all = await list('');
    expect(all.totalCount).toBe(3);
    expect(all.nodes).toMatchObject([
      {
        stage: 'TIMEOUT',
        outcome: 'FAILED',
        message: 'no',
        topic: { key: 'user/created' },
        webhookSubscription: { id },
        attempt: { number: 1, stage: 'TIMEOUT' },
      },
      { stage: 'QUERY', outcome: 'HELD', webhookDelivery: { attempts: [{ stage: 'QUERY' }] } },
      { stage: 'STATUS' },
    ]);
    expect((await list(', stage: QUERY')).nodes).toHaveLength(1);
    expect((await list(', topicKey: "user/updated"')).nodes).toEqual([]);
    expect((await list(', createdAtMax: "2020-01-01T00:00:00Z"')).totalCount).toBe(0);
    expect((await list(', first: 2')).nodes).toHaveLength(2);

    const ids = all.nodes.map((node: { id: string }) => node.id);
    expect(
      (await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }', { ids })).map(
        (node: { __typename: string }) => node.__typename,
      ),
    ).toEqual(Array(3).fill('WebhookError'));
    const drop = (form: string, variables: object, as?: Viewer) =>
      ask(`mutation ($ids: [ID!]) { deleteWebhookErrors${form} { errors { field message type path } deletedIds } }`, { ...variables }, as);
    for (const viewer of [app.stranger, { ...app.admin, userId: app.member.userId }])
      expect(await drop('(ids: $ids)', { ids }, viewer)).toMatchObject({
        errors: [{ field: 'ids', type: 'NOT_FOUND', path: ['ids'] }],
        deletedIds: [],
      });
    expect(await drop('(ids: $ids)', { ids }, app.member)).toMatchObject({ errors: [{ type: 'FORBIDDEN' }] });
    expect(await drop('(ids: $ids)', {})).toMatchObject({ errors: [{ field: 'ids', type: 'BLANK' }] });
    expect(await drop('(ids: $ids)', { ids: [...ids, id] })).toMatchObject({ errors: [{ message: `not found: ${id}` }], deletedIds: [] });
    expect((await list('')).totalCount).toBe(3);
    expect(await drop('(ids: $ids)', { ids: ids.slice(0, 1) })).toEqual({ errors: [], deletedIds: ids.slice(0, 1) });
    expect(await drop('(input: { ids: $ids })', { ids: ids.slice(0, 2) })).toEqual({ errors: [], deletedIds: ids.slice(0, 2) });
    expect((await list('')).nodes).toMatchObject([{ id: ids[2] }]);
    const { rows: audited } = await app.database.pool.query(
      `SELECT subscription_id, message FROM hookgraph.audit_log WHERE action = 'ERRORS_DELETED' ORDER BY id`,
    );
    // An error that was already deleted isn't deleted again.
    expect(audited).toEqual(Array(2).fill({ subscription_id: databaseId, message: 'Deleted errors: 1.' }));
    expect(await ask('query ($id: ID!) { node(id: $id) { id } }', { id: ids[0] })).toBeNull();
  });

  it('takes as many statements for many subscriptions as for one', async () => {
    const cost: number[] = [];
    for (const count of [1, 6]) {
      const viewer = { ...app.admin, userId: count === 1 ? app.member.userId : app.admin.userId };
      for (let index = 0; index < count; index++)
        await fail((await create({ name: 'many' }, viewer)).webhookSubscription.databaseId, ['STATUS', 'CONNECT']);
      const recorded = recordStatements(app.app.pool);
      const { nodes } = await ask(
        '{ webhookSubscriptions { nodes { name errors(first: 5) { totalCount nodes { stage topic { key } attempt { number } webhookDelivery { state } webhookSubscription { id } } } } } }',
        {},
        viewer,
      );
      recorded.stop();
      const many = nodes.filter((node: { name: string }) => node.name === 'many');
      expect(many).toHaveLength(count);
      for (const node of many) expect(node.errors).toMatchObject({ totalCount: 2, nodes: [{ stage: 'CONNECT' }, { stage: 'STATUS' }] });
      cost.push(recorded.statements.length);
    }
    expect(cost[0]).toBeGreaterThan(0);
    expect(cost[1]).toBe(cost[0]);
  });
});

describe('sending again', () => {
  it.each([
    ['(id: $id)', '(webhookSubscriptionId: $id)'],
    ['(input: { id: $id })', '(input: { webhookSubscriptionId: $id })'],
  ])('reopens a delivery and releases what is held: %s', async (one, all) => {
    const { id, databaseId } = (await create()).webhookSubscription;
    const [key] = await insertDeliveries(app.database.pool, databaseId, 1, { state: 'FAILED', attemptCount: 3 });
    const delivery = app.app.webhooks.engine.host.toGlobalId('WebhookDelivery', key as string);
    const resend = `mutation ($id: ID) { resendWebhookDelivery${one} { errors { field type } webhookDelivery { id state attemptCount } } }`;
    expect(await ask(resend, { id: delivery })).toEqual({
      errors: [],
      webhookDelivery: { id: delivery, state: 'RETRYING', attemptCount: 3 },
    });
    expect((await ask(resend, { id })).errors).toEqual([{ field: 'id', type: 'NOT_FOUND' }]);
    expect((await ask(resend)).errors).toEqual([{ field: 'id', type: 'BLANK' }]);

    await insertDeliveries(app.database.pool, databaseId, 2, { state: 'HELD' });
    const release = `mutation ($id: ID) { releaseWebhookDeliveries${all} { errors { field type } releasedCount webhookSubscription { id } } }`;
    expect(await ask(release, { id })).toEqual({ errors: [], releasedCount: 2, webhookSubscription: { id } });
    expect((await ask(release, { id: delivery })).errors).toEqual([{ field: 'webhookSubscriptionId', type: 'NOT_FOUND' }]);
    expect((await ask(release)).errors).toEqual([{ field: 'webhookSubscriptionId', type: 'BLANK' }]);
  });
});

describe('an integration', () => {
  const node = async (type: string, as?: Viewer): Promise<string> => {
    const name = type.charAt(0).toLowerCase() + type.slice(1);
    const payload = await ask(
      `mutation ($in: ${type}Input) { create${type}(${name}: $in) { errors { field message } ${name} { id } } }`,
      { in: { name: 'Scurri' } },
      as,
    );
    expect(payload.errors).toEqual([]);
    return payload[name].id;
  };

  it('groups subscriptions: set, listed, changed and cleared', async () => {
    const [one, two] = [await node('Integration'), await node('Integration')];
    const first = (await create({ integrationId: one })).webhookSubscription;
    expect(first.integration).toEqual({ id: one });
    const second = (await create({ integrationId: one, disabled: true })).webhookSubscription;
    await create();
    const grouped = (id: string, filter = '') =>
      ask(`query ($id: ID!) { node(id: $id) { ... on Integration { webhookSubscriptions${filter} { totalCount nodes { id } } } } }`, {
        id,
      });
    expect(await grouped(one)).toEqual({ webhookSubscriptions: { totalCount: 2, nodes: [{ id: first.id }, { id: second.id }] } });
    expect(await grouped(one, '(disabled: true)')).toMatchObject({ webhookSubscriptions: { totalCount: 1, nodes: [{ id: second.id }] } });
    expect((await grouped(two)).webhookSubscriptions.nodes).toEqual([]);
    const listed = await ask('query ($id: ID) { webhookSubscriptions(integrationId: $id) { totalCount nodes { id } } }', { id: one });
    expect(listed).toEqual({ totalCount: 2, nodes: [{ id: first.id }, { id: second.id }] });
    const update = (input: object) =>
      ask(
        'mutation ($in: WebhookSubscriptionInput) { updateWebhookSubscription(webhookSubscription: $in) { errors { field type } webhookSubscription { version integration { id } } } }',
        { in: { id: first.id, ...input } },
      );
    expect(await update({ name: 'renamed' })).toMatchObject({ webhookSubscription: { integration: { id: one } } });
    expect(await update({ integrationId: two })).toMatchObject({
      errors: [],
      webhookSubscription: { version: 1, integration: { id: two } },
    });
    expect(await update({ integrationId: null })).toMatchObject({ webhookSubscription: { integration: null } });
  });

  it('reads the subscriptions of many groups in one statement', async () => {
    const ids = [await node('Integration'), await node('Integration'), await node('Integration')];
    for (const id of ids) for (let index = 0; index < 3; index++) await create({ integrationId: id });
    const recorded = recordStatements(app.app.pool);
    const nodes = await ask(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Integration { webhookSubscriptions(first: 2) { totalCount pageInfo { hasNextPage } nodes { id } } } } }',
      { ids },
    );
    recorded.stop();
    for (const one of nodes)
      expect(one.webhookSubscriptions).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true }, nodes: [{}, {}] });
    expect(recorded.statements).toHaveLength(2);
  });

  it('and environments are of the own organization, or not found', async () => {
    const theirs = await node('Integration', app.stranger);
    const user = await app.idOf('User', 'first_name', 'Ada');
    for (const integrationId of [theirs, user, 'nonsense'])
      expect((await create({ integrationId })).errors).toEqual([{ field: 'integrationId', message: 'not found', type: 'NOT_FOUND' }]);
    const [here, there] = [await node('Environment'), await node('Environment', app.stranger)];
    expect((await create({ environmentIds: [here, here] })).webhookSubscription.environments).toEqual([{ id: here }]);
    expect((await create({ environmentIds: [here, there] })).errors).toEqual([
      { field: 'environmentIds', message: 'has an id that was not found', type: 'NOT_FOUND' },
    ]);
    const { rows } = await app.database.pool.query('SELECT environment_ids FROM hookgraph.subscriptions WHERE environment_ids IS NOT NULL');
    expect(rows).toEqual([{ environment_ids: [app.app.webhooks.engine.host.fromGlobalId(here)?.key] }]);
  });
});
