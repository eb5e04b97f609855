// Tests which writes become events, and what an event holds.
import { afterEach, expect, it } from 'vitest';
import { type CapturedTables, captureTables, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const short = async () => (await db.events()).map(({ operation, key }) => `${operation} ${key}`);

it('records an insert, an update and a delete with what changed, before and after', async () => {
  db = await captureTables(THINGS);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a'), (2, 'other', 'b')`);
  await db.pool.query(`UPDATE things SET name = 'c' WHERE id = 1`);
  await db.pool.query('DELETE FROM things WHERE id = 1');
  const common = { tenant: 'acme', environment: null, typename: 'Thing', key: '1', context: null };
  const events = await db.events();
  expect(events.filter(({ tenant }) => tenant === 'acme')).toEqual([
    { ...common, operation: 'created', changed: null, before: null, after: { id: 1, name: 'a' } },
    { ...common, operation: 'updated', changed: ['name'], before: { id: 1, name: 'a' }, after: { id: 1, name: 'c' } },
    { ...common, operation: 'deleted', changed: null, before: { id: 1, name: 'c' }, after: null },
  ]);
  expect(events).toHaveLength(4);
});

it('makes no event of a no-op, of an undeclared column, of updated_at alone, or of a rollback', async () => {
  db = await captureTables(
    'CREATE TABLE things (id int PRIMARY KEY, tenant text, name text, hidden text, updated_at timestamptz(3) DEFAULT now())',
    [thing({ columns: { id: 'id', name: 'name', updated_at: 'updatedAt' }, updatedAt: 'updated_at' })],
  );
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await db.events();
  await db.pool.query(`UPDATE things SET name = 'a'`);
  await db.pool.query(`UPDATE things SET hidden = 'secret'`);
  await db.pool.query(`UPDATE things SET updated_at = now() - interval '1 day'`);
  await db.pool.query(`BEGIN; UPDATE things SET name = 'b'; ROLLBACK`);
  await db.pool.query(`UPDATE things SET name = 'b' WHERE false`);
  expect(await db.events()).toEqual([]);
  await db.pool.query(`UPDATE things SET name = 'b'`);
  const [event] = await db.events();
  expect(event?.changed).toEqual(['name']);
  expect(Object.keys(event?.after ?? {}).sort()).toEqual(['id', 'name', 'updated_at']);
});

it('tells a changed primary key as a delete and a create, and a swap of keys as two updates', async () => {
  db = await captureTables(`${THINGS}; ALTER TABLE things DROP CONSTRAINT things_pkey, ADD PRIMARY KEY (id) DEFERRABLE`);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a'), (2, 'acme', 'b')`);
  await db.events();
  await db.pool.query('UPDATE things SET id = 9 WHERE id = 1');
  expect(await short()).toEqual(['deleted 1', 'created 9']);
  await db.pool.query('UPDATE things SET id = CASE id WHEN 9 THEN 2 ELSE 9 END');
  expect((await short()).sort()).toEqual(['updated 2', 'updated 9']);
});

it('tells what foreign keys back to the same table do to a row whose key changes: deleted, created, and nothing in between', async () => {
  // The foreign key is added when the triggers are attached already.
  db = await captureTables(`${THINGS}; ALTER TABLE things ADD parent int, ADD about text`, [
    thing({ columns: { id: 'id', name: 'name', parent: 'parent', about: 'about' } }),
  ]);
  await db.pool.query(
    `INSERT INTO things VALUES (1, 'acme', 'own', 1, repeat('long ', 500000)), (2, 'acme', 'child', 1, ''), (3, 'acme', 'grandchild', 2, '')`,
  );
  await db.pool.query('UPDATE things SET name = name');
  await db.pool.query('ALTER TABLE things ADD FOREIGN KEY (parent) REFERENCES things ON UPDATE CASCADE');
  await db.events();
  await db.pool.query('UPDATE things SET id = 10 WHERE id = 1');
  expect((await db.events()).map(({ operation, key, before, after }) => [operation, key, before?.parent, after?.parent])).toEqual([
    ['deleted', '1', 1, undefined],
    ['updated', '2', 1, 10],
    ['created', '10', undefined, 10],
  ]);
  // One statement changes the keys of all rows, and thereby also the keys of their parents.
  await db.pool.query('UPDATE things SET id = id + 100');
  const moved = await db.events();
  expect(moved.map(({ operation, key, after }) => `${operation} ${key} ${after?.parent ?? ''}`).sort()).toEqual([
    'created 102 110',
    'created 103 102',
    'created 110 110',
    'deleted 10 ',
    'deleted 2 ',
    'deleted 3 ',
  ]);
  await db.pool.query(`UPDATE things SET name = 'new' WHERE id > 102`);
  expect((await short()).sort()).toEqual(['updated 103', 'updated 110']);
});

it.each([
  [
    'a circle of foreign keys through another table',
    `CREATE TABLE things (id int PRIMARY KEY, tenant text, name text, leader int);
     CREATE TABLE leaders (id int PRIMARY KEY REFERENCES things ON UPDATE CASCADE);
     INSERT INTO things VALUES (1, 'acme', 'a', 1); INSERT INTO leaders VALUES (1);
     ALTER TABLE things ADD FOREIGN KEY (leader) REFERENCES leaders ON UPDATE CASCADE`,
    'UPDATE things SET id = 5',
    ['deleted 1', 'created 5', 'updated 5'],
  ],
  [
    'a foreign key that is the key, beside another one',
    `CREATE TABLE leaders (id int PRIMARY KEY);
     CREATE TABLE things (id int PRIMARY KEY REFERENCES leaders ON UPDATE CASCADE, tenant text, name text, leader int REFERENCES leaders ON UPDATE CASCADE);
     INSERT INTO leaders VALUES (1); INSERT INTO things VALUES (1, 'acme', 'a', 1)`,
    'UPDATE leaders SET id = 5',
    ['deleted 1', 'created 5'],
  ],
])('tells what %s does to a row whose key changes', async (_, ddl, change, told) => {
  db = await captureTables(ddl, [thing({ columns: { id: 'id', name: 'name', leader: 'leader' } })]);
  await db.pool.query(change);
  const events = await db.events();
  expect(events.map(({ operation, key }) => `${operation} ${key}`)).toEqual(told);
  expect(events.at(-1)?.after).toEqual({ id: 5, name: 'a', leader: 5 });
});

it('tells a row that moves to another tenant as deleted there and created here, so that neither sees the other’s', async () => {
  db = await captureTables(`${THINGS}; INSERT INTO things VALUES (1, 'acme', 'a')`);
  await db.pool.query(`UPDATE things SET tenant = 'other', name = 'b'`);
  expect(await db.events()).toMatchObject([
    { tenant: 'acme', operation: 'deleted', before: { id: 1, name: 'a' }, after: null },
    { tenant: 'other', operation: 'created', before: null, after: { id: 1, name: 'b' } },
  ]);
});

it('takes a soft delete for a delete, its end for a create, and is silent about the softly deleted', async () => {
  db = await captureTables('CREATE TABLE things (id int PRIMARY KEY, tenant text, name text, deleted_at timestamptz)', [
    thing({ softDelete: { column: 'deleted_at' } }),
  ]);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a', NULL), (2, 'acme', 'dead', now())`);
  expect(await short()).toEqual(['created 1']);
  await db.pool.query(`UPDATE things SET deleted_at = now(), name = 'b' WHERE id = 1`);
  expect(await db.events()).toMatchObject([{ operation: 'deleted', before: { name: 'a' }, after: null }]);
  await db.pool.query(`UPDATE things SET name = 'c'`);
  await db.pool.query('DELETE FROM things WHERE id = 2');
  expect(await short()).toEqual([]);
  await db.pool.query('UPDATE things SET deleted_at = NULL WHERE id = 1');
  expect(await db.events()).toMatchObject([{ operation: 'created', before: null, after: { name: 'c' } }]);
});

it('sees every kind of writer: ON CONFLICT, MERGE, a data-modifying WITH, cascades, 10,000 rows at once', async () => {
  db = await captureTables(
    `${THINGS}; CREATE TABLE parts (id int PRIMARY KEY, tenant text, thing int REFERENCES things ON DELETE CASCADE ON UPDATE CASCADE)`,
    [thing(), thing({ typename: 'Part', table: { schema: 'public', name: 'parts' }, columns: { thing: 'thing' } })],
  );
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await db.events();
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'b'), (2, 'acme', 'b') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name`);
  expect((await short()).sort()).toEqual(['created 2', 'updated 1']);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'z') ON CONFLICT DO NOTHING`);
  expect(await short()).toEqual([]);
  await db.pool.query(`MERGE INTO things t USING (VALUES (1, 'm'), (3, 'm')) AS v (id, name) ON v.id = t.id
    WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'acme', v.name)`);
  expect((await short()).sort()).toEqual(['created 3', 'updated 1']);
  await db.pool.query(`WITH gone AS (DELETE FROM things WHERE id = 3 RETURNING *) INSERT INTO things SELECT 5, tenant, name FROM gone`);
  expect((await short()).sort()).toEqual(['created 5', 'deleted 3']);
  await db.pool.query(`INSERT INTO parts VALUES (10, 'acme', 1), (11, 'acme', 1)`);
  await db.events();
  await db.pool.query('UPDATE things SET id = 100 WHERE id = 1');
  expect((await short()).sort()).toEqual(['created 100', 'deleted 1', 'updated 10', 'updated 11']);
  await db.pool.query('DELETE FROM things WHERE id = 100');
  expect((await short()).sort()).toEqual(['deleted 10', 'deleted 100', 'deleted 11']);
  await db.pool.query(`INSERT INTO things SELECT n, 'acme', 'bulk' FROM generate_series(1000, 10999) n`);
  expect(await db.events()).toHaveLength(10_000);
});

