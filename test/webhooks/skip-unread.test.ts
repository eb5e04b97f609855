// Promise: a subscription with skipUnread gets no update that changed only values that it doesn't read, but every other update.
import { buildSchema, parse } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnnouncedNode } from '../../src/webhooks/base/announced-node.js';
import { readColumns } from '../../src/webhooks/base/query/read-columns.js';
import { resendDelivery, type SubscriptionInput, unreadUpdatesOf, whyNot } from '../../src/webhooks/index.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

describe('the columns that a definition reads', () => {
  const schema = buildSchema(`
    interface Node { id: ID! }
    type User implements Node { id: ID! name: String email: String initials: String changedAt: String team: Team }
    type Team implements Node { id: ID! title: String members: [User!] size: Int }
    type Query { node(id: ID!): Node user(id: ID!): User users: [User!] }`);
  const announced = (typename: string, columns: Record<string, string>, updatedAt?: string): AnnouncedNode =>
    ({
      typename,
      table: { schema: 'public', name: typename },
      key: ['id'],
      columns,
      tenant: { column: 'org' },
      updatedAt,
    }) as AnnouncedNode;
  const user = announced('User', { id: 'id', full_name: 'name', email: 'email', changed_at: 'changedAt', team_id: 'team' }, 'changed_at');
  const nodes = [user, announced('Team', { id: 'id', title: 'title' })];
  const read = (query: string | null, ...eventPaths: string[][]) => {
    const columns = readColumns(schema, { node: user, nodes, document: query === null ? null : parse(query), eventPaths });
    return columns && [...columns].sort();
  };
  const ofUser = (fields: string) => `query ($nodeId: ID!) { node(id: $nodeId) { ... on User { ${fields} } } }`;

  it('are those of the fields of the query and of the events', () => {
    expect(read(ofUser('name'))).toEqual(['full_name']);
    expect(read('query ($id: ID!) { user(id: $id) { id ...F } } fragment F on User { email __typename }')).toEqual(['email']);
    expect(read(ofUser('name'), ['before', 'email'], ['operation'], ['actor', 'userId'])).toEqual(['email', 'full_name']);
  });
  it('are those that lead to other rows, and of rows of its own type that are reached by them', () => {
    expect(read(ofUser('team { title }'))).toEqual(['team_id']);
  });
  it('are any, where a column may decide that nobody knows of', () => {
    expect(read(null)).toBeNull();
    expect(read(ofUser('name initials'))).toBeNull();
    expect(read(ofUser('team { size }'))).toBeNull();
    expect(read(ofUser('changedAt'))).toBeNull();
    expect(read('query ($id: ID!) { user(id: $id) { name } users { name } }')).toBeNull();
    expect(read(ofUser('name'), ['changed'])).toBeNull();
    expect(read(ofUser('name'), [])).toBeNull();
  });
});

describe('deliveries', () => {
  let world: EngineWorld;
  beforeAll(async () => {
    world = await startEngineWorld();
  });
  afterEach(() => world.clear());
  afterAll(() => world.close());

  const reading = (field: string) => `query ($nodeId: ID!) { node(id: $nodeId) { ... on Thing { ${field} } } }`;
  const subscribe = (path: string, input: Partial<SubscriptionInput>) =>
    world.subscribe({ topic: { key: 'thing/updated' }, callbackUrl: `${world.receiver.url}/${path}`, skipUnread: true, ...input });
  const stateOf = async (id: string) => (await deliveriesOf(world.db.pool, id)).map(({ state, reason }) => `${state} ${reason}`).join();

  it('are skipped when the update changed nothing that is read, and only then', async () => {
    await world.insertThings('a');
    const skips = await subscribe('skips', { query: reading('org') });
    const others = await Promise.all([
      subscribe('reads', { query: reading('name') }),
      subscribe('all', { query: reading('org'), skipUnread: false }),
      subscribe('changed', { query: reading('org'), template: '{"changed": {{ event.changed | json }}}' }),
      subscribe('plain', { query: null }),
    ]);
    await world.db.pool.query("UPDATE public.things SET name = 'b'");
    await world.work();
    await until('all have ended', async () => (await Promise.all(others.map(stateOf))).every((state) => state === 'DELIVERED null'));
    await until('one is skipped', async () => (await stateOf(skips)) === 'SKIPPED UNREAD');
    expect(world.receiver.requests.map(({ path }) => path).sort()).toEqual(['/all', '/changed', '/plain', '/reads']);
    const counted = await unreadUpdatesOf(world.webhooks.engine, OWNER, [skips, ...others]);
    const id = (index: number) => others[index] as string;
    expect([...counted]).toEqual(
      expect.arrayContaining([
        [skips, { considered: 1, unread: 1 }],
        [id(0), { considered: 1, unread: 0 }],
        [id(1), { considered: 1, unread: 1 }],
      ]),
    );
    // Two others aren't counted, because any column may matter: one reads `event.changed`, and one has no query.
    expect(counted.size).toBe(3);
    expect(await unreadUpdatesOf(world.webhooks.engine, { ...OWNER, userId: 'stranger' }, [skips])).toEqual(new Map());
    const found = await whyNot(world.webhooks.engine, OWNER, { subscriptionId: skips, nodeId: null, since: null });
    expect(found?.findings[0]).toMatchObject({ code: 'UNREAD_CHANGE', delivery: { attemptCount: 0 } });
    const [delivery] = await deliveriesOf(world.db.pool, skips);
    await resendDelivery(world.webhooks.engine, OWNER, delivery.id, { asNew: true });
    await until('it is sent on request', () => world.receiver.requests.some(({ path }) => path === '/skips'));
  });
});
