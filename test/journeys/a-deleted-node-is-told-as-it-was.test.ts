// Promise: the query of a `deleted` topic sees the node and its relations as they were; so does any query that runs after the deletion.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { encodeGlobalId } from '../../src/sample/graph/global-id.js';
import { createUser, organizationId, untilSettled } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';

const USER = `query ($nodeId: ID!) { node(id: $nodeId) { id __typename ... on User {
  databaseId firstName name email admin jobTitle createdAt originGroup { name } organization { name permalink } } } }`;
const SESSION = `query ($nodeId: ID!) { node(id: $nodeId) { ... on ScenarioSession {
  state sessionType startedAt endedAt duration percentOfStepsViewed externalData scenario { name } createdBy { name } } } }`;

let product: RunningProduct;
let receiver: Receiver;
let acme: string;
beforeAll(async () => {
  product = await runProduct();
  receiver = await startReceiver();
  acme = await organizationId(product);
  for (const key of ['user/deleted', 'user/created'])
    await product.subscribe({ topic: { key }, callbackUrl: `${receiver.url}/${key}`, query: USER, coalescing: 'NONE' });
  await product.subscribe({ topic: { key: 'scenario_session/deleted' }, callbackUrl: receiver.url, query: SESSION });
});
afterAll(async () => {
  await receiver?.close();
  await product?.close();
});
beforeEach(() => {
  receiver.requests.length = 0;
});

/** Returns the nodes in the bodies that arrived at this path. */
async function told(path: string): Promise<unknown[]> {
  await untilSettled(product);
  return receiver.requests.filter((request) => request.path === path).map(({ body }) => JSON.parse(body).data.node);
}

it('tells of a deleted user their attributes, their group and their organization', async () => {
  const { groups } = await product.graphql('{ groups(first: 1) { nodes { id name } } }');
  const [group] = groups.nodes;
  const { id, databaseId } = await createUser(product, {
    firstName: 'Gone',
    lastName: 'Girl',
    email: 'gone@acme.example',
    jobTitle: 'Author "of" herself',
    originGroupId: group.id,
  });
  const { node } = await product.graphql('query ($id: ID!) { node(id: $id) { ... on User { createdAt } } }', { id });
  const { deleteUser } = await product.graphql('mutation ($id: ID) { deleteUser(user: { id: $id }) { errors { message } user { id } } }', {
    id,
  });
  expect(deleteUser).toEqual({ errors: [], user: { id } });
  expect(await told('/user/deleted')).toEqual([
    {
      id,
      __typename: 'User',
      databaseId,
      firstName: 'Gone',
      name: 'Gone Girl',
      email: 'gone@acme.example',
      admin: false,
      jobTitle: 'Author "of" herself',
      createdAt: node.createdAt,
      originGroup: { name: group.name },
      organization: { name: 'Acme Training', permalink: 'acme' },
    },
  ]);
});

it('tells of a deleted session with every type of column, and what is computed from them', async () => {
  const { rows } = await product.pool.query(
    `INSERT INTO scenario_sessions (organization_id, scenario_id, created_by_id, state, session_type, started_at, ended_at,
       number_of_steps_possible, number_of_steps_viewed, external_data)
     SELECT s.organization_id, s.id, u.id, 'COMPLETED', 'exam', '2026-01-02T03:04:05.678Z', '2026-01-02T03:05:05.678Z', 8, 6, '{"order": ["a", 1, null]}'
     FROM scenarios s JOIN users u ON u.email = 'grace@acme.example' WHERE s.name LIKE 'Change the filter%' RETURNING id`,
  );
  await product.pool.query('DELETE FROM scenario_sessions WHERE id = $1', [rows[0].id]);
  expect(await told('/')).toEqual([
    {
      state: 'COMPLETED',
      sessionType: 'exam',
      startedAt: '2026-01-02T03:04:05.678Z',
      endedAt: '2026-01-02T03:05:05.678Z',
      duration: 60,
      percentOfStepsViewed: 75,
      externalData: { order: ['a', 1, null] },
      scenario: { name: 'Change the filter of a pump' },
      createdBy: { name: 'Grace Hopper' },
    },
  ]);
});

it('tells of what goes in a cascade, without the parent that went as well', async () => {
  await product.pool.query(
    `WITH s AS (INSERT INTO scenarios (organization_id, name) VALUES ($1, 'doomed') RETURNING id)
     INSERT INTO scenario_sessions (organization_id, scenario_id, session_type) SELECT $1, id, unnest('{first,second}'::text[]) FROM s`,
    [acme],
  );
  await product.pool.query(`DELETE FROM scenarios WHERE name = 'doomed'`);
  const sessions = (await told('/')) as { sessionType: string; scenario: unknown }[];
  expect(sessions.map(({ sessionType, scenario }) => [sessionType, scenario]).sort()).toEqual([
    ['first', null],
    ['second', null],
  ]);
});

it('tells of a created node whose row is gone when the query runs, as it was when it was created', async () => {
  const client = await product.pool.connect();
  await client.query('BEGIN');
  const { rows } = await client.query(
    `INSERT INTO users (organization_id, first_name, last_name, email) VALUES ($1, 'Brief', 'Encounter', 'brief@acme.example') RETURNING id`,
    [acme],
  );
  await client.query(`UPDATE users SET first_name = 'Changed' WHERE id = $1`, [rows[0].id]);
  await client.query('DELETE FROM users WHERE id = $1', [rows[0].id]);
  await client.query('COMMIT');
  client.release();
  const id = encodeGlobalId('User', rows[0].id);
  expect(await told('/user/created')).toMatchObject([
    { id, name: 'Brief Encounter', email: 'brief@acme.example', organization: { name: 'Acme Training' } },
  ]);
  expect(await told('/user/deleted')).toMatchObject([{ id, name: 'Changed Encounter' }]);
});

it('tells of a node that is still there as it is when the query runs', async () => {
  const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }';
  await product.subscribe({ topic: { key: 'group/created' }, callbackUrl: `${receiver.url}/group`, query });
  const client = await product.pool.connect();
  await client.query('BEGIN');
  await client.query(`INSERT INTO groups (organization_id, name) VALUES ($1, 'before')`, [acme]);
  await client.query(`UPDATE groups SET name = 'after' WHERE name = 'before'`);
  await client.query('COMMIT');
  client.release();
  expect(await told('/group')).toEqual([{ name: 'after' }]);
});
