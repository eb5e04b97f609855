// Promise: a before-hook gets the row as it would be, before anything is written, and its refusal is the mutation's answer.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp, testApp } from '../support/app.js';
import { installedLanguages, startForeignReceiver } from '../support/foreign-receiver.js';
import { cancel, type Hooks, startHooks } from '../support/hooks.js';

let t: TestApp;
let hooks: Hooks;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => t.close());
beforeEach(async () => {
  hooks = await startHooks(t);
  return () => hooks.close();
});

const ERRORS = 'errors { field message fullMessage path type }';
const groupsNamed = async (name: string) => (await t.database.pool.query('SELECT * FROM groups WHERE name = $1', [name])).rows;
const createGroup = (name: string, as = t.admin) =>
  t.ask(
    `mutation ($name: String) { createGroup(group: { name: $name }) { ${ERRORS} group { id databaseId name createdAt } } }`,
    { name },
    as,
  );
const QUERY = `query ($nodeId: ID!) { node(id: $nodeId) { id ... on Group { name organization { permalink } members { totalCount } } } }`;

describe('a cancel answer', () => {
  it('refuses a new row with its reason, and nothing is written', async () => {
    await hooks.subscribe({ topic: 'group/created', name: 'Naming police', answer: cancel('No pilots, please.') });
    const { data } = await createGroup('Pilots');
    expect(data?.createGroup).toEqual({
      errors: [
        {
          field: 'base',
          message: 'refused by the webhook subscription "Naming police": No pilots, please.',
          fullMessage: 'Refused by the webhook subscription "Naming police": No pilots, please.',
          path: ['group'],
          type: 'CANCELLED',
        },
      ],
      group: null,
    });
    expect(await groupsNamed('Pilots')).toEqual([]);
    const { rows } = await t.database.pool.query(
      `SELECT 1 FROM hookgraph.recorded WHERE hookgraph.row_of(layout_id, after) ->> 'name' = 'Pilots'`,
    );
    expect(rows).toEqual([]);
  });

  it('leaves a row that would change as it is', async () => {
    await createGroup('Divers');
    const id = await t.idOf('Group', 'name', 'Divers');
    await hooks.subscribe({ topic: 'group/updated', answer: cancel('It is carved in stone.') });
    const { data } = await t.ask(
      `mutation ($id: ID!) { updateGroup(input: { group: { id: $id name: "Swimmers" } }) { ${ERRORS} group { id } } }`,
      { id },
    );
    expect(data?.updateGroup).toMatchObject({ errors: [{ type: 'CANCELLED', path: ['input', 'group'] }], group: null });
    expect(await groupsNamed('Divers')).toHaveLength(1);
  });

  it('keeps a row that would be deleted', async () => {
    await createGroup('Keepers');
    const id = await t.idOf('Group', 'name', 'Keepers');
    const hook = await hooks.subscribe({ topic: 'group/deleted', query: QUERY, answer: cancel('Still in use.') });
    const { data } = await t.ask(`mutation ($id: ID!) { deleteGroup(group: { id: $id }) { ${ERRORS} group { id } } }`, { id });
    expect(data?.deleteGroup).toMatchObject({ errors: [{ type: 'CANCELLED' }], group: null });
    expect(hook.bodies()).toMatchObject([{ data: { node: { id, name: 'Keepers' } } }]);
    expect(await groupsNamed('Keepers')).toHaveLength(1);
  });

  it('is told of every hook that said no, the others having said yes', async () => {
    await hooks.subscribe({ topic: 'group/created', name: 'One', answer: cancel('First reason.') });
    await hooks.subscribe({ topic: 'group/created', name: 'Two' });
    await hooks.subscribe({ topic: 'group/created', name: 'Three', answer: cancel('Third reason.') });
    const { data } = await createGroup('Refused twice');
    expect(data?.createGroup.errors.map(({ message }: { message: string }) => message.split(': ')[1])).toEqual([
      'First reason.',
      'Third reason.',
    ]);
  });

  it('is bounded, and refuses without a reason as well', async () => {
    await hooks.subscribe({ topic: 'group/created', name: 'Long', answer: cancel('x'.repeat(5_000)) });
    const silent = await hooks.subscribe({
      topic: 'group/created',
      name: 'Silent',
      answer: (response) =>
        void response
          .writeHead(200, { 'Content-Type': 'Application/VND.opsani.servo.errors.CancelEventError+json; charset=utf-8' })
          .end('{'),
    });
    const { data } = await createGroup('Long story');
    const [long, none] = data?.createGroup.errors.map(({ message }: { message: string }) => message) ?? [];
    expect(long.length).toBeLessThan(1_100);
    expect(none).toMatch(/"Silent": no reason was given$/);
    expect(silent.requests).toHaveLength(1);
  });
});

