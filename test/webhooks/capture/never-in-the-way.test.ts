// Tests that capture never fails a customer's write, and that no session setting of a customer changes what is captured.
import { afterEach, expect, it } from 'vitest';
import { attachTriggers } from '../../../src/webhooks/capture/attach-triggers.js';
import { type CapturedTables, captureTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

/** Captures a table `things` with these columns besides id and tenant, all announced. */
async function withColumns(columns: Record<string, string>, before = ''): Promise<void> {
  const list = Object.entries(columns).map(([name, type]) => `, "${name.replaceAll('"', '""')}" ${type}`);
  const node = thing({ columns: Object.fromEntries(['id', ...Object.keys(columns)].map((name) => [name, name])) });
  db = await captureTables(`${before}; CREATE TABLE things (id int PRIMARY KEY, tenant text${list.join('')})`, [node]);
}

it('keeps json that jsonb refuses, as text, and tells its changes', async () => {
  const refused = ['{"a": "\\u0000"}', '"\\ud800"', '1e999999', `[${'9'.repeat(140_000)}]`];
  await withColumns(
    { doc: 'json', list: 'json[]', known: 'known_json', pair: 'pair' },
    'CREATE DOMAIN known_json AS json; CREATE TYPE pair AS (a json, b int)',
  );
  for (const [index, json] of refused.entries()) {
    await db.pool.query('INSERT INTO things VALUES ($1, $2, $3, ARRAY[$3::json], $3, ROW($3::json, 1)::pair)', [index, 'acme', json]);
  }
  const events = await db.events();
  expect(events.map(({ after }) => after?.doc)).toEqual(refused);
  expect(events.map(({ after }) => after?.known)).toEqual(refused);
  await db.pool.query(`UPDATE things SET doc = '{"a": "\\u0000b"}' WHERE id = 0`);
  await db.pool.query(`UPDATE things SET doc = '{"b": 1}' WHERE id = 1`);
  expect(await db.events()).toMatchObject([{ changed: ['doc'] }, { changed: ['doc'], after: { doc: { b: 1 } } }]);
});

it('records values of every kind as JSON, the same whatever the session sets', async () => {
  await withColumns(
    {
      n: 'numeric',
      f: 'float8',
      at: 'timestamptz',
      day: 'date',
      span: 'interval',
      raw: 'bytea',
      mood: 'mood',
      moods: 'mood[]',
      named: 'named_mood',
      tags: 'text[]',
      doc: 'jsonb',
      list: 'json[]',
      u: 'uuid',
      range: 'int4range',
      pair: 'pair',
      made: 'int GENERATED ALWAYS AS (id + 1) STORED',
    },
    `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN named_mood AS mood; CREATE TYPE pair AS (a int, b text)`,
  );
  const client = await db.connect({
    options: `-c TimeZone=Asia/Kolkata -c DateStyle=German -c IntervalStyle=iso_8601 -c bytea_output=escape -c extra_float_digits=-10 -c plpgsql.extra_errors=all`,
  });
  await client.query(`INSERT INTO things (id, tenant, n, f, at, day, span, raw, mood, moods, named, tags, doc, list, u, range, pair) VALUES (1, 'acme', 'NaN', '-infinity',
    '2026-01-02T03:04:05Z', '2026-01-02', '1 day', '\\x01ff', 'good', '{good,bad}', 'bad', '{a,NULL}', '{"a": [1]}', ARRAY['{"x": 1}'::json],
    '00000000-0000-0000-0000-000000000001', '[1,3)', ROW(1, 'x'))`);
  await client.query(`INSERT INTO things (id, tenant, n, at, day) VALUES (2, 'acme', 1.50, 'infinity', '-infinity')`);
  const [full, empty] = await db.events();
  expect(full?.after).toEqual({
    id: 1,
    n: 'NaN',
    f: '-Infinity',
    at: '2026-01-02T03:04:05+00:00',
    day: '2026-01-02',
    span: '1 day',
    raw: '\\x01ff',
    mood: 'good',
    moods: ['good', 'bad'],
    named: 'bad',
    tags: ['a', null],
    doc: { a: [1] },
    list: [{ x: 1 }],
    u: '00000000-0000-0000-0000-000000000001',
    range: '[1,3)',
    pair: { a: 1, b: 'x' },
    made: 2,
  });
  expect(empty?.after).toMatchObject({ n: 1.5, at: 'infinity', day: '-infinity', mood: null, doc: null });
});

it('announces more columns than a function has arguments, with names in need of quotes', async () => {
  const awkward = [
    'Mixed Case',
    'quo"te',
    `apos'trophe`,
    'select',
    'doc',
    'r',
    't',
    'key',
    'captured',
    'new_rows',
    'k',
    '$1',
    '%s',
    'tg_op',
    'present',
    'back\\slash',
  ];
  const names = [...awkward, ...Array.from({ length: 130 }, (_, index) => `c${index}`)];
  await withColumns(Object.fromEntries(names.map((name) => [name, 'text'])));
  await db.pool.query(`INSERT INTO things (id, tenant, "Mixed Case", "quo""te", c129) VALUES (1, 'acme', 'm', 'q', 'last')`);
  await db.pool.query(`UPDATE things SET "apos'trophe" = 'x', "key" = 'y'`);
  const [created, updated] = await db.events();
  expect(Object.keys(created?.after ?? {}).sort()).toEqual(['id', ...names].sort());
  expect(created?.after).toMatchObject({ 'Mixed Case': 'm', 'quo"te': 'q', c129: 'last' });
  expect(updated?.changed?.sort()).toEqual([`apos'trophe`, 'key']);
});

it('takes a table, a key and a tenant in need of quotes', async () => {
  db = await captureTables(
    `CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema"."Thing's ""Table" ("The Id" uuid PRIMARY KEY, "orgId" text, "a" int)`,
    [thing({ table: { schema: 'My Schema', name: `Thing's "Table` }, key: ['The Id'], columns: { a: 'a' }, tenant: { column: 'orgId' } })],
  );
  await db.pool.query(`INSERT INTO "My Schema"."Thing's ""Table" VALUES ('00000000-0000-0000-0000-00000000000a', 'acme', 1)`);
  expect(await db.events()).toMatchObject([{ tenant: 'acme', key: '00000000-0000-0000-0000-00000000000a', after: { a: 1 } }]);
});

it('cuts a value of more than a megabyte, and still tells that it changed', async () => {
  await withColumns({ name: 'text', doc: 'jsonb' });
  await db.pool.query(`INSERT INTO things VALUES (2, 'acme', repeat('x', 2000000), to_jsonb(repeat('z', 2000000)))`);
  await db.pool.query(`UPDATE things SET name = repeat('x', 1999999) || 'y' WHERE id = 2`);
  const [created, updated] = await db.events();
  expect(created?.after?.name).toMatch(/^x{1000}\.\.\. \(cut: 2000000 bytes\)$/);
  expect(JSON.stringify(created?.after).length).toBeLessThan(10_000);
  expect(updated?.changed).toEqual(['name']);
});

it('needs no rights of the writer, and row security hides nothing from it', async () => {
  db = await captureTables(
    `${THINGS}; ALTER TABLE things ADD updated_at timestamptz(3); ALTER TABLE things ENABLE ROW LEVEL SECURITY; ALTER TABLE things FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON things USING (tenant = current_setting('app.tenant', true));
    DO $$ BEGIN CREATE ROLE poor LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
    GRANT SELECT, INSERT, UPDATE, DELETE ON things TO poor; REVOKE ALL ON SCHEMA hookgraph FROM PUBLIC`,
    [thing({ updatedAt: 'updated_at' })],
  );
  const poor = await db.connect();
  await poor.query(`SET ROLE poor; SET app.tenant = 'acme'; SET row_security = on`);
  for (const table of ['captures', 'recorded', 'events']) {
    await expect(poor.query(`SELECT * FROM hookgraph.${table}`)).rejects.toThrow('permission denied');
  }
  await poor.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await poor.query(`UPDATE things SET name = 'b'`);
  expect((await poor.query('SELECT updated_at FROM things')).rows).toEqual([{ updated_at: expect.any(Date) }]);
  await poor.query('DELETE FROM things');
  expect((await db.events()).map(({ operation }) => operation)).toEqual(['created', 'updated', 'deleted']);
  await poor.query('RESET ROLE');
});

it('is not fooled by what a session puts in front of pg_catalog', async () => {
  db = await captureTables(`${THINGS}; ALTER TABLE things ADD doc json, ADD updated_at timestamptz(3)`, [
    thing({ columns: { id: 'id', name: 'name', doc: 'doc', updated_at: 'updatedAt' }, updatedAt: 'updated_at' }),
  ]);
  const client = await db.connect();
  await client.query(`
    CREATE SCHEMA evil; SET search_path = evil, pg_temp, pg_catalog;
    CREATE FUNCTION evil.boom(anyelement) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fooled'; END $$;
    CREATE FUNCTION evil.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT evil.boom($1)::jsonb $$;
    CREATE FUNCTION evil.to_jsonb(text) RETURNS jsonb LANGUAGE sql AS $$ SELECT evil.boom($1)::jsonb $$;
    CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT evil.boom($1) $$;
    CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT evil.boom('x'::text)::timestamptz $$;
    CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT evil.boom($1) $$;
    CREATE FUNCTION evil.text_is(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.boom($1)::boolean $$;
    CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.text_is);
    CREATE FUNCTION evil.record_is(record, record) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fooled'; END $$;
    CREATE OPERATOR evil.*<> (LEFTARG = record, RIGHTARG = record, FUNCTION = evil.record_is);
    CREATE TEMP TABLE events (id int); CREATE TEMP TABLE new_rows (id int); CREATE TEMP TABLE captures (id int);
    CREATE DOMAIN pg_temp.text AS pg_catalog.int4; CREATE DOMAIN pg_temp.jsonb AS pg_catalog.int4`);
  await client.query(`INSERT INTO public.things (id, tenant, name, doc) VALUES (1, 'acme', 'a', '{"a": 1}')`);
  await client.query(`UPDATE public.things SET name = 'b'`);
  await client.query('DELETE FROM public.things');
  const events = await db.events();
  expect(events.map(({ operation }) => operation)).toEqual(['created', 'updated', 'deleted']);
  expect(events[2]?.before?.updated_at).not.toBeNull();
});

it('lets writes go on while a declared column is renamed, retyped or dropped, in old and new sessions, until it is attached anew', async () => {
  const ddl = `CREATE TABLE parents (id int PRIMARY KEY, tenant text);
    CREATE TABLE things (id int PRIMARY KEY, parent int, name text, size int, kind text, gone timestamptz, updated_at timestamptz(3) DEFAULT 'epoch');
    INSERT INTO parents VALUES (1, 'acme')`;
  const parent = thing({ typename: 'Parent', table: { schema: 'public', name: 'parents' }, columns: { id: 'id' } });
  const child = thing({
    columns: { id: 'id', name: 'name', size: 'size', kind: 'kind', updated_at: 'updatedAt' },
    tenant: { parent: { column: 'parent', typename: 'Parent' } },
    softDelete: { column: 'gone' },
    updatedAt: 'updated_at',
  });
  db = await captureTables(ddl, [parent, child]);
  const old = await db.connect();
  let next = 0;
  const write = async () => {
    for (const client of [old, await db.connect()]) {
      next += 1;
      await client.query('INSERT INTO things (id, parent) VALUES ($1, 1)', [next]);
      await client.query('UPDATE things SET parent = NULL WHERE id = $1', [next]);
      await client.query('UPDATE things SET parent = 1 WHERE id = $1', [next]);
      await client.query('DELETE FROM things WHERE id = $1', [next]);
    }
    return await db.events();
  };
  expect((await write()).filter(({ tenant }) => tenant === 'acme').length).toBe(8);
  const changes = [
    'ALTER TABLE things ALTER name TYPE json USING NULL',
    'ALTER TABLE things ALTER size TYPE text',
    'ALTER TABLE things ALTER id TYPE bigint',
    'ALTER TABLE things RENAME kind TO sort',
    'ALTER TABLE things DROP COLUMN size',
    'ALTER TABLE things DROP COLUMN gone',
    'ALTER TABLE things ADD fresh int DEFAULT 5',
    'ALTER TABLE parents RENAME tenant TO owner',
    'ALTER TABLE parents RENAME TO elders',
    'ALTER TABLE things DROP COLUMN updated_at',
  ];
  for (const change of changes) {
    await db.pool.query(change);
    const events = await write();
    expect(events.length, change).toBeGreaterThan(0);
    expect(events.every(({ after, before }) => Object.keys(after ?? before ?? {}).length === 5)).toBe(true);
  }
  const { updated_at: _, size: __, kind: ___, ...columns } = child.columns;
  await attachTriggers(
    db.pool,
    [
      { ...parent, table: { schema: 'public', name: 'elders' }, tenant: { column: 'owner' } },
      { ...child, columns: { ...columns, sort: 'sort' }, softDelete: undefined, updatedAt: undefined },
    ],
    silent,
  );
  const events = await write();
  expect(events.filter(({ tenant }) => tenant === 'acme').length).toBe(8);
  expect(events[0]?.after).toEqual({ id: String(next - 1) === '0' ? 0 : next - 1, name: null, sort: null });
});

it('sets updated_at again in an old session once a retyped table was attached anew', async () => {
  const node = thing({ columns: { id: 'id', name: 'name' }, updatedAt: 'updated_at' });
  db = await captureTables(
    `${THINGS}; ALTER TABLE things ADD updated_at timestamptz(3) DEFAULT 'epoch'; INSERT INTO things VALUES (1, 'acme', '1')`,
    [node],
  );
  const old = await db.connect();
  await old.query(`UPDATE things SET name = '2'`);
  await db.pool.query(`ALTER TABLE things ALTER name TYPE int USING name::int`);
  await attachTriggers(db.pool, [node], silent);
  await old.query(`UPDATE things SET updated_at = 'epoch'`);
  await old.query('UPDATE things SET name = 3');
  expect((await db.pool.query(`SELECT updated_at > 'epoch' AS moved FROM things`)).rows).toEqual([{ moved: true }]);
});

it('records an event without a tenant where the host’s expression throws', async () => {
  db = await captureTables(
    `${THINGS}; CREATE TABLE owners (thing int, tenant text); INSERT INTO owners VALUES (1, 'acme'), (2, 'acme'), (2, 'other')`,
    [thing({ tenant: { sql: '(SELECT o.tenant FROM public.owners o WHERE o.thing = r.id) -- a comment' } })],
  );
  await db.pool.query(`INSERT INTO things (id) VALUES (1)`);
  await db.pool.query(`INSERT INTO things (id) VALUES (2)`);
  await db.pool.query(`UPDATE things SET name = 'x' WHERE id = 1`);
  await db.pool.query(`DELETE FROM things WHERE id = 1`);
  await db.pool.query('DROP TABLE owners');
  await db.pool.query(`INSERT INTO things (id) VALUES (3)`);
  expect((await db.events()).map(({ tenant, operation }) => [operation, tenant])).toEqual([
    ['created', 'acme'],
    ['created', null],
    ['updated', 'acme'],
    ['deleted', 'acme'],
    ['created', null],
  ]);
});

it('keeps one plan for one row and for 10,000', async () => {
  db = await captureTables(
    `CREATE TABLE parents (id int PRIMARY KEY, tenant text); INSERT INTO parents SELECT n, 'acme' FROM generate_series(1, 100000) n;
     CREATE TABLE things (id int PRIMARY KEY, parent int, name text)`,
    [
      thing({ typename: 'Parent', table: { schema: 'public', name: 'parents' }, columns: { id: 'id' } }),
      thing({ tenant: { parent: { column: 'parent', typename: 'Parent' } } }),
    ],
  );
  const client = await db.connect();
  const timed = async (sql: string) => {
    const started = performance.now();
    await client.query(sql);
    return performance.now() - started;
  };
  await client.query(`INSERT INTO things VALUES (0, 1, 'a')`);
  await client.query(`UPDATE things SET name = 'b'`);
  // A nested loop over 10,000 × 10,000 rows would take a minute, and a scan of 100,000 parents for each row several minutes.
  expect(await timed(`INSERT INTO things SELECT n, n, 'a' FROM generate_series(1, 10000) n`)).toBeLessThan(20_000);
  expect(await timed(`UPDATE things SET name = 'c'`)).toBeLessThan(20_000);
  await client.query('BEGIN');
  await client.query(`INSERT INTO things VALUES (-1, 1, 'a')`);
  const { rows } = await client.query(
    `SELECT seq_scan::int AS scans, idx_scan::int > 0 AS probed FROM pg_stat_xact_user_tables WHERE relname = 'parents'`,
  );
  await client.query('COMMIT');
  expect(rows).toEqual([{ scans: 0, probed: true }]);
});
