// Promise: every committed change of a row is delivered once, by any writer and any kind of statement; a no-op or a rollback never is.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PrismaClient } from '../../src/generated/nodes/client.js';
import { encodeGlobalId } from '../../src/sample/graph/global-id.js';
import { openPrisma } from '../../src/sample/prisma.js';
import { addToken, createUser, organizationId, untilSettled } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { hasPsql, runSql } from '../support/psql.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';

let product: RunningProduct;
let receiver: Receiver;
let prisma: PrismaClient;
let acme: string;
beforeAll(async () => {
  product = await runProduct();
  receiver = await startReceiver();
  prisma = openPrisma(product.db.url);
  acme = await organizationId(product);
  const topics = ['user', 'group', 'scenario', 'scenario_session'].flatMap((type) =>
    ['created', 'updated', 'deleted'].map((operation) => `${type}/${operation}`),
  );
  for (const key of topics) await product.subscribe({ topic: { key }, callbackUrl: receiver.url });
});
afterAll(async () => {
  await prisma?.$disconnect();
  await receiver?.close();
  await product?.close();
});
beforeEach(() => {
  receiver.requests.length = 0;
});

/** Returns the notifications so far, each as `topic id`. */
async function told(): Promise<string[]> {
  await untilSettled(product, 30_000);
  return receiver.requests.map(({ headers, body }) => `${headers['x-scope-topic']} ${JSON.parse(body).data.id}`).sort();
}

const about = (topic: string, typename: string, keys: string[]) => keys.map((key) => `${topic} ${encodeGlobalId(typename, key)}`);
const sql = async (script: string) => (await runSql(product.db.url, script)).split('\n').filter(Boolean);
const insertGroups = (...names: string[]) =>
  sql(`INSERT INTO groups (organization_id, name) VALUES ${names.map((name) => `('${acme}', '${name}')`).join(', ')} RETURNING id`);

it('tells both ends that a member comes or goes, with the field, and moves their updatedAt', async () => {
  const template =
    '{"data": {"id": {{ notification.nodeId | json }}, "changed": {{ event.changed | json }}, "at": {{ data.node.updatedAt | json }}}}';
  const other = await startReceiver();
  for (const type of ['Group', 'User'])
    await product.subscribe({
      topic: { key: `${type.toLowerCase()}/updated` },
      callbackUrl: other.url,
      query: `query ($nodeId: ID!) { node(id: $nodeId) { ... on ${type} { updatedAt } } }`,
      template,
    });
  const [group = ''] = await insertGroups('with members');
  const [user = ''] = await sql(
    `INSERT INTO users (organization_id, first_name, last_name, updated_at) VALUES ('${acme}', 'A', 'B', '2020-01-01') RETURNING id`,
  );
  await sql(`UPDATE groups SET updated_at = '2020-01-01' WHERE id = '${group}'`);
  const ends = async () => {
    await untilSettled(product, 30_000);
    const bodies = other.requests.splice(0).map(({ body }) => JSON.parse(body.toString()).data);
    expect(bodies.filter(({ at }) => at.startsWith('2020'))).toEqual([]);
    return bodies.map(({ id, changed }) => `${id} ${changed}`).sort();
  };
  const both = [`${encodeGlobalId('Group', group)} members`, `${encodeGlobalId('User', user)} groups`].sort();
  await prisma.group.update({ where: { id: group }, data: { members: { connect: { id: user } } } });
  expect(await ends()).toEqual(both);
  await prisma.group.update({ where: { id: group }, data: { name: 'renamed', members: { set: [{ id: user }] } } });
  expect(await ends()).toEqual([`${encodeGlobalId('Group', group)} name`]);
  await sql(`DELETE FROM "_group_members" WHERE "B" = '${user}'`);
  expect(await ends()).toEqual(both);
  await other.close();
});

