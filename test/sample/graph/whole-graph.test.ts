import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSchema } from '../../../src/sample/graph/build-schema.js';
import { createContext } from '../../../src/sample/graph/context.js';
import { defineNode } from '../../../src/sample/graph/define-node.js';
import { type Answer, type TestApp, testApp } from '../../support/app.js';
import { openCountingPrisma } from '../../support/count-statements.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp({}, { sampleData: true });
});
afterAll(() => t.close());

const lower = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

describe('every type', () => {
  it('has topics for what happens to its rows, and those of its lifecycle', async () => {
    const { rows: stored } = await t.database.pool.query('SELECT key FROM hookgraph.topics');
    const keys = stored.map(({ key }) => key);
    expect((await t.ask('{ webhookTopics { totalCount } }')).data.webhookTopics.totalCount).toBe(keys.length);
    const wanted = t.app.webhooks.engine.host.nodes.flatMap(({ typename, lifecycle = [] }) => {
      const stem = lower(typename).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [...['created', 'updated', 'deleted'].map((what) => `${stem}/${what}`), ...lifecycle.map(({ topic }) => topic)];
    });
    expect(wanted).toHaveLength(16 * 3 + 7);
    expect(keys).toEqual(expect.arrayContaining(wanted));
  });

  const SAMPLES: Record<string, (idOf: (typename: string) => string) => Record<string, unknown>> = {
    Organization: () => ({ name: 'One', permalink: 'one' }),
    User: () => ({ firstName: 'One', lastName: 'Two' }),
    Group: () => ({ name: 'One' }),
    Environment: () => ({ name: 'One' }),
    Integration: () => ({ name: 'One', description: 'Two' }),
    Scenario: (idOf) => ({ name: 'One', environmentId: idOf('Environment') }),
    ScenarioRelease: (idOf) => ({ version: 1, type: 'major', scenarioId: idOf('Scenario') }),
    ScenarioStep: (idOf) => ({ name: 'One', position: 1, externalData: { a: [1] }, scenarioReleaseId: idOf('ScenarioRelease') }),
    ScenarioSession: (idOf) => ({ scenarioId: idOf('Scenario'), scenarioReleaseId: idOf('ScenarioRelease') }),
    ScenarioSessionPart: (idOf) => ({ scenarioSessionId: idOf('ScenarioSession'), externalData: { a: 1 } }),
    ScenarioSessionStep: (idOf) => ({ scenarioSessionId: idOf('ScenarioSession'), scenarioStepId: idOf('ScenarioStep') }),
    Attachment: () => ({ fileName: 'a.jpg', fileUrl: 'https://files.example/a.jpg', fileSize: 1 }),
    ScenarioSessionEvent: (idOf) => ({
      type: 'file_taken',
      valueType: 'PHOTO',
      eventData: { a: 1 },
      scenarioSessionId: idOf('ScenarioSession'),
      scenarioSessionStepId: idOf('ScenarioSessionStep'),
      photoId: idOf('Attachment'),
      attachmentIds: [idOf('Attachment')],
    }),
    ScenarioSessionCheckbox: (idOf) => ({ label: 'One', checked: true, scenarioSessionId: idOf('ScenarioSession') }),
    Call: (idOf) => ({ externalData: { a: 1 }, participantIds: [idOf('User')] }),
    CallRecording: (idOf) => ({ callId: idOf('Call'), fileUrl: 'https://files.example/a.mp4', fileSize: 1, duration: 1.5 }),
  };

  const CHANGES: Record<string, Record<string, unknown>> = {
    User: { lastName: 'Other' },
    Group: { name: 'Other' },
    Environment: { name: 'Other' },
    Integration: { description: null },
    Scenario: { environmentId: null },
    ScenarioRelease: { version: 2 },
    ScenarioStep: { externalData: { b: 2 } },
    ScenarioSession: { state: 'COMPLETED' },
    ScenarioSessionPart: { state: 'COMPLETED' },
    ScenarioSessionStep: { state: 'COMPLETED' },
    Attachment: { name: 'Other' },
    ScenarioSessionEvent: { eventData: null },
    ScenarioSessionCheckbox: { checked: false },
    Call: { state: 'COMPLETED' },
    CallRecording: { state: 'COMPLETED' },
  };

  it('is created, changed and deleted in both published forms, and each write is an event', async () => {
    const ids = new Map<string, string>();
    const write = async (operation: string, typename: string, values: Record<string, unknown>) => {
      const node = lower(typename);
      const forms = {
        create: `mutation ($v: ${typename}Input) { m: createTYPE(NODE: $v) { errors { field message } NODE { id updatedAt } } }`,
        update: `mutation ($v: UpdateTYPEInput) { m: updateTYPE(input: $v) { errors { field message fullMessage path type } NODE { id updatedAt } } }`,
        delete: `mutation ($v: TYPEInput) { m: deleteTYPE(input: { NODE: $v }) { errors { fullMessage message path type } NODE { id updatedAt } } }`,
      };
      const source = forms[operation as keyof typeof forms].replaceAll('TYPE', typename).replaceAll('NODE', node);
      const answer = await t.ask(source, { v: operation === 'update' ? { [node]: values } : values });
      expect([typename, operation, answer.errors, answer.data?.m.errors]).toEqual([typename, operation, undefined, []]);
      return answer.data.m[node] as { id: string };
    };
    const idOf = (typename: string) => ids.get(typename) as string;
    expect(Object.keys(SAMPLES).sort()).toEqual(t.app.webhooks.engine.host.nodes.map(({ typename }) => typename).sort());
    for (const [typename, values] of Object.entries(SAMPLES)) ids.set(typename, (await write('create', typename, values(idOf))).id);
    for (const [typename, values] of Object.entries(CHANGES)) await write('update', typename, { id: idOf(typename), ...values });
    // Deleting the event that has the attachment deletes the attachment too.
    const deleted = Object.keys(CHANGES).filter((typename) => typename !== 'Attachment');
    for (const typename of deleted.reverse()) await write('delete', typename, { id: idOf(typename) });
    const { rows } = await t.database.pool.query(
      `SELECT typename, array_agg(operation ORDER BY id) AS operations FROM hookgraph.recorded GROUP BY 1`,
    );
    const operations = Object.fromEntries(rows.map((row) => [row.typename, row.operations]));
    for (const typename of Object.keys(CHANGES)) {
      // When the attachment's event referred to the attachment, the attachment was updated.
      const taken = typename === 'Attachment' ? ['updated'] : [];
      expect([typename, operations[typename]]).toEqual([typename, ['created', ...taken, 'updated', 'deleted']]);
    }
    expect(operations.Organization).toEqual(['created']);
  });
});

