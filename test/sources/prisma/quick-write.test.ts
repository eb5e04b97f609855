import { randomUUID } from 'node:crypto';
import { graphql } from 'graphql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Prisma } from '../../../src/generated/nodes/client.js';
import { type Context, createContext } from '../../../src/sample/graph/context.js';
import { datamodel, modelOf, openPrisma, openWriter } from '../../../src/sample/prisma.js';
import { columnFields, type Field, keyFields, type Model } from '../../../src/sources/prisma/datamodel.js';
import { delegateOf, type Row } from '../../../src/sources/prisma/index.js';
import { createQuickWrite, isLeftToPrisma } from '../../../src/sources/prisma/quick-write.js';
import { announceValues, isForHooks } from '../../../src/webhooks/index.js';
import { type Answer, type TestApp, testApp } from '../../support/app.js';
import { type CountingProxy, startCountingProxy } from '../../support/counting-proxy.js';
import { startHooks } from '../../support/hooks.js';
import { until } from '../../support/until.js';

let t: TestApp;
/** A pool with one connection, so that a test sees what a write leaves behind on it. */
let pool: pg.Pool;
let quick: ReturnType<typeof createQuickWrite>;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' }, { sampleData: true });
  pool = new pg.Pool({ connectionString: t.database.url, max: 1 });
  pool.on('error', () => {});
  quick = createQuickWrite(Prisma, pool);
});
afterAll(async () => {
  await pool.end();
  await t.close();
});

const Group = modelOf('Group');
const announced = (context = 'a test', typename = 'Group', tenant = t.admin.organizationId) =>
  announceValues({ tenant, typename }, context);
const insertGroup = (name: string, announcement = announced()) =>
  quick.insert(Group, { name, organizationId: t.admin.organizationId })?.(announcement) as Promise<Row>;
const groupsNamed = async (name: string) => (await t.database.pool.query('SELECT 1 FROM groups WHERE name = $1', [name])).rowCount;
const backend = async () => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;
const contextsOf = async (names: string[]): Promise<(string | null)[]> => {
  const found = `SELECT context FROM hookgraph.recorded WHERE hookgraph.row_of(layout_id, after) ->> 'name' = ANY ($1) ORDER BY hookgraph.row_of(layout_id, after) ->> 'name'`;
  return (await t.database.pool.query(found, [names])).rows.map(({ context }) => context);
};

/** Turns a value that Prisma read into the form in which Prisma writes it. */
function written({ isList, type }: Field, value: unknown): unknown {
  if (isList) return { set: value };
  return type === 'Json' && value === null ? Prisma.DbNull : value;
}