describe('each change is one notification, by', () => {
  it('INSERT of several rows', async () => {
    const keys = await insertGroups('a', 'b', 'c');
    expect(await told()).toEqual(about('group/created', 'Group', keys).sort());
  });

  it('UPDATE of several rows', async () => {
    const keys = await insertGroups('d', 'e');
    await told();
    receiver.requests.length = 0;
    await sql(`UPDATE groups SET name = name || '!' WHERE name IN ('d', 'e')`);
    expect(await told()).toEqual(about('group/updated', 'Group', keys).sort());
  });

  it('an upsert, whichever way each row goes', async () => {
    const [known = ''] = await insertGroups('known');
    await told();
    receiver.requests.length = 0;
    const keys = await sql(
      `INSERT INTO groups (id, organization_id, name) VALUES ('${known}', '${acme}', 'renamed'), (gen_random_uuid(), '${acme}', 'new')
       ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id`,
    );
    const [fresh = ''] = keys.filter((key) => key !== known);
    expect(await told()).toEqual([...about('group/updated', 'Group', [known]), ...about('group/created', 'Group', [fresh])].sort());
  });

  it('a cascade: the sessions that go with their scenario, the scenarios that lose their author', async () => {
    const [author = '', authored = '', doomed = '', ...sessions] = await sql(
      `INSERT INTO users (organization_id, first_name, last_name) VALUES ('${acme}', 'Short', 'Lived') RETURNING id;
       INSERT INTO scenarios (organization_id, name, author_id) SELECT '${acme}', 'kept', id FROM users WHERE first_name = 'Short' RETURNING id;
       INSERT INTO scenarios (organization_id, name) VALUES ('${acme}', 'doomed') RETURNING id;
       INSERT INTO scenario_sessions (organization_id, scenario_id)
         SELECT '${acme}', id FROM scenarios, generate_series(1, 2) WHERE name = 'doomed' RETURNING id`,
    );
    await told();
    receiver.requests.length = 0;
    await sql(`DELETE FROM scenarios WHERE id = '${doomed}'; DELETE FROM users WHERE id = '${author}'`);
    expect(await told()).toEqual(
      [
        ...about('scenario/deleted', 'Scenario', [doomed]),
        ...about('scenario_session/deleted', 'ScenarioSession', sessions),
        ...about('user/deleted', 'User', [author]),
        ...about('scenario/updated', 'Scenario', [authored]),
      ].sort(),
    );
  });

  it('COPY', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => [acme, `copied ${index}`].join('\t'));
    if (hasPsql) await sql(`COPY groups (organization_id, name) FROM STDIN;\n${rows.join('\n')}\n\\.\n`);
    else await sql(`COPY groups (organization_id, name) FROM PROGRAM 'printf "${rows.join('\\n')}"'`);
    const keys = await sql(`SELECT id FROM groups WHERE name LIKE 'copied %'`);
    expect(keys).toHaveLength(50);
    expect(await told()).toEqual(about('group/created', 'Group', keys).sort());
  });

  it('Prisma: one row, many rows, a nested write, a deletion', async () => {
    const group = await prisma.group.create({
      data: { organizationId: acme, name: 'p1', originOf: { create: { organizationId: acme, firstName: 'Nested', lastName: 'Write' } } },
      include: { originOf: true },
    });
    const many = await prisma.group.createManyAndReturn({ data: ['p2', 'p3'].map((name) => ({ organizationId: acme, name })) });
    await prisma.group.update({ where: { id: group.id }, data: { name: 'p4' } });
    await prisma.group.delete({ where: { id: many[0]?.id as string } });
    expect(await told()).toEqual(
      [
        ...about('group/created', 'Group', [group.id, ...many.map(({ id }) => id)]),
        ...about('user/created', 'User', [group.originOf[0]?.id as string]),
        ...about('group/updated', 'Group', [group.id]),
        ...about('group/deleted', 'Group', [many[0]?.id as string]),
      ].sort(),
    );
  });
});

