import type { GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, listDeliveries, listErrors, toPage } from '../../src/webhooks/index.js';
import { insertAttempt, insertDeliveries, insertErrors } from '../support/engine-rows.js';
import { recordStatements } from '../support/record-statements.js';
import { owner, stranger } from '../webhooks/operations/save/thing-engine.js';
import { type ApiWorld, apiWorld, ask } from './api-world.js';

let world: ApiWorld;
let schema: GraphQLSchema;
beforeAll(async () => {
  world = await apiWorld();
  Object.assign(world.engine.host, { nodes: [{ typename: 'Thing', key: ['id'], columns: {}, table: {}, tenant: {} }] });
  schema = world.api().schema;
});
afterAll(() => world.db.close());

async function read(source: string, actor: Actor = owner) {
  const { statements, stop } = recordStatements(world.db.pool);
  const { data, errors } = await ask(schema, source, { actor });
  stop();
  expect(errors).toBeUndefined();
  const [value] = Object.values(data) as [{ nodes: Record<string, unknown>[]; totalCount?: number }];
  return { ...value, statements };
}

it('gives lists their last delivery and last attempt in one statement each, and reads bodies only where they are selected', async () => {
  const actor = { ...owner, userId: 'reader of the last' };
  const ids = await Promise.all([1, 2, 3, 4].map(() => world.create({}, actor)));
  const bare = ids.pop();
  const newest = new Map<string, string>();
  for (const id of ids)
    for (const delivery of await insertDeliveries(world.db.pool, id, 2)) {
      for (const number of [1, 2]) await insertAttempt(world.db.pool, delivery, { number });
      if (BigInt(delivery) > BigInt(newest.get(id) ?? 0)) newest.set(id, delivery);
    }
  const list = (selection: string) =>
    read(
      `{ webhookSubscriptions { nodes { databaseId lastDelivery { databaseId lastAttempt { ${selection} } attempts { ${selection} } } } } }`,
      actor,
    );
  const light = await list('number outcome durationMs timings response { status }');
  const shown = new Map(light.nodes.map(({ databaseId, lastDelivery }) => [databaseId, lastDelivery]));
  for (const id of ids)
    expect(shown.get(id)).toMatchObject({
      databaseId: newest.get(id),
      lastAttempt: { number: 2, response: null },
      attempts: [{ number: 1 }, { number: 2 }],
    });
  expect(shown.get(bare)).toBeNull();
  expect(light.statements).toHaveLength(4);
  expect(light.statements.filter((text) => text.includes('request_body'))).toEqual([]);
  const whole = await list('request { url headers body bodyBytes bodyOmitted }');
  expect(whole.statements.length).toBeLessThanOrEqual(6);
  const request = { url: 'https://x/', headers: { a: 'b' }, body: '{}', bodyBytes: 2, bodyOmitted: null };
  const one = whole.nodes.find(({ databaseId }) => databaseId === ids[0]);
  expect(one).toMatchObject({ lastDelivery: { lastAttempt: { request }, attempts: [{ request }, { request }] } });
});