describe('a row that is written quickly', () => {
  it('has its moments as they are, and as Prisma reads and writes them, wherever the server is', async () => {
    const { rows: databases } = await t.database.pool.query('SELECT current_database() AS name');
    const inZone = (zone: string) => t.database.pool.query(`ALTER DATABASE ${databases[0].name} ${zone}`);
    await inZone("SET timezone = 'Europe/Berlin'");
    const writer = openWriter(t.database.url, () => {});
    const prisma = openPrisma(writer);
    onTestFinished(async () => {
      await prisma.$disconnect();
      await writer.end();
      await inZone('RESET timezone');
    });
    const { id } = await prisma.scenarioSession.findFirstOrThrow();
    const stored = async () =>
      (await t.database.pool.query('SELECT started_at FROM scenario_sessions WHERE id = $1', [id])).rows[0].started_at;
    const summer = new Date('2026-07-01T12:00:00.123Z');
    const update = createQuickWrite(Prisma, writer).update(modelOf('ScenarioSession'), [['id', id]], { startedAt: summer });
    expect((await update?.(announced('', 'ScenarioSession')))?.startedAt).toEqual(summer);
    expect(await stored()).toEqual(summer);
    expect((await prisma.scenarioSession.findUniqueOrThrow({ where: { id } })).startedAt).toEqual(summer);
    const early = new Date('1890-01-01T00:00:00Z');
    await prisma.scenarioSession.update({ where: { id }, data: { startedAt: early } });
    expect(await stored()).toEqual(early);
    const again = createQuickWrite(Prisma, writer).update(modelOf('ScenarioSession'), [['id', id]], { startedAt: early });
    expect((await again?.(announced('', 'ScenarioSession')))?.startedAt).toEqual(early);
  });

  it.each(datamodel.models.filter((model) => keyFields(model).length === 1).map(({ name }) => name))(
    'of %s is what Prisma reads, column by column',
    async (name) => {
      const model = modelOf(name);
      const rows = await delegateOf((t.app.contextOf(t.admin) as Context).prisma, name).findMany({ take: 10 });
      for (const row of rows) {
        const data = Object.fromEntries(columnFields(model).map((field) => [field.name, written(field, row[field.name])]));
        const key = (keyFields(model)[0] as Field).name;
        expect(await quick.update(model, [[key, row[key]]], data)?.(announced())).toEqual(row);
      }
    },
  );

  it('comes back as it went, where it is deleted and made again', async () => {
    const model = modelOf('ScenarioSessionCheckbox');
    const rows = await delegateOf((t.app.contextOf(t.admin) as Context).prisma, model.name).findMany({ take: 5 });
    for (const row of rows) {
      expect(await quick.delete(model, [['id', row.id]])?.(announced())).toEqual(row);
      const data = Object.fromEntries(columnFields(model).map((field) => [field.name, written(field, row[field.name])]));
      expect(await quick.insert(model, data)?.(announced())).toEqual(row);
    }
    expect(rows).toHaveLength(5);
  });

  it('keeps awkward texts, lists and moments', async () => {
    const awkward = `'); DROP TABLE users; -- \\ "x" {a,b} $1 ${'\u2028'} 😀`;
    const User = modelOf('User');
    const data = {
      firstName: awkward,
      lastName: '',
      licenses: { set: [awkward, '', 'NULL', '{}'] },
      organizationId: t.admin.organizationId,
    };
    const row = (await quick.insert(User, data)?.(announced())) as Row;
    expect(row).toMatchObject({ firstName: awkward, lastName: '', licenses: [awkward, '', 'NULL', '{}'], phone: null });
    expect(row.createdAt).toBeInstanceOf(Date);
    await quick.delete(User, [['id', row.id]])?.(announced());
  });

  it('is Prisma’s where more than columns, or what Prisma alone makes, is written', () => {
    const data = { name: 'Pilots', organizationId: t.admin.organizationId };
    expect(quick.insert(Group, { ...data, members: { connect: [] } })).toBeNull();
    expect(quick.update(Group, [['id', randomUUID()]], {})).toBeNull();
    const dated: Model = { ...Group, fields: Group.fields.map((field) => ({ ...field, isMadeByPrisma: field.name === 'updatedAt' })) };
    expect(quick.insert(dated, data)).toBeNull();
  });
});

describe('the cause of a quick write', () => {
  it('is told to its events, and to none that the same connection makes later', async () => {
    const pid = await backend();
    await insertGroup('Cause 1', announced('first'));
    await insertGroup('Cause 2', announced('second'));
    await pool.query(`INSERT INTO groups (name, organization_id) VALUES ('Cause 3', $1)`, [t.admin.organizationId]);
    expect(await contextsOf(['Cause 1', 'Cause 2', 'Cause 3'])).toEqual(['first', 'second', null]);
    expect(await backend()).toBe(pid);
  });

  it('is each mutation’s own where many run side by side', async () => {
    const create = 'mutation ($name: String) { createGroup(group: { name: $name }) { errors { message } group { id } } }';
    const ask = async (name: string) => {
      const contextValue = t.app.contextOf(t.admin, `trace of ${name}`);
      return graphql({ schema: t.app.schema, source: create, variableValues: { name }, contextValue });
    };
    const names = Array.from({ length: 30 }, (_, index) => `Side by side ${String(index).padStart(2, '0')}`);
    await Promise.all(names.map(ask));
    const causes = (await contextsOf(names)).map((context) => JSON.parse(context ?? 'null'));
    expect(causes).toEqual(names.map((name) => ({ actor: { userId: t.admin.userId }, traceparent: `trace of ${name}` })));
  });
});