describe('any other answer with a 2xx', () => {
  it('lets the write through, and nobody is told a second time', async () => {
    const working = await t.app.webhooks.work();
    const hook = await hooks.subscribe({
      topic: 'group/created',
      answer: (response) =>
        void response
          .writeHead(201, { 'Content-Type': 'application/vnd.opsani.servo.errors.CancelEventError+json' })
          .end('{"reason":"not a 200"}'),
    });
    const after = await hooks.subscribe({ topic: 'group/created', phase: 'AFTER' });
    const { data } = await createGroup('Welcome');
    expect(data?.createGroup).toMatchObject({ errors: [], group: { name: 'Welcome' } });
    await after.waitFor(1);
    await hooks.untilQuiet();
    await working.stop();
    expect(hook.requests).toHaveLength(1);
    expect(await hook.deliveries()).toMatchObject([{ kind: 'BEFORE', state: 'DELIVERED', event: null }]);
  });
});

describe('what a hook is shown', () => {
  it('is a new row with the id that it gets, its defaults and its relations, though it isn’t there yet', async () => {
    const query = `query ($nodeId: ID!, $nodeType: String) { node(id: $nodeId) { __typename id ... on ScenarioSession { databaseId state startedAt numberOfStepsViewed
      externalData scenario { name } createdBy { firstName } parts { totalCount } } } }`;
    const there: boolean[] = [];
    const hook = await hooks.subscribe({
      topic: 'scenario_session/created',
      query,
      answer: async (response, { body }) => {
        const { databaseId } = JSON.parse(body).data.node;
        there.push((await t.database.pool.query('SELECT 1 FROM scenario_sessions WHERE id = $1', [databaseId])).rowCount === 1);
        response.end();
      },
    });
    const scenario = await t.idOf('Scenario', 'name', 'Start a cold boiler');
    const { data } = await t.ask(
      `mutation ($id: ID) { createScenarioSession(scenarioSession: { scenarioId: $id externalData: { a: [1] } }) { ${ERRORS}
        scenarioSession { __typename id databaseId state startedAt numberOfStepsViewed externalData scenario { name } createdBy { firstName } parts { totalCount } } } }`,
      { id: scenario },
    );
    expect(data?.createScenarioSession.errors).toEqual([]);
    expect(hook.bodies()).toEqual([{ data: { node: data?.createScenarioSession.scenarioSession } }]);
    expect(there).toEqual([false]);
  });

  it('is a changed row with its new values and what its new foreign keys point to, while others see the old one', async () => {
    const scenario = await t.idOf('Scenario', 'name', 'Start a cold boiler');
    const { data: made } = await t.ask(`mutation { createGroup(group: { name: "Origin" }) { group { id } } }`);
    const hook = await hooks.subscribe({
      topic: 'scenario/updated',
      query:
        'query ($nodeId: ID!) { node(id: $nodeId) { ... on Scenario { name description originGroup { name } author { firstName } scenarioReleases { totalCount } } } }',
      answer: async (response) => {
        const { rows } = await t.database.pool.query(`SELECT name FROM scenarios WHERE name LIKE 'Start a %boiler'`);
        response.setHeader('X-Seen', rows[0].name).end();
      },
    });
    const { data } = await t.ask(
      `mutation ($id: ID!, $group: ID) { updateScenario(scenario: { id: $id name: "Start a warm boiler" originGroupId: $group }) { ${ERRORS}
        scenario { name description originGroup { name } author { firstName } scenarioReleases { totalCount } } } }`,
      { id: scenario, group: made?.createGroup.group.id },
    );
    expect(data?.updateScenario.errors).toEqual([]);
    expect(data?.updateScenario.scenario).toMatchObject({ name: 'Start a warm boiler', originGroup: { name: 'Origin' } });
    expect(hook.bodies()).toEqual([{ data: { node: data?.updateScenario.scenario } }]);
    const [told] = await hook.deliveries();
    expect(told.attempts[0].response.headers['x-seen']).toBe('Start a cold boiler');
  });

  it('is the id and the address where it has no query, with the headers and the signature of any delivery', async () => {
    const hook = await hooks.subscribe({ topic: 'group/created', sharedSecret: 'geheim' });
    const { data } = await createGroup('Plain');
    const { id } = data?.createGroup.group ?? {};
    expect(hook.bodies()).toEqual([{ data: { id, url: expect.stringMatching(new RegExp(`/api/v3/graphql/object/${id}$`)) } }]);
    const [{ databaseId }] = await hook.deliveries();
    expect(hook.requests[0]?.headers).toMatchObject({
      'x-scope-topic': 'group/created',
      'x-scope-webhook-id': hook.databaseId,
      'x-scope-webhook-job-id': databaseId,
      'x-scope-hmac-sha256': expect.any(String),
    });
  });
});