it('sees COPY', async () => {
  db = await captureTables(THINGS);
  // COPY reads from a program on the server, because the client library doesn't support COPY.
  await db.pool.query(`COPY things FROM PROGRAM 'printf "1\\tacme\\ta\\n2\\tacme\\tb\\n"'`);
  expect(await short()).toEqual(['created 1', 'created 2']);
});

it('sees writes to a partitioned table, to its partitions, and across them', async () => {
  db = await captureTables(
    `CREATE TABLE things (id int, tenant text, name text, at int, updated_at timestamptz(3) NOT NULL DEFAULT 'epoch', PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
     CREATE TABLE things_1 PARTITION OF things FOR VALUES FROM (0) TO (10);
     CREATE TABLE things_2 (at int NOT NULL, extra int GENERATED ALWAYS AS (1) STORED, tenant text, name text, id int NOT NULL, updated_at timestamptz(3) NOT NULL DEFAULT 'epoch');
     ALTER TABLE things_2 DROP COLUMN extra;
     ALTER TABLE things ATTACH PARTITION things_2 FOR VALUES FROM (10) TO (20)`,
    [thing({ key: ['id', 'at'], columns: { name: 'name', updated_at: 'updatedAt' }, updatedAt: 'updated_at' })],
  );
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a', 1), (2, 'acme', 'b', 11)`);
  expect(await short()).toEqual(['created ["1","1"]', 'created ["2","11"]']);
  await db.pool.query(`INSERT INTO things_2 (at, tenant, name, id) VALUES (12, 'acme', 'c', 3)`);
  expect(await db.events()).toMatchObject([{ operation: 'created', key: '["3","12"]', tenant: 'acme', after: { name: 'c' } }]);
  await db.pool.query(`UPDATE things_2 SET name = 'd' WHERE id = 3`);
  expect(await short()).toEqual(['updated ["3","12"]']);
  expect((await db.pool.query(`SELECT 1 FROM things WHERE id = 3 AND updated_at > now() - interval '1 minute'`)).rowCount).toBe(1);
  await db.pool.query('UPDATE things SET at = 13 WHERE id = 1');
  expect(await short()).toEqual(['deleted ["1","1"]', 'created ["1","13"]']);
  await db.pool.query('DELETE FROM things');
  expect((await db.events()).length).toBe(3);
});

