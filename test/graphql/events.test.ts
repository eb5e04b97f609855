import { GraphQLError, type GraphQLField, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Viewer } from '../../src/auth/viewer.js';
import { listEvents } from '../../src/webhooks/base/store/events.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { type TestApp, testApp } from '../support/app.js';
import { recordStatements } from '../support/record-statements.js';

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app.close());

const FIELDS = 'databaseId operation nodeId nodeType changedFields before after actor';
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
async function list(args: string, fields = FIELDS, as?: Viewer): Promise<any> {
  return app.value(
    `{ webhookEvents(${args}) { nodes { ${fields} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
    {},
    as,
  );
}
const create = async (name: string): Promise<string> =>
  (await app.value(`mutation ($in: GroupInput) { createGroup(group: $in) { group { id } } }`, { in: { name } })).group.id;
const change = (verb: string, id: string, more: object = {}) =>
  app.value(`mutation ($in: GroupInput) { ${verb}Group(group: $in) { errors { message } } }`, { in: { id, ...more } });
const relay = () => relayOnce(app.database.pool);

it('lists events with the values before and after, and who wrote', async () => {
  const id = await create('One');
  await change('update', id, { name: 'Two' });
  await change('delete', id);
  for (const round of ['captured', 'relayed']) {
    const { nodes } = await list(`nodeId: "${id}"`);
    expect(nodes, round).toMatchObject([
      { operation: 'DELETED', before: { name: 'Two' }, after: null, changedFields: [] },
      { operation: 'UPDATED', before: { name: 'One' }, after: { name: 'Two' }, changedFields: expect.arrayContaining(['name']) },
      { operation: 'CREATED', before: null, after: { name: 'One' } },
    ]);
    for (const node of nodes) expect(node).toMatchObject({ nodeId: id, nodeType: 'Group', actor: { userId: app.admin.userId } });
    expect((await list(`nodeId: "${id}", operation: UPDATED`)).nodes).toHaveLength(1);
    expect((await list(`nodeId: "${id}", nodeType: "User"`)).nodes).toEqual([]);
    expect((await list(`nodeId: "${id}", occurredAtMin: "2099-01-01"`)).nodes).toEqual([]);
    expect((await list(`nodeId: "${id}", occurredAtMax: "2020-01-02"`)).nodes).toEqual([]);
    expect((await list(`nodeId: "nonsense"`)).nodes).toEqual([]);
    expect((await list(`nodeId: "${id}"`, FIELDS, app.stranger)).nodes).toEqual([]);
    await relay();
  }
});

it('walks pages both ways, and leaves out the parts of a transaction that another event sums up', async () => {
  const id = await create('A');
  await change('update', id, { name: 'B' });
  const { database } = app;
  const key = app.app.webhooks.engine.host.fromGlobalId(id)?.key;
  const client = await database.pool.connect();
  await client.query('BEGIN');
  for (const name of ['C', 'D']) await client.query('UPDATE groups SET name = $2 WHERE id = $1', [key, name]);
  await client.query('COMMIT');
  client.release();
  await relay();
  const all = (await list(`nodeId: "${id}"`, 'databaseId before after')).nodes;
  expect(all).toMatchObject([{ before: { name: 'B' }, after: { name: 'D' } }, { after: { name: 'B' } }, { after: { name: 'A' } }]);
  for (const [size, cursor, edge, more] of [
    ['first', 'after', 'endCursor', 'hasNextPage'],
    ['last', 'before', 'startCursor', 'hasPreviousPage'],
  ] as const) {
    const seen: unknown[] = [];
    let next = '';
    for (let page = 0; page < 3; page++) {
      const { nodes, pageInfo } = await list(`nodeId: "${id}", ${size}: 1${next}`, 'databaseId');
      seen.push(nodes[0].databaseId);
      if (page < 2) expect(pageInfo[more]).toBe(true);
      next = `, ${cursor}: "${pageInfo[edge]}"`;
    }
    if (size === 'last') seen.reverse();
    expect(seen).toEqual(all.map(({ databaseId }: { databaseId: string }) => databaseId));
    const end = await list(`nodeId: "${id}", ${size}: 9${next}`, 'databaseId');
    expect([end.nodes, end.pageInfo[more], end.pageInfo.endCursor]).toEqual([[], false, null]);
  }
});

it('stops reading where others wrote too much, and goes on from there', async () => {
  const owner = { tenant: app.admin.organizationId, userId: app.admin.userId };
  await create('Rare');
  await relay();
  for (let index = 0; index < 5; index++)
    await app.value('mutation { createEnvironment(environment: { name: "noise" }) { errors { message } } }');
  await relay();
  const found: string[] = [];
  let [empty, after]: [number, string | null] = [0, null];
  for (let page = 0; page < 9 && found.length === 0; page++) {
    const read = await listEvents(app.database.pool, owner, { typename: 'Group' }, { limit: 1, backward: false, after, before: null }, 2);
    found.push(...read.rows.map(({ typename }) => typename));
    if (read.rows.length === 0) empty += 1;
    expect(read.hasNextPage).toBe(true);
    after = read.rows.at(-1)?.id ?? read.readUpTo;
  }
  expect([found, empty]).toEqual([['Group'], 2]);
});

it('says for each event what each subscription decided, and why', async () => {
  const input = (more: object) => ({ topic: { key: 'group/updated' }, callbackUrl: 'https://8.8.8.8/hook', ...more });
  const subscribe = async (more: object, as?: Viewer) => {
    const { webhookSubscription } = await app.value(
      'mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { webhookSubscription { id } } }',
      { in: input(more) },
      as,
    );
    return webhookSubscription.id as string;
  };
  const id = await create('Decided');
  await relay();
  const [wanted, off, created] = [
    await subscribe({ name: 'wanted' }),
    await subscribe({ name: 'off', disabled: true }),
    await subscribe({ name: 'created', topic: { key: 'group/created' } }),
  ];
  await subscribe({ name: 'users', topic: { key: 'user/updated' } });
  await change('update', id, { name: 'Changed' });
  const decisions = 'decisions { code reason delivery { state } webhookSubscription { id } }';
  const [waiting] = (await list(`nodeId: "${id}", first: 1`, decisions)).nodes;
  expect(waiting.decisions.map(({ code }: { code: string }) => code)).toEqual(['NOT_RELAYED', 'NOT_RELAYED', 'NOT_RELAYED']);
  await relay();
  const { nodes } = await list(`nodeId: "${id}"`, `operation ${decisions}`);
  const shown = (event: { decisions: { code: string; delivery: { state: string } | null; webhookSubscription: { id: string } }[] }) =>
    event.decisions.map(({ code, delivery, webhookSubscription }) => [webhookSubscription.id, code, delivery?.state ?? null]);
  expect(shown(nodes[0])).toEqual([
    [wanted, 'NOT_CLAIMED', 'PENDING'],
    [off, 'SKIPPED_DISABLED', 'SKIPPED'],
    [created, 'OTHER_OPERATION', null],
  ]);
  expect(shown(nodes[1])).toEqual([
    [created, 'OLDER_THAN_SUBSCRIPTION', null],
    [wanted, 'OTHER_OPERATION', null],
    [off, 'OTHER_OPERATION', null],
  ]);
  expect(nodes[0].decisions[0].reason).toContain('no worker has claimed it yet');
});

it('finds events by who wrote, and by what was decided about them', async () => {
  const topic = { key: 'group/updated' };
  const CREATE_ONE =
    'mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { webhookSubscription { id } } }';
  const { webhookSubscription } = await app.value(CREATE_ONE, { in: { topic, callbackUrl: 'https://8.8.8.8/hook', disabled: true } });
  const [mine, other] = [await create('Mine'), await create('Other')];
  await change('update', mine, { name: 'Mine too' });
  const key = app.app.webhooks.engine.host.fromGlobalId(other)?.key;
  await app.database.pool.query(`UPDATE groups SET name = 'Written without an actor' WHERE id = $1`, [key]);
  await relay();
  const found = async (args: string, as?: Viewer) =>
    (await list(`nodeType: "Group", first: 100, ${args}`, 'nodeId operation', as)).nodes.map(
      ({ nodeId, operation }: { nodeId: string; operation: string }) => [
        nodeId === mine ? 'mine' : nodeId === other ? 'other' : '',
        operation,
      ],
    );
  const actor = `actor: { userId: ${JSON.stringify(String(app.admin.userId))} }`;
  const subscription = `webhookSubscriptionId: "${webhookSubscription.id}"`;
  expect(await found(`nodeId: "${mine}", ${actor}`)).toEqual([
    ['mine', 'UPDATED'],
    ['mine', 'CREATED'],
  ]);
  expect(await found(`nodeId: "${other}", ${actor}`)).toEqual([['other', 'CREATED']]);
  expect(await found(`nodeId: "${mine}", actor: { userId: "nobody" }`)).toEqual([]);
  expect(await found(`decisions: [SKIPPED_DISABLED], ${subscription}`)).toEqual([
    ['other', 'UPDATED'],
    ['mine', 'UPDATED'],
  ]);
  expect(await found(`decisions: [SKIPPED_DISABLED], ${subscription}, ${actor}`)).toEqual([['mine', 'UPDATED']]);
  expect(await found(`decisions: [SKIPPED_DISABLED]`, app.stranger)).toEqual([]);
  expect(await found(`${subscription}, nodeId: "${mine}"`, app.stranger)).toEqual([]);
  // Reads page by page, forwards and backwards.
  for (const [size, cursor, edge] of [
    ['first', 'after', 'endCursor'],
    ['last', 'before', 'startCursor'],
  ] as const) {
    const seen: string[] = [];
    let next = '';
    for (let page = 0; page < 3; page++) {
      const { nodes, pageInfo } = await list(`decisions: [SKIPPED_DISABLED], ${subscription}, ${size}: 1${next}`, 'nodeId');
      seen.push(...nodes.map(({ nodeId }: { nodeId: string }) => (nodeId === mine ? 'mine' : 'other')));
      next = `, ${cursor}: "${pageInfo[edge]}"`;
    }
    expect(seen).toEqual(size === 'first' ? ['other', 'mine'] : ['mine', 'other']);
  }
});

it('neither records nor shows a column that the host does not declare', async () => {
  await app.database.pool.query(`ALTER TABLE groups ADD COLUMN IF NOT EXISTS undeclared text DEFAULT 'undeclared 1'`);
  const id = await create('Declared');
  const key = app.app.webhooks.engine.host.fromGlobalId(id)?.key;
  await app.database.pool.query(`UPDATE groups SET undeclared = 'undeclared 2' WHERE id = $1`, [key]);
  await app.database.pool.query(`UPDATE groups SET undeclared = 'undeclared 3', name = 'Declared too' WHERE id = $1`, [key]);
  await relay();
  const { nodes } = await list(`nodeId: "${id}"`);
  expect(nodes).toMatchObject([
    { operation: 'UPDATED', changedFields: expect.arrayContaining(['name']), after: { name: 'Declared too' } },
    { operation: 'CREATED' },
  ]);
  expect(JSON.stringify(nodes)).not.toContain('undeclared');
  const { rows } = await app.database.pool.query(`SELECT e::text AS text FROM hookgraph.events e WHERE node_key = $1`, [key]);
  expect(rows).toHaveLength(2);
  expect(JSON.stringify(rows)).not.toContain('undeclared');
});

it('takes as many statements for many events as for one', async () => {
  for (let index = 0; index < 12; index++) await create(`Many ${index}`);
  await relay();
  const cost: number[] = [];
  for (const args of [
    'first: 1, nodeType: "Group"',
    'first: 12, nodeType: "Group"',
    'first: 12, nodeType: "Group", decisions: [NO_CHANGE]',
  ]) {
    const { statements, stop } = recordStatements(app.database.pool);
    const { nodes } = await list(args, `${FIELDS} decisions { code delivery { id lastAttempt { id } } webhookSubscription { name } }`);
    stop();
    expect(nodes).toHaveLength(args.includes('decisions') ? 0 : Number(/\d+/.exec(args)?.[0]));
    for (const node of nodes) expect(node.after.name).toMatch(/^Many/);
    cost.push(statements.length);
  }
  expect(cost[1]).toBe(cost[0]);
  expect(cost[0]).toBeLessThanOrEqual(10);
  // The events and their decisions are read in one batch.
  expect(cost[2]).toBeLessThanOrEqual(10);
});

it('shows a user only the fields that the host lets them read', async () => {
  const member = await app.idOf('User', 'first_name', 'Alain');
  const input = { id: member, lastName: 'Renamed', username: 'hidden' };
  await app.value('mutation ($in: UserInput) { updateUser(user: $in) { errors { message } } }', { in: input });
  const read = async () => (await list(`nodeId: "${member}", first: 1`, 'before after', app.member)).nodes[0];
  expect((await read()).after).toMatchObject({ firstName: 'Alain', lastName: 'Renamed', username: 'hidden' });
  const { lastName, username } = (app.app.schema.getType('User') as GraphQLObjectType).getFields();
  // A host returns null for a field that this user may not read, or throws. If the field is non-null, its error hides the whole node.
  for (const [field, refuse] of [
    [username, () => null],
    [username, () => Promise.reject(new GraphQLError('forbidden'))],
    [lastName, () => Promise.reject(new GraphQLError('forbidden'))],
  ] as [GraphQLField<unknown, unknown>, () => unknown][]) {
    const { resolve } = field;
    field.resolve = refuse;
    const shown = await read().finally(() => {
      field.resolve = resolve;
    });
    expect(Object.keys(shown.after)).toContain('firstName');
    expect(Object.keys(shown.after)).not.toContain(field.name);
    expect(JSON.stringify(shown)).not.toContain(field === username ? 'hidden' : 'Renamed');
  }
});
