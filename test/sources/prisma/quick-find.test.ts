import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrismaClient } from '../../../src/generated/nodes/client.js';
import { readMarked, stringifyJson } from '../../../src/runtime/exact-json.mjs';
import { datamodel, modelOf } from '../../../src/sample/prisma.js';
import { type Field, keyFields, type Model } from '../../../src/sources/prisma/datamodel.js';
import { delegateOf, type Row } from '../../../src/sources/prisma/index.js';
import { createQuickFind, type FindUniqueArgs } from '../../../src/sources/prisma/quick-find.js';
import { type TestApp, testApp } from '../../support/app.js';
import { openReader } from '../../support/reader.js';

let t: TestApp;
let reader: ReturnType<typeof openReader>;
let statements: string[] = [];
let quick: ReturnType<typeof createQuickFind>;
beforeAll(async () => {
  t = await testApp({}, { sampleData: true });
  reader = openReader(t.database.url, { log: t.app.log, statementTimeoutMs: 5000 });
  const query = (config: { text: string }) => {
    statements.push(config.text);
    return reader.pool.query(config as never);
  };
  quick = createQuickFind(datamodel, { query } as never);
});
afterAll(async () => {
  await reader.close();
  await t.close();
});

async function find(model: Model, args: FindUniqueArgs): Promise<Row | null> {
  const plan = quick.plan(model, args);
  if (!plan) throw new Error(`${model.name} is not read the quick way`);
  return plan.read();
}

/** Returns the `include` that Pothos makes when a query selects related objects at every level. */
function everythingBeside(model: Model, depth: number): object | undefined {
  const relations = model.fields.filter(({ relationFromFields }) => relationFromFields?.length === 1);
  if (relations.length === 0 || depth === 0) return undefined;
  return Object.fromEntries(
    relations.map(({ name, type }) => {
      const include = everythingBeside(modelOf(type), depth - 1);
      return [name, include ? { include } : true];
    }),
  );
}

const single = datamodel.models.filter((model) => keyFields(model).length === 1);

describe('a row by its key', () => {
  it.each(single.map(({ name }) => name))('of %s is what Prisma reads, with all that it points to', async (name) => {
    const model = modelOf(name);
    const prisma: PrismaClient = reader.prisma;
    const [key] = keyFields(model) as [Field];
    const rows = await delegateOf(prisma, name).findMany({ take: 40 });
    const include = everythingBeside(model, 2);
    for (const args of [{}, ...(include ? [{ include }] : [])]) {
      const wheres = rows.map((row) => ({
        [key.name]: row[key.name],
        ...('organizationId' in row && { organizationId: row.organizationId }),
      }));
      const [own, theirs] = await Promise.all([
        Promise.all(wheres.map((where) => find(model, { ...args, where }))),
        Promise.all(wheres.map((where) => delegateOf(prisma, name).findUnique({ ...args, where }))),
      ]);
      expect(own).toEqual(theirs);
    }
  });

  it('is null where there is none, and where it is another organization’s', async () => {
    const user = modelOf('User');
    const { userId: id } = t.admin;
    expect(await find(user, { where: { id: '11111111-1111-4111-8111-111111111111' } })).toBeNull();
    expect(await find(user, { where: { id, organizationId: t.stranger.organizationId } })).toBeNull();
    expect(await find(user, { where: { id, organizationId: t.admin.organizationId } })).toMatchObject({ firstName: 'Ada' });
  });

  it('is each caller’s own, and one statement for all who ask in the same tick', async () => {
    statements = [];
    const args = { where: { id: t.admin.userId }, include: { organization: true } };
    const [one, other] = await Promise.all([find(modelOf('User'), args), find(modelOf('User'), args)]);
    expect(statements).toHaveLength(1);
    expect(one).toEqual(other);
    expect(one).not.toBe(other);
    expect(one?.organization).not.toBe(other?.organization);
  });

  it.each(['0044-03-15 BC', '290000-01-02 03:04:05.678', 'infinity', '-infinity'])('of %s is what Prisma reads', async (moment) => {
    const { rows } = await t.database.pool.query(
      `INSERT INTO groups (organization_id, name, created_at) VALUES ($1, 'Of old', $2) RETURNING id`,
      [t.admin.organizationId, moment],
    );
    const where = { id: rows[0].id };
    const own = await find(modelOf('Group'), { where });
    expect(own).toEqual(await reader.prisma.group.findUnique({ where }));
    expect(String(own?.createdAt)).not.toBe('Invalid Date');
  });

  it('with long numbers in its JSON is what Prisma reads, once each is read out', async () => {
    const data = '{"id": 750727362669608961, "of": [0.1000000000000000055511151231257827]}';
    const { rows } = await t.database.pool.query(
      'UPDATE scenario_sessions SET external_data = $1 WHERE id = (SELECT id FROM scenario_sessions ORDER BY id LIMIT 1) RETURNING id',
      [data],
    );
    const where = { id: rows[0].id };
    const own = await find(modelOf('ScenarioSession'), { where });
    expect(stringifyJson(own?.externalData)).toBe(data.replaceAll(' ', ''));
    const prismas = await reader.prisma.scenarioSession.findUnique({ where });
    expect(readMarked(prismas?.externalData)?.replaceAll(' ', '')).toBe(data.replaceAll(' ', ''));
  });
});

describe('what else findUnique can be asked', () => {
  it.each([
    ['a selection of columns', () => ({ where: { id: t.admin.userId }, select: { id: true } })],
    ['a list', () => ({ where: { id: t.admin.userId }, include: { groups: true } })],
    ['a part of an object', () => ({ where: { id: t.admin.userId }, include: { organization: { select: { id: true } } } })],
    ['a condition', () => ({ where: { id: t.admin.userId, AND: [{ organization: { name: 'x' } }] } })],
    ['another key', () => ({ where: { username: 'ada' } })],
    ['a key in other letters', () => ({ where: { id: t.admin.userId.toUpperCase() } })],
  ])('is left to Prisma: %s', (_, args) => {
    expect(quick.plan(modelOf('User'), args())).toBeNull();
  });
});