it('writes a composite key as JSON.stringify writes the list of its texts', async () => {
  db = await captureTables('CREATE TABLE things (a text, b int, tenant text, name text, PRIMARY KEY (a, b))', [
    thing({ key: ['a', 'b'], columns: { name: 'name' } }),
  ]);
  const awkward = 'q"\\/\b\f\n\r\t\u0001\u007f\u2028é😀';
  await db.pool.query(`INSERT INTO things VALUES ($1, 7, 'acme', 'x')`, [awkward]);
  const [event] = await db.events();
  expect(event?.key).toBe(JSON.stringify([awkward, '7']));
});

it('keeps the environment and the context, whatever text that is', async () => {
  db = await captureTables(`${THINGS}; ALTER TABLE things ADD env int`, [thing({ environment: { column: 'env' } })]);
  const client = await db.connect();
  const contexts = ['{"actor":"u1","traceparent":"00-1-2-01"}', 'not json', '\\u0000 \' "', 'x'.repeat(100_000)];
  for (const [index, context] of contexts.entries()) {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('hookgraph.context', $1, true)`, [context]);
    await client.query(`INSERT INTO things VALUES ($1, 'acme', 'a', 5)`, [index]);
    await client.query('COMMIT');
  }
  await client.query(`INSERT INTO things VALUES (99, 'acme', 'a', NULL)`);
  const events = await db.events();
  expect(events.map(({ context }) => context)).toEqual([...contexts, null]);
  expect(events.map(({ environment }) => environment)).toEqual(['5', '5', '5', '5', null]);
});

it('refuses TRUNCATE with a hint, and skips both with hookgraph.capture = off', async () => {
  db = await captureTables(THINGS);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await expect(db.pool.query('TRUNCATE things')).rejects.toMatchObject({ hint: expect.stringContaining('hookgraph.capture = off') });
  await db.events();
  await db.pool.query(
    `BEGIN; SET LOCAL hookgraph.capture = off; INSERT INTO things VALUES (2, 'acme', 'b'); UPDATE things SET name = 'z'; DELETE FROM things WHERE id = 1; TRUNCATE things; COMMIT`,
  );
  expect(await db.events()).toEqual([]);
  await db.pool.query(`INSERT INTO things VALUES (3, 'acme', 'c')`);
  expect(await short()).toEqual(['created 3']);
});

it('sets updated_at when a declared column changed, json and generated ones too, in whatever time type', async () => {
  db = await captureTables(
    `CREATE TABLE things (id int PRIMARY KEY, tenant text, name text, doc json, hidden text, base text, made text GENERATED ALWAYS AS (upper(base)) STORED,
       "updatedAt" timestamp(3) NOT NULL DEFAULT 'epoch');
     INSERT INTO things (id, tenant, name, doc, base) VALUES (1, 'acme', 'a', '{"a": 1}', 'x')`,
    [thing({ columns: { id: 'id', name: 'name', doc: 'doc', made: 'made', updatedAt: 'updatedAt' }, updatedAt: 'updatedAt' })],
  );
  const client = await db.connect({ options: '-c TimeZone=Pacific/Auckland' });
  // updated_at must be within a second of the UTC clock, whatever time zone the session sets.
  const moved = async (assignment: string) => {
    await client.query(`UPDATE things SET ${assignment}`);
    const { rows } = await client.query(
      `SELECT abs(extract(epoch FROM clock_timestamp() AT TIME ZONE 'UTC' - "updatedAt")) < 1 AS moved FROM things`,
    );
    await client.query(`UPDATE things SET "updatedAt" = 'epoch'`);
    return rows[0].moved;
  };
  expect(await moved(`name = 'b'`)).toBe(true);
  expect(await moved(`doc = '{"a": 2}'`)).toBe(true);
  expect(await moved(`base = 'y'`)).toBe(true);
  expect(await moved(`"updatedAt" = '2000-01-01', name = 'c'`)).toBe(true);
  expect(await moved(`hidden = 'h'`)).toBe(false);
  expect(await moved(`name = 'c'`)).toBe(false);
  expect((await db.events()).map(({ changed }) => changed)).toEqual([['name'], ['doc'], ['made'], ['name']]);
});