describe('nobody is asked', () => {
  it('about a mistake, or a change that nobody would be told of', async () => {
    const created = await hooks.subscribe({ topic: 'group/created', answer: cancel('no') });
    const updated = await hooks.subscribe({ topic: 'group/updated', answer: cancel('no') });
    expect((await createGroup(' ')).data?.createGroup.errors).toMatchObject([{ type: 'BLANK' }]);
    const id = await t.idOf('Group', 'name', 'Trainers');
    const { data } = await t.ask(`mutation ($id: ID!) { updateGroup(group: { id: $id name: "Trainers" memberIds: [] }) { ${ERRORS} } }`, {
      id,
    });
    expect(data?.updateGroup.errors).toEqual([]);
    expect([...created.requests, ...updated.requests]).toEqual([]);
  });

  it('by a write of another organization, by raw SQL, or while it is switched off', async () => {
    const hook = await hooks.subscribe({ topic: 'group/created', answer: cancel('no') });
    const organizations = await hooks.subscribe({ topic: 'organization/created', answer: cancel('no') });
    // A new organization is its own tenant, so no hook of its creator's organization runs.
    const { data } = await t.ask('mutation { createOrganization(organization: { name: "New" permalink: "new" }) { errors { message } } }');
    expect([data?.createOrganization.errors, organizations.requests]).toEqual([[], []]);
    expect((await createGroup('Theirs', t.stranger)).data?.createGroup.errors).toEqual([]);
    await t.database.pool.query(`INSERT INTO groups (organization_id, name) VALUES ($1, 'Raw')`, [t.admin.organizationId]);
    await hook.update({ disabled: true });
    expect((await createGroup('Off')).data?.createGroup.errors).toEqual([]);
    expect(hook.requests).toEqual([]);
    await hook.update({ disabled: false });
    expect((await createGroup('On')).data?.createGroup.errors).toMatchObject([{ type: 'CANCELLED' }]);
  });

  it('whose environment is another one, or whose validation template says false', async () => {
    const { data } = await t.ask('mutation { createEnvironment(environment: { name: "Quiet" }) { environment { id } } }');
    const environmentIds = [data?.createEnvironment.environment.id];
    const scenario = await t.idOf('Scenario', 'author_id', t.admin.userId);
    const elsewhere = await t.ask('mutation { createEnvironment(environment: { name: "Elsewhere" }) { environment { databaseId } } }');
    await t.database.pool.query('UPDATE scenarios SET environment_id = $1 WHERE author_id = $2', [
      elsewhere.data?.createEnvironment.environment.databaseId,
      t.admin.userId,
    ]);
    const limited = await hooks.subscribe({ topic: 'scenario/updated', environmentIds, answer: cancel('no') });
    const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Scenario { description } } }';
    const picky = await hooks.subscribe({
      topic: 'scenario/updated',
      query,
      validationTemplate: '{% if data.node.description contains "secret" %}true{% else %}false{% endif %}',
      answer: cancel('Secrets stay out.'),
    });
    const describeIt = (description: string) =>
      t.ask(`mutation ($id: ID!, $d: String) { updateScenario(scenario: { id: $id description: $d }) { ${ERRORS} } }`, {
        id: scenario,
        d: description,
      });
    expect((await describeIt('harmless')).data?.updateScenario.errors).toEqual([]);
    expect(await picky.deliveries()).toMatchObject([
      { state: 'SKIPPED', reason: 'VALIDATION', attempts: [{ outcome: 'SKIPPED', request: null }] },
    ]);
    expect((await describeIt('a secret')).data?.updateScenario.errors).toMatchObject([{ type: 'CANCELLED' }]);
    expect(limited.requests).toEqual([]);
    expect(await limited.deliveries()).toEqual([]);
  });
});

it.skipIf(!installedLanguages().includes('python3'))('a receiver that was written for Servo cancels unchanged', async () => {
  const servo = await startForeignReceiver('python3', 'geheim', 'servo-before-hook.py');
  const hook = { callbackUrl: servo.url, signatures: ['SERVO'], sharedSecret: 'geheim', onFailure: 'REFUSE' };
  const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }';
  await hooks.subscribe({ topic: 'group/created', ...hook, query, template: '{"hour": {{ data.node.name }}}' });
  try {
    expect((await createGroup('14')).data?.createGroup.errors).toMatchObject([
      { type: 'CANCELLED', message: expect.stringContaining('Unable to authorize adjustment: only between midnight and 3 am, not at 14.') },
    ]);
    expect((await createGroup('2')).data?.createGroup).toMatchObject({ errors: [], group: { name: '2' } });
    expect((await servo.waitFor(2)).map(({ verified }) => verified)).toEqual([true, true]);
  } finally {
    servo.close();
  }
});