describe('a list of subscriptions', () => {
  const actor = { ...owner, userId: 'searcher' };
  const ids: Record<string, string> = {};
  const names = async (args: string, as = actor) =>
    (await read(`{ webhookSubscriptions${args && `(${args})`} { nodes { name } totalCount } }`, as)).nodes.map(({ name }) => name);
  beforeAll(async () => {
    ids.crm = await world.create({ name: 'CRM', callbackUrl: 'https://8.8.8.8/crm', sharedSecret: 'hidden-word' }, actor);
    ids.audit = await world.create({ name: 'audit', topic: { key: 'thing/deleted' }, disabled: true }, actor);
    ids.bill = await world.create(
      { name: 'Billing', query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Thing { name } } }' },
      actor,
    );
    ids.none = await world.create({}, actor);
    const { pool } = world.db;
    await pool.query(`UPDATE hookgraph.subscriptions SET broken_at = now(), broken_reason = 'x' WHERE id = $1`, [ids.bill]);
    await pool.query('UPDATE hookgraph.subscriptions SET paced = true WHERE id = $1', [ids.crm]);
    await pool.query(`INSERT INTO hookgraph.paces (subscription_id, state) VALUES ($1, 'PROBING')`, [ids.crm]);
    await insertDeliveries(pool, ids.audit, 1);
    await insertDeliveries(pool, ids.crm, 1);
  });

  it.each([
    ['', ['CRM', 'audit', 'Billing', null]],
    ['statuses: [HELD]', ['Billing']],
    ['statuses: [HELD, DISABLED]', ['audit', 'Billing']],
    ['statuses: [DELETED]', []],
    ['statuses: []', []],
    ['paceStates: [PROBING, SLOWED]', ['CRM']],
    ['paceStates: [SLOWED]', []],
    ['search: "crm"', ['CRM']],
    ['search: "  "', ['CRM', 'audit', 'Billing', null]],
    ['search: "THING/created 8.8.8.8/hook"', ['Billing', null]],
    ['search: "thing/deleted"', ['audit']],
    ['search: "... on Thing"', ['Billing']],
    ['search: "hidden-word"', []],
    ['search: "%"', []],
    ['search: "\\u0000crm"', ['CRM']],
    ['search: "callbackUrl"', []],
    ['orderBy: CREATED_AT_DESC', [null, 'Billing', 'audit', 'CRM']],
    ['orderBy: NAME_ASC', [null, 'audit', 'Billing', 'CRM']],
    ['orderBy: NAME_DESC, last: 2', ['audit', null]],
    ['orderBy: LAST_DELIVERY_DESC, first: 2', ['CRM', 'audit']],
    ['search: "thing", statuses: [ENABLED], topicKey: "thing/created", orderBy: NAME_ASC', [null, 'CRM']],
  ])('%s', async (args, expected) => {
    const found = await names(args);
    expect(args.includes('first:') || args.includes('last:') ? found : [...found]).toEqual(expected);
  });

  it('finds a subscription by either of its ids, and only for its owner', async () => {
    for (const id of [ids.bill, `WebhookSubscription:${ids.bill}`]) {
      expect(await names(`search: "${id}"`)).toEqual(['Billing']);
      expect(await names(`search: "${id}"`, { ...actor, userId: 'nobody' })).toEqual([]);
      expect(await names(`search: "${id}"`, stranger)).toEqual([]);
    }
  });

  it.each(['NAME_ASC', 'NAME_DESC', 'LAST_DELIVERY_DESC', 'UPDATED_AT_ASC', 'CREATED_AT_DESC'])(
    '%s: walks pages both ways',
    async (order) => {
      const whole = await names(`orderBy: ${order}`);
      for (const [size, cursor, edge] of [
        ['first', 'after', 'endCursor'],
        ['last', 'before', 'startCursor'],
      ]) {
        const seen: unknown[] = [];
        let next = '';
        for (let page = 0; page < 4; page++) {
          const { nodes, pageInfo } = (await read(
            `{ webhookSubscriptions(orderBy: ${order}, ${size}: 1${next}) { nodes { name } pageInfo { hasNextPage hasPreviousPage ${edge} } } }`,
            actor,
          )) as never as { nodes: { name: string }[]; pageInfo: Record<string, unknown> };
          seen.push(...nodes.map(({ name }) => name));
          expect(pageInfo[size === 'first' ? 'hasNextPage' : 'hasPreviousPage']).toBe(page < 3);
          next = `, ${cursor}: "${pageInfo[edge as string]}"`;
        }
        expect(size === 'first' ? seen : seen.reverse()).toEqual(whole);
      }
    },
  );
});

