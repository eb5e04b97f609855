import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContext } from '../../../src/sample/graph/context.js';
import { type TestApp, testApp } from '../../support/app.js';
import { openCountingPrisma } from '../../support/count-statements.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

describe('node(id:)', () => {
  it('answers an object by its global id, and null where nothing is', async () => {
    const id = await t.idOf('User', 'first_name', 'Alain');
    const gone = t.app.webhooks.engine.host.toGlobalId('User', '11111111-1111-4111-8111-111111111111');
    const query = 'query ($ids: [ID!]!, $id: ID!) { node(id: $id) { __typename id } nodes(ids: $ids) { id } }';
    const answer = await t.ask(query, { id, ids: [gone, id, 'nonsense', t.app.webhooks.engine.host.toGlobalId('User', 'no-uuid'), id] });
    expect(answer).toEqual({ data: { node: { __typename: 'User', id }, nodes: [null, { id }, null, null, { id }] } });
    for (const nothing of [gone, 'nonsense', '', 'VXNlcg', t.app.webhooks.engine.host.toGlobalId('Nothing', '1')])
      expect(await t.ask('query ($id: ID!) { node(id: $id) { id } }', { id: nothing })).toEqual({ data: { node: null } });
  });

  it('is null for an object of another organization, as for none', async () => {
    const id = await t.idOf('User', 'first_name', 'Hank');
    expect(await t.ask('query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }', { id })).toEqual({
      data: { node: null, nodes: [null] },
    });
  });

  it('has ids that a URL path carries unchanged', async () => {
    const id = await t.idOf('User', 'first_name', 'Alain');
    expect(encodeURIComponent(id)).toBe(id);
  });
});

describe('a relation to one', () => {
  it('that leads to another organization is null, with the reason; the rest is answered', async () => {
    await t.database.pool.query(
      `UPDATE scenarios SET author_id = (SELECT id FROM users WHERE first_name = 'Hank') WHERE name = 'Start a cold boiler'`,
    );
    const id = await t.idOf('Scenario', 'name', 'Start a cold boiler');
    const answer = await t.ask('query ($id: ID!) { node(id: $id) { ... on Scenario { name author { name } organization { name } } } }', {
      id,
    });
    expect(answer.data).toEqual({ node: { name: 'Start a cold boiler', author: null, organization: { name: 'Acme Training' } } });
    expect(answer.errors).toMatchObject([{ message: 'Not authorized to read object', path: ['node', 'author'] }]);
    expect(answer.errors?.map((error) => t.app.webhooks.engine.host.faultOf(error))).toEqual(['data']);
  });
});

describe('viewer', () => {
  it('is the user of the token, with the organization under both names', async () => {
    const answer = await t.ask(
      '{ viewer { name admin organization { permalink } currentOrganization { permalink } groups { nodes { name } } } }',
    );
    expect(answer.data?.viewer).toEqual({
      name: 'Ada Lovelace',
      admin: true,
      organization: { permalink: 'acme' },
      currentOrganization: { permalink: 'acme' },
      groups: { nodes: [{ name: 'Trainers' }] },
    });
  });
});

