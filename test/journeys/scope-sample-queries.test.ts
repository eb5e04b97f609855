// Runs queries in the shapes that Scope's guides publish, with the variables that they declare, on the sample data.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, testApp } from '../support/app.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp({}, { sampleData: true });
});
afterAll(() => t.close());

async function ask(query: string, variables: Record<string, unknown> = {}, as = t.admin) {
  const answer = await t.ask(query, variables, as);
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

it('nobody is told of the sample data: it is the past', async () => {
  expect((await t.database.pool.query('SELECT 1 FROM hookgraph.recorded')).rowCount).toBe(0);
});

it('sessions with the steps that were done, and the newest part of each', async () => {
  const { scenarioSessions } = await ask(`query {
    scenarioSessions(first: 25) { totalCount nodes {
      id databaseId duration startedAt endedAt externalData sessionType scenario { name }
      completedSteps { nodes { id scenarioStep { name } } }
      parts(first: 1, orderBy: { attribute: "startedAt", direction: DESC }) { nodes { databaseId startedAt createdBy { id name } } }
      events(valueTypes: [MULTIPLE_CHOICE]) { nodes { type valueType eventData } } } } }`);
  expect(scenarioSessions.totalCount).toBeGreaterThan(200);
  expect(scenarioSessions.nodes).toHaveLength(25);
  for (const { duration, completedSteps, parts } of scenarioSessions.nodes) {
    if (duration === null) continue;
    expect(completedSteps.nodes.length).toBeGreaterThan(1);
    expect(completedSteps.nodes[0].scenarioStep.name).toBeTruthy();
    expect(parts.nodes).toHaveLength(1);
    expect(parts.nodes[0].createdBy.name).toContain(' ');
  }
  const choices = scenarioSessions.nodes.flatMap(({ events }: { events: { nodes: { valueType: string }[] } }) => events.nodes);
  expect(new Set(choices.map(({ valueType }: { valueType: string }) => valueType))).toEqual(new Set(['MULTIPLE_CHOICE']));
});

it('one session with everything about it', async () => {
  const { scenarioSessions } = await ask('{ scenarioSessions(last: 40) { nodes { id state } } }');
  const { id } = scenarioSessions.nodes.find(({ state }: { state: string }) => state === 'COMPLETED');
  const { node } = await ask(
    `query SampleScenarioSession($id: ID!) { node(id: $id) { ... on ScenarioSession {
      startedAt endedAt duration idleDuration numberOfStepsPossible numberOfStepsViewed percentOfStepsViewed state externalData environment { name }
      scenarioRelease { author { id name } publishedAt type version scenario { name description publishedAt author { id name } originGroup { id name } }
        scenarioSteps { nodes { name position externalData } } }
      createdBy { name } parts { nodes { state startedAt endedAt scenarioSessionSteps { totalCount } } }
      events { nodes { type eventData photo { fileUrl } attachments { nodes { name fileContentType fileName fileSize fileUpdatedAt fileUrl } }
        scenarioSessionStep { scenarioStep { name } } createdBy { name } } }
      scenarioSessionCheckboxes { nodes { label checked } } } } }`,
    { id },
  );
  expect(node).toMatchObject({ state: 'COMPLETED', percentOfStepsViewed: 100 });
  expect(node.scenarioRelease.scenarioSteps.nodes).toHaveLength(node.numberOfStepsPossible);
  expect(node.events.nodes.length).toBeGreaterThanOrEqual(node.numberOfStepsPossible);
});

it('all photos of a session, with the step where each was taken', async () => {
  const PHOTOS = `query FetchScenarioSessionEvents($valueTypes: [ScenarioStepItemTypeEnum!], $first: Int!, $scenarioSessionId: ID) {
    scenarioSessionEvents(first: $first, valueTypes: $valueTypes, scenarioSessionId: $scenarioSessionId) { totalCount nodes {
      id type eventData photo { fileUrl } scenarioSession { id } scenarioSessionStep { id scenarioStep { id name } } attachments { totalCount } } } }`;
  const all = (await ask(PHOTOS, { valueTypes: ['PHOTO'], first: 100 })).scenarioSessionEvents;
  expect(all.totalCount).toBeGreaterThan(50);
  for (const { photo, attachments } of all.nodes) {
    expect(photo.fileUrl).toMatch(/^https:.+\.jpg$/);
    expect(attachments.totalCount).toBe(1);
  }
  const [one] = all.nodes;
  const mine = (await ask(PHOTOS, { valueTypes: ['PHOTO'], first: 100, scenarioSessionId: one.scenarioSession.id })).scenarioSessionEvents;
  expect(mine.nodes).toContainEqual(one);
  expect(new Set(mine.nodes.map(({ scenarioSession }: { scenarioSession: { id: string } }) => scenarioSession.id)).size).toBe(1);
  const { node } = await ask(
    `query ($id: ID!) { node(id: $id) { ... on ScenarioSessionStep { scenarioStep { name } events(valueTypes: [PHOTO]) { nodes { photo { fileUrl } } } } } }`,
    { id: one.scenarioSessionStep.id },
  );
  expect(node).toEqual({ scenarioStep: { name: one.scenarioSessionStep.scenarioStep.name }, events: { nodes: [{ photo: one.photo }] } });
});

it('sessions by external data: a value, and one of several', async () => {
  const SESSIONS = `query FetchScenarioSessions($first: Int!, $type: String!, $key: String!, $value: Alphanumeric!) {
    scenarioSessions(first: $first, externalData: { type: $type, key: $key, value: $value }) { totalCount nodes { externalData } } }`;
  const find = async (type: string, key: string, value: string | number) =>
    (await ask(SESSIONS, { first: 100, type, key, value })).scenarioSessions;
  expect((await find('MATCH', 'workOrder', 'WO-2010')).nodes).toMatchObject([{ externalData: { workOrder: 'WO-2010' } }]);
  const some = await find('CONTAINS', 'partNumbers', '1234-ABCD');
  expect(some.totalCount).toBeGreaterThan(50);
  for (const { externalData } of some.nodes) expect(externalData.partNumbers).toContain('1234-ABCD');
  expect((await find('MATCH', 'priority', 2)).totalCount).toBeGreaterThan(30);
  for (const [type, key, value] of [
    ['MATCH', 'priority', '2'],
    ['MATCH', 'partNumbers', '1234-ABCD'],
    ['CONTAINS', 'workOrder', 'WO-2010'],
    ['CONTAINS', 'partNumbers', '1234'],
    ['MATCH', 'workOrder', 'wo-2010'],
  ] as const)
    expect([type, key, value, (await find(type, key, value)).totalCount]).toEqual([type, key, value, 0]);
  const others = await ask(`{
    calls(externalData: { type: "MATCH", key: "ticket", value: "T-502" }) { totalCount }
    scenarioSteps(externalData: { type: "MATCH", key: "asks", value: "PHOTO" }) { totalCount }
    scenarioSessionParts(externalData: { type: "MATCH", key: "tablet", value: "T-7" }) { totalCount }
    viewer { organization { calls(externalData: { type: "CONTAINS", key: "topics", value: "leak" }) { totalCount } } } }`);
  expect(others.calls.totalCount).toBe(1);
  for (const { totalCount } of [others.scenarioSteps, others.scenarioSessionParts, others.viewer.organization.calls])
    expect(totalCount).toBeGreaterThan(1);
});

it('users by text, from the organization and from the root', async () => {
  const { viewer } = await ask(
    `query FetchMembers($fullText: String, $first: Int!) { viewer { currentOrganization {
      members(fullText: $fullText, first: $first) { nodes { firstName lastName username email } } } } }`,
    { first: 1, fullText: 'grace@acme.example' },
  );
  expect(viewer.currentOrganization.members.nodes).toEqual([
    { firstName: 'Grace', lastName: 'Hopper', username: 'grace.hopper', email: 'grace@acme.example' },
  ]);
  const { users } = await ask('{ users(fullText: "bloch", first: 1) { nodes { id firstName } totalCount } }');
  expect(users).toMatchObject({ totalCount: 1, nodes: [{ firstName: 'Alain' }] });
});

it('calls with who took part and what was recorded', async () => {
  const { calls } = await ask(`{ calls(first: 100, orderBy: { attribute: "startedAt", direction: DESC }) { totalCount nodes {
    state startedAt endedAt duration externalData createdBy { name } participants { nodes { name } } callRecordings { nodes { state fileUrl fileSize duration call { id } } } } } }`);
  expect(calls.totalCount).toBe(40);
  expect(calls.nodes[0]).toMatchObject({ state: 'STARTED', endedAt: null, duration: null });
  expect(
    calls.nodes.filter((call: { callRecordings: { nodes: unknown[] } }) => call.callRecordings.nodes.length > 0).length,
  ).toBeGreaterThan(10);
});

it('shows the neighbour none of it', async () => {
  const count =
    '{ users { totalCount } scenarioSessions { totalCount } attachments { totalCount } calls { totalCount } integrations { totalCount } }';
  const theirs = await ask(count, {}, t.stranger);
  expect(theirs).toMatchObject({
    users: { totalCount: 5 },
    scenarioSessions: { totalCount: 13 },
    calls: { totalCount: 3 },
    integrations: { totalCount: 2 },
  });
  const sessions = `{ scenarioSessions(externalData: { type: "MATCH", key: "workOrder", value: "WO-2001" }) { nodes { createdBy { email } } } }`;
  for (const [viewer, domain] of [
    [t.admin, '@acme.example'],
    [t.stranger, '@globex.example'],
  ] as const) {
    const { nodes } = (await ask(sessions, {}, viewer)).scenarioSessions;
    expect(nodes).toHaveLength(1);
    expect(nodes[0].createdBy.email).toContain(domain);
  }
});