describe('filters', () => {
  it('take foreign keys, several kinds of values, and both together', async () => {
    const { scenarioSessionEvents: some } = (
      await t.ask('{ scenarioSessionEvents(first: 100) { nodes { valueType scenarioSession { id } scenarioSessionStep { id } } } }')
    ).data;
    const { scenarioSession, scenarioSessionStep } = some.nodes[0];
    const { all, none, both, step } = (
      await t.ask(
        `query ($s: ID, $t: ID) { all: scenarioSessionEvents(scenarioSessionId: $s, first: 100) { nodes { valueType } }
           none: scenarioSessionEvents(scenarioSessionId: $s, valueTypes: []) { totalCount }
           both: scenarioSessionEvents(scenarioSessionId: $s, valueTypes: [PHOTO, NUMBER], first: 100) { nodes { valueType } }
           step: scenarioSessionEvents(scenarioSessionStepId: $t) { nodes { scenarioSessionStep { id } } } }`,
        { s: scenarioSession.id, t: scenarioSessionStep.id },
      )
    ).data;
    const wanted = all.nodes.filter(({ valueType }: { valueType: string }) => ['PHOTO', 'NUMBER'].includes(valueType));
    expect(both.nodes).toEqual(wanted);
    expect(all.nodes.length).toBeGreaterThan(both.nodes.length);
    expect(none.totalCount).toBe(0);
    expect(new Set(step.nodes.map((node: { scenarioSessionStep: { id: string } }) => node.scenarioSessionStep.id))).toEqual(
      new Set([scenarioSessionStep.id]),
    );
  });

  it('find external data by its index, and count what they find', async () => {
    await t.database.pool.query(
      `INSERT INTO scenario_sessions (organization_id, scenario_id, external_data)
       SELECT $1, (SELECT id FROM scenarios WHERE organization_id = $1 LIMIT 1), jsonb_build_object('n', n, 'often', 'yes') FROM generate_series(1, 5000) n`,
      [t.admin.organizationId],
    );
    await t.database.pool.query('ANALYZE scenario_sessions');
    const counting = openCountingPrisma(t.database.url);
    const find = async (key: string, value: unknown) => {
      const contextValue = createContext({ prisma: counting.prisma, viewer: t.admin, webhooks: t.app.webhooks });
      const source =
        'query ($key: String, $value: Alphanumeric) { scenarioSessions(externalData: { type: "MATCH", key: $key, value: $value }) { totalCount nodes { externalData } } }';
      const answer: Answer = await graphql({ schema: t.app.schema, source, contextValue, variableValues: { key, value } });
      return { ...answer.data.scenarioSessions, sql: counting.take() };
    };
    const rare = await find('n', 77);
    expect(rare).toMatchObject({ totalCount: 1, nodes: [{ externalData: { n: 77 } }] });
    const narrowing = rare.sql.find((sql: string) => sql.includes('@> $1::jsonb')) as string;
    const { rows } = await t.database.pool.query(
      `EXPLAIN ${narrowing.replace('$1', `'{"n": 77}'`).replace('$2', `'${t.admin.organizationId}'`)}`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('scenario_sessions_external_data_idx');
    expect(await find('often', 'yes')).toMatchObject({ totalCount: 5000, nodes: { length: 25 } });
    await counting.prisma.$disconnect();
    await t.database.pool.query(`DELETE FROM scenario_sessions WHERE external_data ? 'often'`);
  });

  it('say what they should be', async () => {
    const ask = async (args: string) => (await t.ask(`{ scenarioSessions(${args}) { totalCount nodes { id } } }`)).errors?.[0]?.message;
    expect(await ask('externalData: { type: "LIKE", key: "a", value: 1 }')).toContain('it must be "MATCH" or "CONTAINS"');
    expect(await ask('externalData: { type: "MATCH" }')).toContain('needs a type, a key and a value');
    expect(await ask('externalData: { type: "MATCH", key: "a", value: true }')).toContain('string or a number');
  });
});

describe('connections under another name', () => {
  it('are the same, and completedSteps has only those that were done', async () => {
    const { rows } = await t.database.pool.query(
      `SELECT id FROM scenario_sessions WHERE state = 'PAUSED' AND number_of_steps_viewed > 1 AND scenario_release_id IS NOT NULL AND organization_id = $1 ORDER BY id LIMIT 1`,
      [t.admin.organizationId],
    );
    const id = t.app.webhooks.engine.host.toGlobalId('ScenarioSession', rows[0].id);
    const { node } = (
      await t.ask(
        `query ($id: ID!) { node(id: $id) { ... on ScenarioSession { numberOfStepsViewed events { totalCount nodes { id } } scenarioSessionEvents { totalCount nodes { id } }
           photos: events(valueTypes: [PHOTO]) { nodes { photo { fileName } } } completedSteps { totalCount nodes { state } } } } }`,
        { id },
      )
    ).data;
    expect(node.events).toEqual(node.scenarioSessionEvents);
    expect(node.completedSteps.totalCount).toBe(node.numberOfStepsViewed - 1);
    expect(new Set(node.completedSteps.nodes.map(({ state }: { state: string }) => state))).toEqual(new Set(['COMPLETED']));
  });
});

describe('the number of statements', () => {
  it.each([
    [
      'users → groups → members',
      'users(first: SIZE) { totalCount nodes { name groups { totalCount nodes { name members(first: 3) { nodes { name originGroup { name } } } } } } }',
      10,
    ],
    [
      'sessions → events → photo',
      'scenarioSessions(first: SIZE) { nodes { scenario { name author { name } } events(first: 50) { totalCount nodes { photo { fileUrl } scenarioSessionStep { scenarioStep { name } } } } } }',
      10,
    ],
    [
      'sessions → parts → steps, and two views of the events',
      'scenarioSessions(first: SIZE) { nodes { parts { nodes { scenarioSessionSteps { nodes { scenarioStep { name } } } } } completedSteps(first: 2) { nodes { id } } photos: events(valueTypes: [PHOTO]) { nodes { id } } events { nodes { id } } } }',
      16,
    ],
    [
      'calls → participants → groups',
      'calls(first: SIZE) { nodes { environment { name } participants { nodes { groups { nodes { name } } } } callRecordings { nodes { duration } } } }',
      12,
    ],
  ])('depends on the depth of %s, not on the rows', async (_name, field, most) => {
    const counting = openCountingPrisma(t.database.url);
    const run = async (size: number) => {
      const contextValue = createContext({ prisma: counting.prisma, viewer: t.admin, webhooks: t.app.webhooks });
      const answer = await graphql({ schema: t.app.schema, source: `{ ${field.replace('SIZE', String(size))} }`, contextValue });
      expect(answer.errors).toBeUndefined();
      return counting.take().length;
    };
    const few = await run(4);
    expect(await run(30)).toBe(few);
    expect(few).toBeLessThanOrEqual(most);
    await counting.prisma.$disconnect();
  });
});

describe('a field that shall not be used any more', () => {
  it('says so in the schema', () => {
    const group = defineNode('Group', { deprecated: { name: 'Use the id.', organization: 'There is only one.' } });
    const user = defineNode('User');
    const schema = buildSchema([defineNode('Organization', { tenant: 'id' }), user, group]);
    const fields = (schema.getType('Group') as ReturnType<typeof schema.getQueryType>)?.getFields();
    expect([fields?.name?.deprecationReason, fields?.organization?.deprecationReason]).toEqual(['Use the id.', 'There is only one.']);
  });
});