it('has each version whole, and saves no change of a version that another one has replaced', async () => {
  const actor = { ...owner, userId: 'editor' };
  const id = await world.create({ template: '1', sharedSecret: 'hidden' }, actor);
  const update = async (template: string, expectedVersion: number) => {
    const source = `mutation { updateWebhookSubscription(webhookSubscription: { id: "${id}" template: "${template}" expectedVersion: ${expectedVersion} }) {
      errors { field type message } webhookSubscription { version } } }`;
    return (await ask(schema, source, { actor })).data.updateWebhookSubscription;
  };
  expect(await update('2', 1)).toEqual({ errors: [], webhookSubscription: { version: 2 } });
  expect(await update('3', 1)).toEqual({
    errors: [{ field: 'expectedVersion', type: 'CONFLICT', message: expect.stringContaining('has version 2; nothing was saved') }],
    webhookSubscription: null,
  });
  const both = await Promise.all([update('4', 2), update('5', 2)]);
  expect(both.map(({ errors }) => errors.length).sort()).toEqual([0, 1]);
  const versions = async (args: string, as = actor) => {
    const { data } = await ask(
      schema,
      `{ webhookSubscription(id: "${id}") { versions(${args}) { number createdById createdAt definition } } }`,
      { actor: as },
    );
    return data.webhookSubscription?.versions ?? null;
  };
  const all = await versions('first: 9');
  expect(all).toMatchObject([
    { number: 3 },
    { number: 2, definition: { template: '2' } },
    { number: 1, createdById: 'editor', definition: { template: '1' } },
  ]);
  expect(JSON.stringify(all)).not.toContain('hidden');
  expect(await versions('first: 1, before: 3')).toMatchObject([{ number: 2 }]);
  expect(await versions('first: 1', stranger)).toBeNull();
});

