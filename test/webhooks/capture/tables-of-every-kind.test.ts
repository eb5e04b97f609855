// Tests that every kind of table is captured, or refused by migrate with a reason, and never fails a write.
import { afterEach, describe, expect, it } from 'vitest';
import { attachTriggers } from '../../../src/webhooks/capture/attach-triggers.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type CapturedTables, captureTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const allOf = (...columns: string[]) => Object.fromEntries(['id', ...columns].map((name) => [name, name]));
const changes = async () => (await db.events()).map(({ operation, key, changed }) => [operation, key, changed]);

async function triggersIn(table: string): Promise<number> {
  const { rows } = await db.pool.query(
    `SELECT count(*)::int AS count FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname ~ 'hookgraph'`,
    [table],
  );
  return rows[0].count;
}

/** Writes rows 1 and 2 by each kind of statement. */
async function writeAll(insert: string, update: string): Promise<void> {
  await db.pool.query(insert);
  await db.pool.query(update);
  await db.pool.query('DELETE FROM things');
}

describe('a virtual generated column', () => {
  const ddl = `CREATE TABLE things (id int PRIMARY KEY, tenant text, name text COLLATE "C", "Net" numeric, gone int,
    shout text GENERATED ALWAYS AS (upper(name) || '!') VIRTUAL, gross numeric(10,2) GENERATED ALWAYS AS ("Net" * 1.2) VIRTUAL,
    share int GENERATED ALWAYS AS (100 / id) VIRTUAL, fixed text GENERATED ALWAYS AS ('x') VIRTUAL, updated_at timestamptz(3) DEFAULT 'epoch');
    ALTER TABLE things DROP COLUMN gone`;
  const node = thing({ columns: allOf('shout', 'gross', 'share', 'fixed'), updatedAt: 'updated_at' });

  it('is captured with the value that a reader sees, and tells its changes', async () => {
    db = await captureTables(ddl, [node]);
    await writeAll(`INSERT INTO things VALUES (1, 'acme', 'a', 10), (2, 'acme', NULL, NULL)`, `UPDATE things SET "Net" = 20 WHERE id = 1`);
    const events = await db.events();
    expect(events.map(({ operation, changed, after }) => [operation, changed, after])).toEqual([
      ['created', null, { id: 1, shout: 'A!', gross: 12, share: 100, fixed: 'x' }],
      ['created', null, { id: 2, shout: null, gross: null, share: 50, fixed: 'x' }],
      ['updated', ['gross'], { id: 1, shout: 'A!', gross: 24, share: 100, fixed: 'x' }],
      ['deleted', null, null],
      ['deleted', null, null],
    ]);
    expect(events.find(({ operation, key }) => operation === 'deleted' && key === '1')?.before).toEqual({
      id: 1,
      shout: 'A!',
      gross: 24,
      share: 100,
      fixed: 'x',
    });
  });

  it('is null where its expression fails, which Postgres would throw at a reader only', async () => {
    db = await captureTables(ddl, [node]);
    await writeAll(`INSERT INTO things VALUES (0, 'acme', 'a', 10)`, `UPDATE things SET name = 'b'`);
    const [created, updated] = await db.events();
    expect(created?.after).toEqual({ id: 0, shout: 'A!', gross: 12, share: null, fixed: 'x' });
    expect(updated?.changed).toEqual(['shout']);
  });

  it('moves updated_at when what it is computed from changes', async () => {
    db = await captureTables(ddl, [node]);
    await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a', 10)`);
    await db.pool.query('UPDATE things SET "Net" = 11');
    expect((await db.pool.query(`SELECT updated_at > 'epoch' AS moved FROM things`)).rows).toEqual([{ moved: true }]);
  });

  it('is refused where it identifies a row, or is in an expression for the tenant', async () => {
    const virtual = `${THINGS}; ALTER TABLE things ADD v text GENERATED ALWAYS AS (name) VIRTUAL`;
    db = await captureTables(virtual, []);
    const attach = (tenant: AnnouncedNode['tenant']) => attachTriggers(db.pool, [thing({ tenant })], silent);
    await expect(attach({ column: 'v' })).rejects.toMatchObject({
      code: 'ANNOUNCED_COLUMN_VIRTUAL',
      message: expect.stringMatching(/"v"/),
    });
    await expect(attach({ sql: 'r.v' })).rejects.toMatchObject({
      code: 'TENANT_SQL_INVALID',
      message: expect.stringMatching(/r\.v does not exist/),
    });
    expect(await triggersIn('things')).toBe(0);
  });
});