describe('a connection', () => {
  it("has only the viewer's organization", async () => {
    const query = '{ users { totalCount nodes { firstName } } organizations { totalCount nodes { permalink members { totalCount } } } }';
    const [mine, theirs] = [await t.ask(query), await t.ask(query, {}, t.stranger)];
    expect(mine.data?.users.nodes.map((node: { firstName: string }) => node.firstName).sort()).toEqual(['Ada', 'Alain', 'Grace', 'Linus']);
    expect(mine.data?.organizations).toEqual({ totalCount: 1, nodes: [{ permalink: 'acme', members: { totalCount: 4 } }] });
    expect(theirs.data?.users).toEqual({ totalCount: 1, nodes: [{ firstName: 'Hank' }] });
  });

  it('is empty for nobody', async () => {
    const contextValue = { ...t.app.contextOf(t.admin), viewer: null };
    const answer = await graphql({
      schema: t.app.schema,
      source: '{ viewer { id } users { totalCount nodes { id } } organizations { totalCount } }',
      contextValue,
    });
    expect(answer).toEqual({ data: { viewer: null, users: { totalCount: 0, nodes: [] }, organizations: { totalCount: 0 } } });
  });

  it('leaves out members of another organization', async () => {
    await t.database.pool.query(
      `INSERT INTO _group_members ("A", "B") SELECT g.id, u.id FROM groups g, users u WHERE g.name = 'Trainers' AND u.first_name = 'Hank'`,
    );
    const id = await t.idOf('Group', 'name', 'Trainers');
    const answer = await t.ask('query ($id: ID!) { node(id: $id) { ... on Group { members { totalCount nodes { firstName } } } } }', {
      id,
    });
    expect(answer).toEqual({ data: { node: { members: { totalCount: 1, nodes: [{ firstName: 'Ada' }] } } } });
  });

  it('pages forward and backward, ordered as asked', async () => {
    const page =
      'query ($after: String) { users(first: 3, after: $after, orderBy: { attribute: "firstName", direction: DESC }) { edges { cursor node { firstName } } pageInfo { hasNextPage endCursor } } }';
    const names = (answer: { data?: { users: { edges: { node: { firstName: string } }[] } } | null }) =>
      answer.data?.users.edges.map(({ node }) => node.firstName);
    const first = await t.ask(page);
    expect(names(first)).toEqual(['Linus', 'Grace', 'Alain']);
    const second = await t.ask(page, { after: first.data?.users.pageInfo.endCursor });
    expect(names(second)).toEqual(['Ada']);
    expect(second.data?.users.pageInfo.hasNextPage).toBe(false);
    expect(names(await t.ask('{ users(last: 2, orderBy: { attribute: "name" }) { edges { node { firstName } } } }'))).toEqual([
      'Grace',
      'Linus',
    ]);
  });

  it('refuses a page of the wrong size and an attribute that there isn’t, saying what would do', async () => {
    for (const size of [0, 101]) {
      const answer = await t.ask(`{ users(first: ${size}) { nodes { id } } }`);
      expect(answer).toMatchObject({ data: { users: null }, errors: [{ message: `first is ${size}, but it must be from 1 to 100.` }] });
    }
    const order = await t.ask('{ users(orderBy: { attribute: "password" }) { nodes { id } } }');
    expect(order.errors?.[0]?.message).toContain('it must be one of admin, createdAt, disabled, email, firstName');
  });

  // biome-ignore lint/suspicious/noExplicitAny: each query knows the shape of its page
  type Listed = { users: { edges: { node: { lastName: string } }[]; pageInfo: any } };

  it('goes on after a row that was deleted, or changed in the column by which the list is sorted', async () => {
    const own = t.admin.organizationId;
    const colours = ['red', null, 'blue', null, 'green', 'white'];
    for (const [index, email] of colours.entries())
      await t.database.pool.query(`INSERT INTO users (organization_id, first_name, last_name, email) VALUES ($1, 'Keyset', $2, $3)`, [
        own,
        `${index}`,
        email && `${email}@example.com`,
      ]);
    const page = `query ($after: String, $before: String, $first: Int, $last: Int, $order: OrderBy) {
      users(after: $after, before: $before, first: $first, last: $last, orderBy: $order, fullText: "Keyset") {
        edges { cursor node { lastName } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }`;
    const names = (users: Listed['users']) => users.edges.map(({ node }) => node.lastName);
    for (const order of [{ attribute: 'email', direction: 'ASC' }, { attribute: 'email', direction: 'DESC' }, null]) {
      const all = names((await t.ask(page, { order, first: 9 })).data.users);
      expect(all).toHaveLength(6);
      const [forwards, backwards]: string[][] = [[], []];
      let [after, before]: (string | undefined)[] = [];
      for (let more = true; more; ) {
        const { users }: Listed = (await t.ask(page, { order, first: 2, after })).data;
        forwards?.push(...names(users));
        [after, more] = [users.pageInfo.endCursor, users.pageInfo.hasNextPage];
      }
      for (let more = true; more; ) {
        const { users }: Listed = (await t.ask(page, { order, last: 2, before })).data;
        backwards?.unshift(...names(users));
        [before, more] = [users.pageInfo.startCursor, users.pageInfo.hasPreviousPage];
      }
      expect([forwards, backwards]).toEqual([all, all]);
    }
    const order = { attribute: 'lastName' };
    const first = (await t.ask(page, { order, first: 2 })).data.users;
    const after = first.pageInfo.endCursor;
    // Moves the row of the cursor to the end, so that it comes once more, and deletes the row before it.
    await t.database.pool.query(`UPDATE users SET last_name = '9' WHERE first_name = 'Keyset' AND last_name = '1'`);
    await t.database.pool.query(`DELETE FROM users WHERE first_name = 'Keyset' AND last_name = '0'`);
    expect(names((await t.ask(page, { order, after })).data.users)).toEqual(['2', '3', '4', '5', '9']);
    await t.database.pool.query(`DELETE FROM users WHERE first_name = 'Keyset' AND last_name = '9'`);
    expect(names((await t.ask(page, { order, after })).data.users)).toEqual(['2', '3', '4', '5']);
    expect((await t.ask(page, { after })).errors?.[0]?.message).toContain('in another order: start again');
    await t.database.pool.query(`DELETE FROM users WHERE first_name = 'Keyset'`);
  });

  it('has the values of the order in a cursor, also where the request selects nothing of the rows', async () => {
    const { users }: Listed = (await t.ask('{ users(first: 1) { pageInfo { endCursor } } }')).data;
    const { data, errors } = await t.ask(`{ users(first: 1, after: "${users.pageInfo.endCursor}") { edges { node { lastName } } } }`);
    expect([errors, (data as Listed).users.edges]).toEqual([undefined, [expect.anything()]]);
  });

  it('says so when the row is gone that a cursor names, because its column can’t be compared', async () => {
    const list =
      'query ($after: String) { users(after: $after, first: 1, orderBy: { attribute: "disabled" }) { edges { cursor node { databaseId } } } }';
    const { rows } = await t.database.pool.query(
      `INSERT INTO users (organization_id, first_name, last_name) VALUES ($1, 'First', 'Gone') RETURNING id`,
      [t.admin.organizationId],
    );
    const cursor = Buffer.from(`GPC:S:${rows[0].id}`).toString('base64');
    expect((await t.ask(list, { after: cursor })).errors).toBeUndefined();
    await t.database.pool.query('DELETE FROM users WHERE id = $1', [rows[0].id]);
    expect((await t.ask(list, { after: cursor })).errors?.[0]?.message).toContain('was deleted: start again');
  });

  it('has 25 objects where nobody says how many', async () => {
    await t.database.pool.query(`INSERT INTO groups (organization_id, name) SELECT $1, 'many ' || n FROM generate_series(1, 60) n`, [
      t.admin.organizationId,
    ]);
    const answer = await t.ask('{ groups { totalCount nodes { id } pageInfo { hasNextPage } } all: groups(first: 100) { nodes { id } } }');
    expect(answer.data?.groups.nodes).toHaveLength(25);
    expect(answer.data?.groups.pageInfo.hasNextPage).toBe(true);
    expect(answer.data?.all.nodes).toHaveLength(62);
    await t.database.pool.query(`DELETE FROM groups WHERE name LIKE 'many %'`);
  });

  it('filters by time, both ends counting', async () => {
    await t.database.pool.query(`UPDATE groups SET created_at = '2020-05-05T05:05:05.005Z' WHERE name = 'Technicians'`);
    const query = 'query ($min: DateTime, $max: DateTime) { groups(createdAtMin: $min, createdAtMax: $max) { nodes { name createdAt } } }';
    const at = '2020-05-05T05:05:05.005Z';
    expect((await t.ask(query, { min: at, max: at })).data?.groups.nodes).toEqual([{ name: 'Technicians', createdAt: at }]);
    expect((await t.ask(query, { max: '2020-05-05T05:05:05.004Z' })).data?.groups.nodes).toEqual([]);
    expect((await t.ask('{ groups(updatedAtMin: "2999-01-01") { totalCount } }')).data?.groups.totalCount).toBe(0);
    expect((await t.ask('{ groups(updatedAtMin: "yesterday") { totalCount } }')).errors?.[0]?.message).toContain(
      'write a time like 2026-11-22T18:30:00Z',
    );
  });

  it('searches users for every word, in any of the text fields', async () => {
    const names = async (text: string) =>
      (await t.ask('query ($text: String) { users(fullText: $text) { nodes { firstName } } }', { text })).data?.users.nodes;
    expect(await names('BLOCH alain')).toEqual([{ firstName: 'Alain' }]);
    expect(await names('acme.example hop')).toEqual([{ firstName: 'Grace' }]);
    expect(await names('100%')).toEqual([]);
  });

  it('filters by foreign key and by external data', async () => {
    const scenarioId = await t.idOf('Scenario', 'name', 'Change the filter of a pump');
    const count = async (args: string) =>
      (
        await t.ask(
          `query ($id: ID) { scenarioSessions(${args}) { totalCount } x: node(id: "a") { id } y: scenarioSessions(scenarioId: $id) { totalCount } }`,
          { id: scenarioId },
        )
      ).data;
    expect((await count('scenarioId: $id')).scenarioSessions.totalCount).toBe(2);
    expect((await count('scenarioId: "nonsense"')).scenarioSessions.totalCount).toBe(0);
    expect((await count('externalData: { type: "MATCH", key: "workOrder", value: "WO-1001" }')).scenarioSessions.totalCount).toBe(1);
    expect((await count('externalData: { type: "CONTAINS", key: "tags", value: "pump" }')).scenarioSessions.totalCount).toBe(1);
    expect((await count('externalData: { type: "CONTAINS", key: "tags", value: "pum" }')).scenarioSessions.totalCount).toBe(0);
  });
});