describe('a quick write that fails', () => {
  it.each([
    ['of a unique index', modelOf('User'), () => ({ firstName: 'Twin', lastName: 'X', email: 'ada@acme.example' }), '23505'],
    ['of a foreign key', modelOf('User'), () => ({ firstName: 'Lost', lastName: 'X', originGroupId: randomUUID() }), '23503'],
    ['of a number', modelOf('ScenarioSession'), () => ({ idleDuration: 2 ** 40, scenarioId: randomUUID() }), '22003'],
  ] as const)('because %s is left to Prisma to tell, and its connection goes on', async (_what, model, data, code) => {
    if (code === '23505') await t.database.pool.query(`UPDATE users SET email = 'ada@acme.example' WHERE id = $1`, [t.admin.userId]);
    const pid = await backend();
    const error = await quick
      .insert(model, { ...data(), organizationId: t.admin.organizationId })?.(announced())
      .catch((cause) => cause);
    expect(error).toMatchObject({ code });
    expect(isLeftToPrisma(error)).toBe(true);
    expect(await insertGroup(`After ${code}`)).toMatchObject({ name: `After ${code}` });
    expect(await backend()).toBe(pid);
  });

  it('because what it points to goes at that very moment is told as a mistake', async () => {
    const { id } = await insertGroup('Going');
    const holder = await t.database.pool.connect();
    await holder.query(`BEGIN; DELETE FROM groups WHERE id = '${id}'`);
    const answer = t.ask(
      'mutation ($id: ID) { createUser(user: { firstName: "A" lastName: "B" originGroupId: $id }) { errors { field type } } }',
      {
        id: t.app.webhooks.engine.host.toGlobalId('Group', id as string),
      },
    );
    const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO "public"."users"%' AND datname = current_database()`;
    await until('it waits', async () => (await t.database.pool.query(waits)).rowCount === 1);
    await holder.query('COMMIT');
    holder.release();
    expect((await answer).data).toEqual({ createUser: { errors: [{ field: 'originGroupId', type: 'NOT_FOUND' }] } });
  });

  it('because its connection is cut off tells so, and the next one is done', async () => {
    const { id } = await insertGroup('Cut off');
    const holder = await t.database.pool.connect();
    await holder.query(`BEGIN; SELECT 1 FROM groups WHERE id = '${id}' FOR UPDATE`);
    const cut = quick
      .update(Group, [['id', id]], { name: 'Never' })?.(announced())
      .catch((error) => error);
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE "public"."groups"%' AND datname = current_database()`;
    await until('it waits, and is cut off', async () => (await t.database.pool.query(kill)).rowCount === 1);
    const error = await cut;
    expect(error).toBeInstanceOf(Error);
    expect(isLeftToPrisma(error)).toBe(false);
    await holder.query('ROLLBACK');
    holder.release();
    expect(await quick.update(Group, [['id', id]], { name: 'Then' })?.(announced())).toMatchObject({ id, name: 'Then' });
  });
});

describe('a before-hook', () => {
  it('stops a quick write of its tenant and type from the moment it is saved to the moment it is gone, and nothing is left of it', async () => {
    const hooks = await startHooks(t);
    onTestFinished(() => hooks.close());
    await hooks.subscribe({ topic: 'user/created' });
    await hooks.subscribe({ topic: 'group/created', phase: 'AFTER' });
    expect(await insertGroup('Nobody asks')).toMatchObject({ name: 'Nobody asks' });
    const hook = await hooks.subscribe({ topic: 'group/deleted' });
    const pid = await backend();
    const { id } = (await t.database.pool.query(`SELECT id FROM groups WHERE name = 'Nobody asks'`)).rows[0];
    const writes = [
      insertGroup('Stopped'),
      quick.update(Group, [['id', id]], { name: 'Stopped' })?.(announced()),
      quick.delete(Group, [['id', id]])?.(announced()),
    ];
    expect(await Promise.all(writes.map((write) => write?.catch(isForHooks)))).toEqual([true, true, true]);
    expect(await groupsNamed('Stopped')).toBe(0);
    expect(await insertGroup('A stranger’s', announced('', 'Group', t.stranger.organizationId))).toMatchObject({
      organizationId: t.admin.organizationId,
    });
    expect(await backend()).toBe(pid);
    await hook.update({ disabled: true });
    expect(await insertGroup('Switched off')).toMatchObject({ name: 'Switched off' });
    await hook.update({ disabled: false });
    expect(await insertGroup('Stopped').catch(isForHooks)).toBe(true);
    await hooks.close();
    expect(await insertGroup('Gone')).toMatchObject({ name: 'Gone' });
    expect(await contextsOf(['Stopped'])).toEqual([]);
  });
});

