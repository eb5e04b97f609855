import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, testApp } from '../../support/app.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const ERRORS = 'errors { field message fullMessage path type }';

async function lastEvent() {
  const { rows } = await t.database.pool.query('SELECT * FROM hookgraph.recorded ORDER BY id DESC LIMIT 1');
  return rows[0];
}

describe('a mutation', () => {
  it('creates in the published form and tells no errors', async () => {
    const answer = await t.ask(
      'mutation { createUser(user: { firstName: "Rosa" lastName: "Parks" }) { errors { field message } user { name organization { name } } } }',
    );
    expect(answer).toEqual({ data: { createUser: { errors: [], user: { name: 'Rosa Parks', organization: { name: 'Acme Training' } } } } });
  });

  it('creates in the newer form', async () => {
    const answer = await t.ask(
      `mutation ($input: CreateGroupInput) { createGroup(input: $input) { ${ERRORS} group { name members { totalCount nodes { firstName } } } } }`,
      { input: { group: { name: 'Pilots', memberIds: [await t.idOf('User', 'first_name', 'Grace')] } } },
    );
    expect(answer.data?.createGroup).toEqual({
      errors: [],
      group: { name: 'Pilots', members: { totalCount: 1, nodes: [{ firstName: 'Grace' }] } },
    });
  });

  it('leaves what is absent as it is, clears what is null, and lets the database date it', async () => {
    const id = await t.idOf('User', 'first_name', 'Alain');
    const before = await t.ask('query ($id: ID!) { node(id: $id) { ... on User { updatedAt } } }', { id });
    const answer = await t.ask(
      `mutation ($id: ID!) { updateUser(user: { id: $id jobTitle: null phone: "+1" licenses: ["EDIT"] }) { ${ERRORS} user { firstName jobTitle phone licenses updatedAt } } }`,
      { id },
    );
    expect(answer.data?.updateUser).toMatchObject({
      errors: [],
      user: { firstName: 'Alain', jobTitle: null, phone: '+1', licenses: ['EDIT'] },
    });
    expect(Date.parse(answer.data?.updateUser.user.updatedAt)).toBeGreaterThan(Date.parse(before.data?.node.updatedAt));
  });

  it('deletes, and answers what there was', async () => {
    await t.ask('mutation { createGroup(group: { name: "Short" }) { errors { field } } }');
    const id = await t.idOf('Group', 'name', 'Short');
    const answer = await t.ask(
      `mutation ($id: ID!) { deleteGroup(group: { id: $id }) { ${ERRORS} group { id name organization { name } } } }`,
      { id },
    );
    expect(answer.data?.deleteGroup).toEqual({ errors: [], group: { id, name: 'Short', organization: { name: 'Acme Training' } } });
    expect(await t.ask('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ data: { node: null } });
  });

  it('tells its cause to the event', async () => {
    await t.ask('mutation { createGroup(group: { name: "Caused" }) { errors { field } } }');
    const event = await lastEvent();
    expect(event).toMatchObject({ typename: 'Group', operation: 'created', tenant: t.admin.organizationId });
    expect(JSON.parse(event.context)).toEqual({ actor: { userId: t.admin.userId }, traceparent: null });
  });

  it('completes a session: its creator is the viewer, its environment the scenario’s', async () => {
    const scenarioId = await t.idOf('Scenario', 'name', 'Change the filter of a pump');
    const setUp = await t.ask(
      'mutation { createEnvironment(environment: { name: "Production" }) { errors { message } environment { id databaseId } } }',
    );
    const { id, databaseId: environment } = setUp.data.createEnvironment.environment;
    await t.ask('mutation ($s: ID, $e: ID) { updateScenario(scenario: { id: $s environmentId: $e }) { errors { message } } }', {
      s: scenarioId,
      e: id,
    });
    const answer = await t.ask(
      'mutation ($s: ID) { createScenarioSession(scenarioSession: { scenarioId: $s externalData: { a: [1, "x"] } }) { errors { field } scenarioSession { databaseId state externalData createdBy { firstName } } } }',
      { s: scenarioId },
      t.member,
    );
    expect(answer.data?.createScenarioSession).toMatchObject({
      errors: [],
      scenarioSession: { state: 'STARTED', externalData: { a: [1, 'x'] }, createdBy: { firstName: 'Alain' } },
    });
    const { rows } = await t.database.pool.query('SELECT environment_id FROM scenario_sessions WHERE id = $1', [
      answer.data?.createScenarioSession.scenarioSession.databaseId,
    ]);
    expect(rows[0].environment_id).toBe(environment);
  });
});

describe("a user's mistake", () => {
  it('names every blank field, with its path in the form that was used', async () => {
    const answer = await t.ask(`mutation { createUser(input: { user: { firstName: " " } }) { ${ERRORS} user { id } } }`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.createUser).toEqual({
      errors: [
        {
          field: 'firstName',
          message: "can't be blank",
          fullMessage: "First name can't be blank",
          path: ['input', 'user', 'firstName'],
          type: 'BLANK',
        },
        {
          field: 'lastName',
          message: "can't be blank",
          fullMessage: "Last name can't be blank",
          path: ['input', 'user', 'lastName'],
          type: 'BLANK',
        },
      ],
      user: null,
    });
  });

  it('is an argument that is missing altogether', async () => {
    const answer = await t.ask(`mutation { createUser { ${ERRORS} } }`);
    expect(answer.data?.createUser.errors).toMatchObject([{ field: 'user', message: "can't be blank" }]);
  });

  it('is a name that is taken', async () => {
    const answer = await t.ask(`mutation { createUser(user: { firstName: "A" lastName: "B" email: "grace@acme.example" }) { ${ERRORS} } }`);
    expect(answer.data?.createUser.errors).toMatchObject([{ field: 'email', message: 'has already been taken', type: 'TAKEN' }]);
    const organization = await t.ask(`mutation { createOrganization(organization: { name: "A" permalink: "globex" }) { ${ERRORS} } }`);
    expect(organization.data?.createOrganization.errors).toMatchObject([{ field: 'permalink', type: 'TAKEN' }]);
  });

  it("is another organization's id, which is simply not found", async () => {
    const volcano = await t.idOf('Scenario', 'name', 'Evacuate the volcano');
    const hank = await t.idOf('User', 'first_name', 'Hank');
    const created = await t.ask(`mutation ($id: ID) { createScenarioSession(scenarioSession: { scenarioId: $id }) { ${ERRORS} } }`, {
      id: volcano,
    });
    expect(created.data?.createScenarioSession.errors).toMatchObject([{ field: 'scenarioId', message: 'not found', type: 'NOT_FOUND' }]);
    const member = await t.ask(`mutation ($id: ID!) { createGroup(group: { name: "G" memberIds: [$id] }) { ${ERRORS} } }`, { id: hank });
    expect(member.data?.createGroup.errors).toMatchObject([{ field: 'memberIds', type: 'NOT_FOUND' }]);
    for (const mutation of ['updateScenario(scenario: { id: $id name: "Mine" })', 'deleteScenario(scenario: { id: $id })']) {
      const answer = await t.ask(`mutation ($id: ID!) { m: ${mutation} { ${ERRORS} } }`, { id: volcano });
      expect(answer.data?.m.errors).toMatchObject([{ field: 'id', message: 'not found' }]);
    }
    const { rows } = await t.database.pool.query("SELECT name FROM scenarios WHERE name = 'Evacuate the volcano'");
    expect(rows).toHaveLength(1);
  });

  it('is an id of nonsense, or of another type', async () => {
    for (const id of ['nonsense', '', await t.idOf('Group', 'name', 'Trainers')]) {
      const answer = await t.ask(`mutation ($id: ID!) { updateScenario(scenario: { id: $id name: "X" }) { ${ERRORS} } }`, { id });
      expect(answer).toMatchObject({ data: { updateScenario: { errors: [{ field: 'id', message: 'not found' }] } } });
    }
  });

  it('is text that Postgres can’t store', async () => {
    const answer = await t.ask(`mutation ($n: String) { createGroup(group: { name: $n }) { ${ERRORS} } }`, { n: 'a\0b' });
    expect(answer.data?.createGroup.errors).toMatchObject([{ field: 'name', type: 'INVALID' }]);
  });

  it('leaves nothing behind: a refused write makes no event', async () => {
    const before = await lastEvent();
    await t.ask('mutation { createGroup(group: { name: "X" memberIds: ["bad"] }) { errors { field } } }');
    expect((await lastEvent()).id).toBe(before.id);
  });
});

describe('managing users', () => {
  it('is for admins; others read them', async () => {
    const answer = await t.ask(`mutation { createUser(user: { firstName: "A" lastName: "B" }) { ${ERRORS} user { id } } }`, {}, t.member);
    expect(answer.data?.createUser).toMatchObject({ errors: [{ field: 'base', type: 'FORBIDDEN' }], user: null });
    const users = await t.ask('{ users { nodes { firstName } } }', {}, t.member);
    expect(users.data?.users.nodes).toContainEqual({ firstName: 'Ada' });
  });
});

describe('creating an organization', () => {
  it('lets its creator read the answer, and nothing of it afterwards', async () => {
    const answer = await t.ask(
      'mutation { createOrganization(organization: { name: "New" permalink: "new" }) { errors { field } organization { id name } } }',
    );
    expect(answer).toMatchObject({ data: { createOrganization: { errors: [], organization: { name: 'New' } } } });
    const later = await t.ask('query ($id: ID!) { node(id: $id) { id } }', { id: answer.data?.createOrganization.organization.id });
    expect(later).toEqual({ data: { node: null } });
  });
});