describe('computed fields', () => {
  it('follow from the session', async () => {
    const answer = await t.ask('{ scenarioSessions(orderBy: { attribute: "state" }) { nodes { state duration percentOfStepsViewed } } }');
    const completed = answer.data?.scenarioSessions.nodes.find(({ state }: { state: string }) => state === 'COMPLETED');
    expect(completed.duration).toBeGreaterThan(3599);
    expect(completed.percentOfStepsViewed).toBe(100);
  });
});

describe('the number of statements', () => {
  const DEEP = `{
    organizations { nodes { name
      members(first: 50) { totalCount nodes { name originGroup { name members(first: 5) { nodes { firstName } } } groups { nodes { name } } } }
      scenarioSessions(first: 100) { nodes { state scenario { name author { name } } createdBy { organization { name } } } } } } }`;

  it('depends on the depth of a query, not on the rows', async () => {
    const counting = openCountingPrisma(t.database.url);
    const run = async () => {
      const contextValue = createContext({ prisma: counting.prisma, viewer: t.admin, webhooks: t.app.webhooks });
      const answer = await graphql({ schema: t.app.schema, source: DEEP, contextValue });
      expect(answer.data?.organizations).toBeTruthy();
      return counting.take().length;
    };
    const few = await run();
    await t.database.pool.query(
      `INSERT INTO users (organization_id, first_name, last_name, origin_group_id) SELECT $1, 'Many', 'M' || n, (SELECT id FROM groups WHERE name = CASE n % 2 WHEN 0 THEN 'Trainers' ELSE 'Technicians' END) FROM generate_series(1, 80) n`,
      [t.admin.organizationId],
    );
    await t.database.pool.query(
      `INSERT INTO _group_members ("A", "B") SELECT g.id, u.id FROM groups g, users u WHERE u.first_name = 'Many' AND g.organization_id = u.organization_id`,
    );
    await t.database.pool.query(
      `INSERT INTO scenario_sessions (organization_id, scenario_id, created_by_id) SELECT $1, s.id, u.id FROM scenarios s, users u WHERE s.organization_id = $1 AND u.first_name = 'Many'`,
      [t.admin.organizationId],
    );
    expect(await run()).toBe(few);
    expect(few).toBeLessThanOrEqual(14);
    await counting.prisma.$disconnect();
  });
});