describe('a mutation on the wire', () => {
  let proxy: CountingProxy;
  let writer: pg.Pool;
  let context: () => Context;
  beforeAll(async () => {
    proxy = await startCountingProxy(t.database.url);
    writer = openWriter(proxy.url, () => {});
    const [prisma, quickWrite] = [openPrisma(writer), createQuickWrite(Prisma, writer)];
    context = () => createContext({ prisma, viewer: t.admin, webhooks: t.app.webhooks, quickWrite });
  });
  afterAll(async () => {
    await writer.end();
    await proxy.close();
  });

  const ask = async (source: string, variableValues = {}) => {
    const { data, errors } = await graphql({ schema: t.app.schema, source, variableValues, contextValue: context() });
    expect(errors).toBeUndefined();
    return { answer: data as Answer['data'], statements: proxy.take() };
  };

  it('is one statement, whatever is written, and a few more only for what the answer shows beside the row', async () => {
    const made = await ask('mutation { made: createGroup(group: { name: "Wire" }) { errors { message } group { id name } } }');
    expect(made).toEqual({ answer: { made: { errors: [], group: { id: expect.any(String), name: 'Wire' } } }, statements: 1 });
    const { id } = made.answer.made.group;
    const changed = await ask(
      'mutation ($id: ID) { changed: updateGroup(group: { id: $id name: "Wires" }) { errors { message } group { name } } }',
      { id },
    );
    expect(changed).toEqual({ answer: { changed: { errors: [], group: { name: 'Wires' } } }, statements: 1 });
    const shown = 'group { name organization { name } members { totalCount } }';
    const told = { organization: { name: 'Acme Training' }, members: { totalCount: 0 } };
    const renamed = await ask(
      `mutation ($id: ID) { renamed: updateGroup(group: { id: $id name: "Cables" }) { errors { message } ${shown} } }`,
      { id },
    );
    expect(renamed.answer).toEqual({ renamed: { errors: [], group: { name: 'Cables', ...told } } });
    const gone = await ask(`mutation ($id: ID) { gone: deleteGroup(group: { id: $id }) { errors { message } ${shown} } }`, { id });
    expect(gone.answer).toEqual({ gone: { errors: [], group: { name: 'Cables', ...told } } });
    expect([renamed.statements, gone.statements]).toEqual([3, 3]);
    const again = await ask('mutation ($id: ID) { again: deleteGroup(group: { id: $id }) { errors { type field } } }', { id });
    expect(again).toEqual({ answer: { again: { errors: [{ type: 'NOT_FOUND', field: 'id' }] } }, statements: 1 });
  });

  it('touches no row of another organization', async () => {
    const id = t.app.webhooks.engine.host.toGlobalId('User', t.stranger.userId);
    for (const wanted of ['updateUser(user: { id: $id firstName: "Taken" })', 'deleteUser(user: { id: $id })']) {
      const { answer } = await ask(`mutation ($id: ID) { tried: ${wanted} { errors { type } user { id } } }`, { id });
      expect(answer.tried).toEqual({ errors: [{ type: 'NOT_FOUND' }], user: null });
    }
    const own = await ask('mutation ($id: ID) { tried: updateOrganization(organization: { id: $id name: "Taken" }) { errors { type } } }', {
      id: t.app.webhooks.engine.host.toGlobalId('Organization', t.stranger.organizationId),
    });
    expect(own.answer.tried).toEqual({ errors: [{ type: 'NOT_FOUND' }] });
    const { rows } = await t.database.pool.query('SELECT first_name FROM users WHERE id = $1', [t.stranger.userId]);
    expect(rows).toEqual([{ first_name: 'Hank' }]);
  });
});