it('refuses at once all that can’t be captured, each with its reason, and attaches nothing', async () => {
  db = await captureTables(
    `${THINGS}; CREATE VIEW v AS SELECT * FROM things; CREATE MATERIALIZED VIEW m AS SELECT * FROM things;
     CREATE TABLE p (id int PRIMARY KEY, tenant text, name text, place text GENERATED ALWAYS AS (tableoid::int::text) VIRTUAL);
     CREATE TABLE q (id int PRIMARY KEY, tenant text, name text)`,
    [],
  );
  const named = (name: string, rest: Partial<AnnouncedNode> = {}) =>
    thing({ typename: name.toUpperCase(), table: { schema: 'public', name }, ...rest });
  const error = await attachTriggers(
    db.pool,
    [
      thing(),
      named('v'),
      named('m'),
      named('p', { columns: allOf('name', 'place') }),
      named('q', { tenant: { sql: 'r.nothing' } }),
      named('nothing'),
      thing({ typename: 'Own', table: { schema: 'hookgraph', name: 'captures' }, key: ['id'] }),
    ],
    silent,
  ).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ name: 'WebhooksError', code: 'ANNOUNCED_UNFIT' });
  const { message } = error as Error;
  for (const part of [
    'public.v of V is a view, not a table',
    'public.m of M is a materialized view, not a table',
    /column "place" \(.*\) of public\.p for P/,
    /tenant of Q, `r\.nothing`/,
    "public.nothing of NOTHING doesn't exist",
    'hookgraph.captures of Own is an internal table of Hookgraph',
  ]) {
    expect(message).toMatch(part);
  }
  for (const table of ['things', 'p', 'q']) expect(await triggersIn(table)).toBe(0);
  await db.pool.query(`INSERT INTO p VALUES (1, 'acme', 'a')`);
});

it('refuses what fails only when a row is captured, even if the table is empty, and names the column', async () => {
  db = await captureTables(
    `CREATE TYPE mood AS ENUM ('good'); CREATE FUNCTION boom(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$;
     CREATE CAST (mood AS text) WITH FUNCTION boom(mood); ${THINGS}; ALTER TABLE things ADD mood mood`,
    [],
  );
  await expect(attachTriggers(db.pool, [thing({ columns: allOf('name', 'mood') })], silent)).rejects.toMatchObject({
    code: 'ANNOUNCED_COLUMN_UNFIT',
    message: expect.stringMatching(/the column "mood" \(boom\) of public\.things for Thing/),
  });
  expect(await triggersIn('things')).toBe(0);
});

it('refuses a partition, foreign tables among partitions and heirs, and a temporary table', async () => {
  db = await captureTables(
    `CREATE EXTENSION postgres_fdw; CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw;
     CREATE TABLE things (id int PRIMARY KEY, tenant text, name text) PARTITION BY RANGE (id);
     CREATE TABLE things_1 PARTITION OF things FOR VALUES FROM (0) TO (10);
     CREATE TABLE mixed (id int, tenant text, name text) PARTITION BY RANGE (id);
     CREATE FOREIGN TABLE mixed_1 PARTITION OF mixed FOR VALUES FROM (0) TO (10) SERVER away;
     CREATE TABLE elder (id int PRIMARY KEY, tenant text, name text); CREATE FOREIGN TABLE heir () INHERITS (elder) SERVER away`,
    [],
  );
  const attach = (name: string, schema = 'public') => attachTriggers(db.pool, [thing({ table: { schema, name } })], silent);
  const unfit = (message: RegExp) => ({ code: 'ANNOUNCED_TABLE_UNFIT', message: expect.stringMatching(message) });
  await expect(attach('things_1')).rejects.toMatchObject(unfit(/is a partition of public\.things/));
  await expect(attach('mixed')).rejects.toMatchObject(unfit(/foreign tables .*mixed_1/));
  await expect(attach('elder')).rejects.toMatchObject(unfit(/foreign tables .*heir/));
  const client = await db.connect();
  await client.query('CREATE TEMP TABLE brief (id int PRIMARY KEY, tenant text, name text)');
  const { rows } = await client.query(`SELECT pg_my_temp_schema()::regnamespace::text AS schema`);
  await expect(attach('brief', rows[0].schema)).rejects.toMatchObject(unfit(/is temporary/));
  await attach('things');
});

it('captures tables that inherit with the table that they inherit from', async () => {
  db = await captureTables(
    `${THINGS}; ALTER TABLE things ADD updated_at timestamptz(3) DEFAULT 'epoch'; CREATE TABLE special (more int, PRIMARY KEY (id)) INHERITS (things);
     CREATE TABLE very_special () INHERITS (special)`,
    [thing({ updatedAt: 'updated_at' })],
  );
  await db.pool.query(`INSERT INTO special (id, tenant, name) VALUES (1, 'acme', 'a')`);
  await db.pool.query(`INSERT INTO very_special (id, tenant, name) VALUES (2, 'acme', 'a')`);
  await db.pool.query(`UPDATE special SET name = 'b' WHERE id = 1`);
  await db.pool.query(`UPDATE things SET name = 'c'`);
  await db.pool.query('DELETE FROM things');
  const seen = (await changes()).map(([operation, key]) => `${operation} ${key}`);
  expect(seen.sort()).toEqual(['created 1', 'created 2', 'deleted 1', 'deleted 2', 'updated 1', 'updated 1', 'updated 2']);
});

