import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../../../src/generated/nodes/client.js';
import { type Context, createContext } from '../../../src/sample/graph/context.js';
import { datamodel } from '../../../src/sample/prisma.js';
import { withOverlay } from '../../../src/sources/prisma/overlay.js';
import type { Json, Snapshot } from '../../../src/webhooks/index.js';
import { type TestApp, testApp } from '../../support/app.js';
import { openCountingPrisma } from '../../support/count-statements.js';

const known = { ...datamodel, Prisma };

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

/** Deletes a row and returns its snapshot from the event. */
async function deleteAndRemember(typename: string, sql: string, values: unknown[] = []): Promise<Snapshot> {
  await t.database.pool.query(sql, values);
  const { rows } = await t.database.pool.query(
    `SELECT node_key, before FROM hookgraph.recorded WHERE typename = $1 AND operation = 'deleted' ORDER BY id DESC LIMIT 1`,
    [typename],
  );
  return { typename, key: rows[0].node_key, columns: rows[0].before as Record<string, Json> };
}

async function askOverlay(query: string, snapshot: Snapshot, as = t.admin) {
  const host = t.app.webhooks.engine.host;
  const context = (await host.contextFor({ tenant: as.organizationId, userId: as.userId }))?.([snapshot]);
  const id = host.toGlobalId(snapshot.typename, snapshot.key);
  return graphql({ schema: t.app.schema, source: query, contextValue: context, variableValues: { nodeId: id } });
}