describe('nothing is told of', () => {
  afterEach(async () => {
    expect(await told()).toEqual([]);
  });

  it('writes that change nothing', async () => {
    const before = await countEvents();
    await sql(
      `UPDATE users SET first_name = first_name, organization_id = organization_id;
       UPDATE users SET updated_at = now() + interval '1 day';
       UPDATE scenario_sessions SET external_data = external_data::text::jsonb;
       INSERT INTO users SELECT * FROM users ON CONFLICT (id) DO NOTHING;
       INSERT INTO users SELECT * FROM users ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name;
       DELETE FROM users WHERE false`,
    );
    const user = await prisma.user.findFirstOrThrow();
    await prisma.user.update({ where: { id: user.id }, data: { firstName: user.firstName } });
    expect(await countEvents()).toBe(before);
  });

  it('a rollback, also to a savepoint', async () => {
    const before = await countEvents();
    await sql(
      `BEGIN; INSERT INTO groups (organization_id, name) VALUES ('${acme}', 'never'); UPDATE users SET first_name = 'Nobody'; ROLLBACK;
       BEGIN; SAVEPOINT s; DELETE FROM scenario_sessions; ROLLBACK TO s; COMMIT`,
    );
    await prisma
      .$transaction(async (tx) => {
        await tx.group.create({ data: { organizationId: acme, name: 'never' } });
        throw new Error('changed my mind');
      })
      .catch(() => {});
    expect(await countEvents()).toBe(before);
    expect((await product.pool.query('SELECT 1 FROM hookgraph.captures')).rowCount).toBe(0);
  });

  it('a back-fill with capture switched off', async () => {
    await sql(`SET hookgraph.capture = off; INSERT INTO groups (organization_id, name) VALUES ('${acme}', 'back-filled')`);
  });
});

it('records 10,000 rows of one INSERT as one event and one delivery each, and sends each organization its own', async () => {
  const globex = await organizationId(product, 'globex');
  const hank = await addToken(product, 'hank@globex.example');
  // A disabled subscription records its events as not sent, which is enough to count them.
  const { recordId } = await product.subscribe({ topic: { key: 'group/created' }, callbackUrl: receiver.url, disabled: true }, hank);
  const before = await countEvents();
  await sql(
    `INSERT INTO groups (organization_id, name)
     SELECT CASE WHEN i % 100 = 0 THEN '${acme}' ELSE '${globex}' END::uuid, 'bulk ' || i FROM generate_series(1, 10000) i`,
  );
  expect(await countEvents()).toBe(before + 10_000);
  const keys = await sql(`SELECT id FROM groups WHERE name LIKE 'bulk %' AND organization_id = '${acme}'`);
  expect(await told()).toEqual(about('group/created', 'Group', keys).sort());
  const { rows } = await product.pool.query(
    `SELECT count(*)::int AS deliveries, count(DISTINCT node_key)::int AS nodes, array_agg(DISTINCT state || ' ' || reason) AS states
     FROM hookgraph.whole_deliveries WHERE subscription_id = $1`,
    [recordId],
  );
  expect(rows).toEqual([{ deliveries: 9900, nodes: 9900, states: ['SKIPPED DISABLED'] }]);
});

it('makes the same notification of raw SQL as of the mutation: headers, body and signature', async () => {
  await product.subscribe({
    topic: { key: 'user/created' },
    callbackUrl: `${receiver.url}/same`,
    sharedSecret: 'hush',
    query: 'query ($nodeId: ID!) { node(id: $nodeId) { __typename ... on User { name jobTitle organization { name } } } }',
    template: '{"name": "{{ data.node.name }}", "at": {{ data.node.organization | json }}}',
  });
  const person = { firstName: 'Twin', lastName: 'Sister', jobTitle: 'Twin' };
  await createUser(product, { ...person, username: 'twin.1', email: 'twin.1@acme.example' });
  await sql(
    `INSERT INTO users (organization_id, first_name, last_name, job_title, username, email)
     VALUES ('${acme}', 'Twin', 'Sister', 'Twin', 'twin.2', 'twin.2@acme.example')`,
  );
  await untilSettled(product);
  const [byMutation, bySql, ...more] = receiver.requests.filter(({ path }) => path === '/same');
  expect(more).toEqual([]);
  expect(byMutation?.body).toBe('{"name": "Twin Sister", "at": {"name":"Acme Training"}}');
  expect(bySql?.body).toBe(byMutation?.body);
  const id = expect.stringMatching(/^\d+$/);
  const own = { 'x-scope-event-id': id, 'x-scope-webhook-job-id': id, 'x-scope-time': expect.any(String) };
  expect(byMutation?.headers).toHaveProperty('x-scope-hmac-sha256');
  expect({ ...bySql?.headers }).toEqual({ ...byMutation?.headers, ...own });
  expect(bySql?.headers['x-scope-webhook-job-id']).not.toBe(byMutation?.headers['x-scope-webhook-job-id']);
});

async function countEvents(): Promise<number> {
  return (await product.pool.query('SELECT count(*)::int AS count FROM hookgraph.recorded')).rows[0].count;
}