it('captures types of extensions, domains, composites, ranges and arrays, in whatever schema', async () => {
  db = await captureTables(
    `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext;
     CREATE DOMAIN mail AS ext.citext CHECK (VALUE ~ '@'); CREATE DOMAIN sure AS int NOT NULL; CREATE TYPE pair AS (a json, b ext.hstore);
     CREATE TYPE span AS RANGE (subtype = text); CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN moods AS mood[];
     CREATE UNLOGGED TABLE things (dropped int, id ext.citext PRIMARY KEY, tenant ext.citext, mail mail, h ext.hstore, path ext.ltree, hs ext.hstore[],
       pair pair, pairs pair[], span span, many int4multirange, moods moods, grid int[][], x xml, bits varbit, cash money, net inet, q tsvector,
       sure sure, n bigint GENERATED ALWAYS AS IDENTITY, made text GENERATED ALWAYS AS (lower(path::text)) STORED);
     ALTER TABLE things DROP COLUMN dropped`.replace('lower(path::text)', 'ext.ltree2text(path)'),
    [
      thing({
        columns: allOf(
          'mail',
          'h',
          'path',
          'hs',
          'pair',
          'pairs',
          'span',
          'many',
          'moods',
          'grid',
          'x',
          'bits',
          'cash',
          'net',
          'q',
          'sure',
          'n',
          'made',
        ),
      }),
    ],
  );
  await writeAll(
    `INSERT INTO things VALUES ('One', 'acme', 'A@b', 'k=>v', 'a.b', ARRAY['k=>v'::ext.hstore], ROW('{"a": "\\u0000"}', 'k=>v'), ARRAY[ROW('1', NULL)::pair],
      '[a,b)', '{[1,3)}', '{good}', '{{1,2},{3,4}}', '<a/>', B'101', 1.5, '10.0.0.1', 'a b', 1)`,
    `UPDATE things SET span = '[a,c)', mail = 'a@b'`,
  );
  const [created, updated, deleted] = await db.events();
  expect(created).toMatchObject({
    tenant: 'acme',
    key: 'One',
    after: {
      mail: 'A@b',
      h: { k: 'v' },
      path: 'a.b',
      hs: [{ k: 'v' }],
      span: '[a,b)',
      many: '{[1,3)}',
      moods: ['good'],
      net: '10.0.0.1',
      sure: 1,
      n: 1,
      made: 'a.b',
    },
  });
  expect(created?.after).toMatchObject({
    pairs: [{ a: 1, b: null }],
    grid: [
      [1, 2],
      [3, 4],
    ],
    x: '<a/>',
    bits: '101',
    q: "'a' 'b'",
  });
  expect(updated?.changed?.sort()).toEqual(['mail', 'span']);
  expect(deleted?.operation).toBe('deleted');
});

it('stays out of rules, policies, statement triggers and sequences of the table', async () => {
  const ddl = `${THINGS}; ALTER TABLE things ADD n serial; CREATE TABLE notes (what text); INSERT INTO things VALUES (1, 'acme', 'a'), (2, 'acme', 'b');
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes VALUES (TG_OP); PERFORM pg_notify('things', TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON things FOR EACH STATEMENT EXECUTE FUNCTION note();
    CREATE RULE also AS ON INSERT TO things DO ALSO INSERT INTO notes VALUES ('rule');
    ALTER TABLE things ENABLE ROW LEVEL SECURITY; ALTER TABLE things FORCE ROW LEVEL SECURITY;
    CREATE POLICY odd ON things USING (1 / length(current_setting('app.never_set')) > 0)`;
  db = await captureTables(ddl, []);
  const client = await db.connect();
  const heard: string[] = [];
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await client.query('LISTEN things');
  const state = async () =>
    (
      await db.pool.query(
        `SELECT (SELECT last_value FROM things_n_seq), (SELECT count(*) FROM notes), (SELECT string_agg(xmin::text, ',') FROM things)`,
      )
    ).rows;
  const before = await state();
  await attachTriggers(db.pool, [thing({ columns: allOf('name', 'n') })], silent);
  await client.query('SELECT 1');
  expect(await state()).toEqual(before);
  expect(heard).toEqual([]);
  expect((await db.pool.query('SELECT count(*)::int AS n FROM hookgraph.captures')).rows).toEqual([{ n: 0 }]);
  await db.pool.query(`UPDATE things SET name = 'c' WHERE id = 1`);
  expect(await changes()).toEqual([['updated', '1', ['name']]]);
});

it('says which rights the role that migrates lacks', async () => {
  db = await captureTables(
    `${THINGS}; DO $$ BEGIN CREATE ROLE migrator LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
     GRANT USAGE, CREATE ON SCHEMA hookgraph TO migrator; GRANT SELECT ON things TO migrator`,
    [],
  );
  const client = await db.connect();
  await client.query('SET ROLE migrator');
  const connect = async () => Object.assign(client, { release: () => {} });
  const pool = { options: db.pool.options, connect } as unknown as typeof db.pool;
  await expect(attachTriggers(pool, [thing()], silent)).rejects.toMatchObject({
    code: 'ANNOUNCED_TABLE_UNFIT',
    hint: expect.stringMatching(/GRANT SELECT, TRIGGER ON public\.things/),
  });
  await client.query('RESET ROLE');
});