describe('a list of deliveries', () => {
  const actor = { ...owner, userId: 'filterer' };
  const made: Record<string, string> = {};
  const attempts: Record<string, string> = {};
  let subscription: string;
  const found = async (args: string, as = actor) => {
    const { nodes } = await read(`{ webhookDeliveries(${args}) { nodes { databaseId } } }`, as);
    const nested = await read(`{ webhookSubscriptions { nodes { deliveries(${args}) { totalCount nodes { databaseId } } } } }`, as);
    const lists = nested.nodes.map(({ deliveries }) => deliveries as { totalCount: number; nodes: { databaseId: string }[] });
    const idsOf = (rows: Record<string, unknown>[]) => rows.map(({ databaseId }) => databaseId);
    expect(lists.flatMap((list) => idsOf(list.nodes))).toEqual(idsOf(nodes));
    expect(lists.reduce((sum, { totalCount }) => sum + totalCount, 0)).toBe(nodes.length);
    return idsOf(nodes).map((id) => Object.keys(made).find((name) => made[name] === id));
  };
  beforeAll(async () => {
    subscription = await world.create({}, actor);
    const { pool } = world.db;
    // Each of these deliveries is about the node Thing:1.
    const deliver = async (name: string, state: string, ...tried: Parameters<typeof insertAttempt>[2][]) => {
      const [id] = await insertDeliveries(pool, subscription, 1, { state, attemptCount: tried.length });
      made[name] = id as string;
      for (const [index, one] of tried.entries())
        attempts[name] = await insertAttempt(world.db.pool, made[name] as string, { number: index + 1, ...one });
    };
    await deliver('new', 'PENDING');
    await deliver('refused', 'RETRYING', { message: 'connect ECONNREFUSED' });
    await deliver('500', 'FAILED', { stage: 'STATUS', status: 500, message: 'The receiver answered with status 500: no Such thing.' });
    await deliver('well', 'DELIVERED', { stage: 'STATUS', status: 503 }, { outcome: 'DELIVERED', stage: null, status: 204 });
    await deliver('old', 'FAILED', { stage: 'STATUS', status: 500 });
    await pool.query(`UPDATE hookgraph.deliveries SET node_key = '2', kind = 'RESEND' WHERE id = $1`, [made.well]);
    const old = await pool.query(
      `UPDATE hookgraph.deliveries SET id = hookgraph.id_at(now() - interval '8 days'), created_at = now() - interval '8 days' WHERE id = $1 RETURNING id`,
      [made.old],
    );
    await pool.query('UPDATE hookgraph.attempts SET delivery_id = $2 WHERE delivery_id = $1', [made.old, old.rows[0].id]);
    made.old = old.rows[0].id;
  });

  it.each([
    ['first: 9', ['well', '500', 'refused', 'new', 'old']],
    ['nodeId: "Thing:2"', ['well']],
    ['nodeId: "Thing:1"', ['500', 'refused', 'new']],
    ['nodeId: "Thing:1", createdAtMin: "2026-01-01"', ['500', 'refused', 'new', 'old']],
    ['nodeId: "Other:1"', []],
    ['nodeId: "nonsense"', []],
    ['nodeId: "Thing:\\u0000"', []],
    ['kinds: [RESEND, TEST]', ['well']],
    ['stages: [STATUS]', ['500']],
    ['stages: [STATUS, CONNECT]', ['500', 'refused']],
    ['responseStatusMin: 500, responseStatusMax: 599', ['500']],
    ['responseStatusMin: 200, responseStatusMax: 299', ['well']],
    ['responseStatusMax: 500', ['well', '500']],
    ['responseStatusMin: 503, responseStatusMax: 503', []],
    ['updatedAtMin: "2099-01-01"', []],
    ['updatedAtMin: "2020-01-01", states: [RETRYING]', ['refused']],
    ['search: "SUCH status"', ['500']],
    ['search: "econnrefused"', ['refused']],
    ['search: "such nothing"', []],
    ['search: "Thing:2"', ['well']],
    ['search: "Thing:2", nodeId: "Thing:1"', []],
    ['search: "Thing:1", stages: [CONNECT]', ['refused']],
    ['search: "99999999999999999999"', []],
    ['search: "", states: [FAILED]', ['500', 'old']],
  ])('%s', async (args, expected) => {
    expect(await found(args)).toEqual(expected);
  });

  it('finds a delivery by any id that belongs to it, and only for its owner', async () => {
    const { rows } = await world.db.pool.query('SELECT event_id FROM hookgraph.deliveries WHERE id = $1', [made['500']]);
    const ids = [made['500'], attempts['500'], rows[0].event_id].flatMap((id, index) => [
      id,
      `${['WebhookDelivery', 'WebhookAttempt', 'WebhookEvent'][index]}:${id}`,
    ]);
    for (const id of ids) {
      expect(await found(`search: "${id}"`)).toEqual(['500']);
      expect(await found(`search: "${id}"`, { ...actor, userId: 'nobody' })).toEqual([]);
    }
    expect(await found(`search: "${made.old}"`)).toEqual(['old']);
    const { rows: replay } = await world.db.pool.query(
      `INSERT INTO hookgraph.replays (subscription_id, requested_by, from_at, to_at, position, state, includes_delivered) VALUES ($1, 'filterer', now(), now(), 1, 'DONE', true) RETURNING id`,
      [subscription],
    );
    await world.db.pool.query(`UPDATE hookgraph.deliveries SET kind = 'REPLAY', replay_id = $2 WHERE id = $1`, [made['500'], replay[0].id]);
    expect(await found(`search: "${rows[0].event_id}"`)).toEqual(['500']);
    await world.db.pool.query(`UPDATE hookgraph.deliveries SET kind = 'RESEND', replay_id = NULL WHERE id = $1`, [made['500']]);
    expect(await found(`search: "${rows[0].event_id}"`)).toEqual(['500']);
    await world.db.pool.query(`UPDATE hookgraph.deliveries SET kind = 'LIVE' WHERE id = $1`, [made['500']]);
  });

  it('reads the index of each subscription, and not the primary key once for each', async () => {
    const busy = await world.create({}, actor);
    await insertDeliveries(world.db.pool, busy, 2_000, { state: 'DELIVERED' });
    await world.db.pool.query('ANALYZE hookgraph.deliveries');
    const plans: string[] = [];
    const explaining = {
      query: async (text: string, values: unknown[]) => {
        const { rows } = await world.db.pool.query(`EXPLAIN ${text}`, values);
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
        return { rows: [] };
      },
    };
    for (const filter of [{}, { states: ['HELD' as const] }, { node: { typename: 'Thing', key: '1' } }])
      await listDeliveries(explaining as never, actor, null, filter, toPage({}));
    expect(plans[0]).toContain('using deliveries_of_subscription');
    for (const plan of plans) expect(plan).not.toContain('deliveries_pkey');
    await insertErrors(world.db.pool, busy, 2_000);
    await world.db.pool.query('ANALYZE hookgraph.attempts');
    await listErrors(explaining as never, actor, null, {}, toPage({}));
    expect(plans.at(-1)).toContain('subscription_id_id_idx');
    expect(plans.at(-1)).not.toMatch(/attempts\w*_pkey/);
  });
});