describe('a row that is gone', () => {
  it('is answered as it was, with its types, and with relations to what still exists', async () => {
    const snapshot = await deleteAndRemember('ScenarioSession', `DELETE FROM scenario_sessions WHERE state = 'COMPLETED'`);
    const answer = await askOverlay(
      `query ($nodeId: ID!) { node(id: $nodeId) { __typename id ... on ScenarioSession { state duration percentOfStepsViewed startedAt createdAt updatedAt externalData
         scenario { name organization { permalink } author { firstName } } createdBy { name groups { nodes { name } } } organization { name } } } }`,
      snapshot,
    );
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.node).toMatchObject({
      __typename: 'ScenarioSession',
      state: 'COMPLETED',
      percentOfStepsViewed: 100,
      externalData: null,
      scenario: { name: 'Start a cold boiler', organization: { permalink: 'acme' }, author: { firstName: 'Ada' } },
      createdBy: { name: 'Alain Bloch', groups: { nodes: [{ name: 'Technicians' }] } },
      organization: { name: 'Acme Training' },
    });
    const node = answer.data?.node as { startedAt: string; duration: number };
    expect(node.startedAt).toBe(new Date(String(snapshot.columns.started_at)).toISOString());
    expect(node.duration).toBeGreaterThan(3599);
  });

  it('has connections to those that still point to it, counted and filtered', async () => {
    const { pool } = t.database;
    await pool.query(`INSERT INTO users (organization_id, first_name, last_name) VALUES ($1, 'Temp', 'Orary')`, [t.admin.organizationId]);
    await pool.query(
      `INSERT INTO _group_members ("A", "B") SELECT g.id, u.id FROM groups g, users u WHERE g.name = 'Trainers' AND u.first_name = 'Temp'`,
    );
    const snapshot = await deleteAndRemember('User', `DELETE FROM users WHERE first_name = 'Temp'`);
    const answer = await askOverlay(
      'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name licenses admin groups { totalCount nodes { name } } } } }',
      snapshot,
    );
    expect(answer).toMatchObject({
      data: { node: { name: 'Temp Orary', licenses: [], admin: false, groups: { totalCount: 0, nodes: [] } } },
    });
  });

  it('is answered although everything that it pointed to is gone as well', async () => {
    const { pool } = t.database;
    const { rows } = await pool.query(`INSERT INTO scenarios (organization_id, name) VALUES ($1, 'Doomed') RETURNING id`, [
      t.admin.organizationId,
    ]);
    await pool.query('INSERT INTO scenario_sessions (organization_id, scenario_id) VALUES ($1, $2)', [t.admin.organizationId, rows[0].id]);
    const snapshot = await deleteAndRemember('ScenarioSession', 'DELETE FROM scenarios WHERE id = $1', [rows[0].id]);
    const answer = await askOverlay(
      'query ($nodeId: ID!) { node(id: $nodeId) { ... on ScenarioSession { state scenario { name } } } }',
      snapshot,
    );
    expect(answer).toMatchObject({ data: { node: { state: 'STARTED', scenario: null } } });
  });

  it('stays gone for whoever wasn’t handed its snapshot', async () => {
    const snapshot = await deleteAndRemember('Group', `DELETE FROM groups WHERE name = 'Technicians'`);
    const id = t.app.webhooks.engine.host.toGlobalId('Group', snapshot.key);
    expect(await t.ask('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ data: { node: null } });
  });
});

describe('a row that exists', () => {
  it('is answered as it is, whatever its snapshot says', async () => {
    const { rows } = await t.database.pool.query(`SELECT id FROM groups WHERE name = 'Trainers'`);
    const snapshot = {
      typename: 'Group',
      key: rows[0].id,
      columns: { id: rows[0].id, organization_id: t.admin.organizationId, name: 'Old name' },
    };
    const answer = await askOverlay('query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }', snapshot);
    expect(answer).toMatchObject({ data: { node: { name: 'Trainers' } } });
  });
});

describe('a row as it is going to be', () => {
  it('is answered in place of the one that exists, with what its new foreign keys point to and what points to it', async () => {
    const { rows } = await t.database.pool.query(
      `SELECT s.id, s.environment_id, to_jsonb(s) AS columns FROM scenarios s WHERE name = 'Start a cold boiler'`,
    );
    const { rows: groups } = await t.database.pool.query(`SELECT id FROM groups WHERE name = 'Trainers'`);
    const columns = { ...rows[0].columns, name: 'Start a warm boiler', author_id: null, origin_group_id: groups[0].id };
    const source = `query ($nodeId: ID!) { node(id: $nodeId) { ... on Scenario { name author { firstName } originGroup { name } scenarioReleases { totalCount } } } }`;
    const asIs = await askOverlay(source, { typename: 'Scenario', key: rows[0].id, columns });
    const ahead = await askOverlay(source, { typename: 'Scenario', key: rows[0].id, columns, ahead: true });
    expect(asIs.data?.node).toMatchObject({ name: 'Start a cold boiler', author: { firstName: 'Ada' }, originGroup: null });
    expect(ahead.data?.node).toEqual({
      ...(asIs.data?.node as object),
      name: 'Start a warm boiler',
      author: null,
      originGroup: { name: 'Trainers' },
    });
  });
});

describe('the owner of a stored query', () => {
  it('gets no context once disabled, moved or gone', async () => {
    const { contextFor } = t.app.webhooks.engine.host;
    const { rows } = await t.database.pool.query(
      `INSERT INTO users (organization_id, first_name, last_name) VALUES ($1, 'Some', 'Owner') RETURNING id`,
      [t.admin.organizationId],
    );
    const owner = { tenant: t.admin.organizationId, userId: rows[0].id };
    expect(await contextFor(owner)).not.toBeNull();
    expect(await contextFor({ ...owner, tenant: t.stranger.organizationId })).toBeNull();
    await t.database.pool.query('UPDATE users SET disabled = true WHERE id = $1', [owner.userId]);
    expect(await contextFor(owner)).toBeNull();
    await t.database.pool.query('DELETE FROM users WHERE id = $1', [owner.userId]);
    expect(await contextFor(owner)).toBeNull();
  });

  it('can’t write: the connection is read-only', async () => {
    const contextOf = await t.app.webhooks.engine.host.contextFor({ tenant: t.admin.organizationId, userId: t.admin.userId });
    const context = contextOf?.([]) as Context;
    await expect(context.prisma.group.create({ data: { name: 'X', organizationId: t.admin.organizationId } })).rejects.toThrow(
      'read-only transaction',
    );
  });
});

describe('ten stored queries at once, each with a context and an overlay of its own', () => {
  it('make one statement for the nodes, and one more for a relation', async () => {
    const counting = openCountingPrisma(t.database.url);
    await t.database.pool.query(
      `INSERT INTO scenarios (organization_id, name, author_id) SELECT $1, 'Batch ' || n, $2 FROM generate_series(1, 10) n`,
      [t.admin.organizationId, t.admin.userId],
    );
    const { rows } = await t.database.pool.query(`SELECT id FROM scenarios WHERE name LIKE 'Batch %' ORDER BY id`);
    const source = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Scenario { name author { name } } } }';
    const gone = '11111111-1111-4111-8111-111111111111';
    const snapshotOf = (key: string): Snapshot => ({
      typename: 'Scenario',
      key,
      columns: { id: key, name: 'Remembered', organization_id: t.admin.organizationId },
    });
    const keys: string[] = [...rows.map(({ id }) => id), gone];
    // Runs one query first, so that what Prisma does at its first query isn't counted.
    await counting.prisma.scenario.findFirst();
    counting.take();
    const answers = await Promise.all(
      keys.map((key) => {
        const contextValue = createContext({
          prisma: withOverlay(known, counting.prisma, [snapshotOf(key)]),
          viewer: t.admin,
          webhooks: t.app.webhooks,
        });
        return graphql({
          schema: t.app.schema,
          source,
          contextValue,
          variableValues: { nodeId: t.app.webhooks.engine.host.toGlobalId('Scenario', key) },
        });
      }),
    );
    expect(answers.flatMap(({ errors }) => errors ?? [])).toEqual([]);
    expect(answers.at(-1)?.data).toEqual({ node: { name: 'Remembered', author: null } });
    expect(answers[0]?.data).toMatchObject({ node: { author: { name: 'Ada Lovelace' } } });
    expect(counting.take()).toHaveLength(2);
    await counting.prisma.$disconnect();
  });
});
