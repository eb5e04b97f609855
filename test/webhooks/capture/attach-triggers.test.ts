// Tests which changes attaching makes, what it refuses, and what it waits for.
import { afterEach, describe, expect, it } from 'vitest';
import { attachTriggers } from '../../../src/webhooks/capture/attach-triggers.js';
import { prepareCapture } from '../../../src/webhooks/capture/prepare-capture.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { until } from '../../support/until.js';
import { type CapturedTables, captureTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const part = (rest: Partial<AnnouncedNode> = {}) => thing({ typename: 'Part', table: { schema: 'public', name: 'parts' }, ...rest });

async function triggersOf(table: string): Promise<string[]> {
  const { rows } = await db.pool.query(`SELECT tgname FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY 1`, [
    table,
  ]);
  return rows.map(({ tgname }) => tgname);
}

/** Returns the versions (xmin) of all of Hookgraph's functions and triggers in the catalog, which any change to them changes. */
async function catalog(): Promise<unknown[]> {
  const { rows } = await db.pool.query(
    `SELECT proname AS name, xmin::text FROM pg_proc WHERE pronamespace = 'hookgraph'::regnamespace
     UNION ALL SELECT tgname || tgrelid, xmin::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`,
  );
  return rows;
}

it('does nothing when all is in step, even while the table is locked', async () => {
  db = await captureTables(THINGS);
  const before = await catalog();
  const client = await db.connect();
  await client.query('BEGIN; LOCK TABLE things IN ROW EXCLUSIVE MODE');
  expect(await attachTriggers(db.pool, [thing()], silent)).toEqual({ changed: [] });
  await client.query('ROLLBACK');
  expect(await catalog()).toEqual(before);
});

it('takes no lock on a table whose columns are announced differently', async () => {
  db = await captureTables(THINGS);
  const client = await db.connect();
  await client.query(`BEGIN; INSERT INTO things VALUES (1, 'acme', 'a')`);
  expect(await attachTriggers(db.pool, [thing({ columns: { name: 'name' } })], silent)).toEqual({ changed: [] });
  await client.query('COMMIT');
  await db.events();
  await db.pool.query(`INSERT INTO things VALUES (2, 'acme', 'b')`);
  expect(await db.events()).toMatchObject([{ after: { name: 'b' } }]);
  expect(
    (await db.pool.query(`SELECT 1 FROM pg_proc WHERE pronamespace = 'hookgraph'::regnamespace AND proname LIKE 'capture%'`)).rowCount,
  ).toBe(1);
});

it('drops the triggers and functions of what is no longer announced, and restores what is missing or disabled', async () => {
  db = await captureTables(`${THINGS}; CREATE TABLE parts (id int PRIMARY KEY, tenant text, name text, updated_at timestamptz(3))`, [
    thing(),
    part({ updatedAt: 'updated_at' }),
  ]);
  expect(await triggersOf('parts')).toHaveLength(5);
  await attachTriggers(db.pool, [part()], silent);
  expect(await triggersOf('things')).toEqual([]);
  expect(await triggersOf('parts')).toEqual(['hookgraph_delete', 'hookgraph_insert', 'hookgraph_truncate', 'hookgraph_update']);
  const { rows } = await db.pool.query(
    `SELECT proname FROM pg_proc WHERE pronamespace = 'hookgraph'::regnamespace AND proname ~ '^(capture|touch)_'`,
  );
  expect(rows).toEqual([{ proname: expect.stringMatching(/^capture_Part_/) }]);
  await db.pool.query('DROP TRIGGER hookgraph_insert ON parts; ALTER TABLE parts DISABLE TRIGGER hookgraph_update');
  expect(await attachTriggers(db.pool, [part()], silent)).toEqual({ changed: ['"public"."parts"'] });
  await db.pool.query(`INSERT INTO parts VALUES (1, 'acme', 'a'); UPDATE parts SET name = 'b'`);
  expect((await db.events()).map(({ operation }) => operation)).toEqual(['created', 'updated']);
});

it('gives triggers to a partition that was added later', async () => {
  db = await captureTables('CREATE TABLE things (id int PRIMARY KEY, tenant text, name text) PARTITION BY RANGE (id)');
  await db.pool.query('CREATE TABLE things_1 PARTITION OF things FOR VALUES FROM (0) TO (10)');
  expect(await attachTriggers(db.pool, [thing()], silent)).toEqual({ changed: ['"public"."things_1"'] });
  await db.pool.query(`INSERT INTO things_1 VALUES (1, 'acme', 'a')`);
  await db.pool.query(`INSERT INTO things VALUES (2, 'acme', 'a')`);
  expect((await db.events()).map(({ key }) => key)).toEqual(['1', '2']);
});

it('waits for a long transaction without making the other writers wait for long', async () => {
  db = await captureTables(THINGS, []);
  const long = await db.connect();
  await long.query(`BEGIN; INSERT INTO things VALUES (1, 'acme', 'a')`);
  let done = false;
  const attached = attachTriggers(db.pool, [thing()], silent).finally(() => {
    done = true;
  });
  const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'things'::regclass AND NOT granted`;
  await until('attaching waits for the lock', async () => (await db.pool.query(waiting)).rowCount);
  // If attaching kept waiting for its lock, this INSERT would wait behind it until `long` ends.
  await db.pool.query(`INSERT INTO things VALUES (2, 'acme', 'b')`);
  expect(done).toBe(false);
  await long.query('COMMIT');
  expect(await attached).toEqual({ changed: ['"public"."things"'] });
});

it('gives up on a table that stays in use, names who holds it, and lets the others write all the while', async () => {
  db = await captureTables(THINGS, []);
  const long = await db.connect();
  const { rows } = await long.query('SELECT pg_backend_pid() AS pid');
  await long.query(`SET application_name = 'nightly import'`);
  await long.query(`BEGIN; INSERT INTO things VALUES (1, 'acme', 'a')`);
  let done = false;
  const attached = attachTriggers(db.pool, [thing()], silent, { giveUpMs: 1000 })
    .catch((error: Error) => error)
    .finally(() => {
      done = true;
    });
  // All INSERTs end while `long` still holds its lock. The last INSERT begins before attaching has given up, and may end later.
  let written = 0;
  while (!done) await db.pool.query(`INSERT INTO things VALUES ($1, 'acme', 'b')`, [2 + written++]);
  expect(written).toBeGreaterThan(1);
  expect(await attached).toMatchObject({
    code: 'ATTACH_BLOCKED',
    message: expect.stringMatching(
      new RegExp(
        `^Attaching triggers to "public"\\."things" failed: other transactions locked the table for \\d+ s\\. .*pid ${rows[0].pid} \\(.*nightly import, idle in transaction.*INSERT INTO things`,
      ),
    ),
    hint: expect.stringContaining('pg_terminate_backend'),
  });
  expect(await triggersOf('things')).toEqual([]);
  await long.query('COMMIT');
  expect(await attachTriggers(db.pool, [thing()], silent)).toEqual({ changed: ['"public"."things"'] });
});

it('can run at the same time as another', async () => {
  db = await captureTables(THINGS, []);
  await Promise.all(Array.from({ length: 4 }, () => prepareCapture(db.pool, [thing()], silent)));
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  expect(await db.events()).toHaveLength(1);
});

it('makes partitions while a writer’s transaction is open, and rows never lack one', async () => {
  db = await captureTables(THINGS);
  const made = async () => (await db.pool.query('SELECT hookgraph.ensure_partitions() AS made')).rows[0].made;
  // There are partitions for four weeks of events and attempts, and for eight days of two kinds of exchanges.
  expect(await made()).toBe(24);
  expect(await made()).toBe(0);
  const { rows } = await db.pool.query(
    `SELECT max(inhrelid::regclass::text) AS last FROM pg_inherits WHERE inhparent = 'hookgraph.events'::regclass AND inhrelid::regclass::text NOT LIKE '%default'`,
  );
  await db.pool.query(`DROP TABLE ${rows[0].last}`);
  const writer = await db.connect();
  await writer.query(`BEGIN; INSERT INTO things VALUES (1, 'acme', 'a')`);
  expect(await made()).toBe(1);
  await writer.query('COMMIT');

  const inDefault = `INSERT INTO hookgraph.events (id, tenant, typename, node_key, operation) VALUES (hookgraph.id_at(now() + interval '90 days'), 't', 'T', 'k', 'created')`;
  await db.pool.query(`DROP TABLE ${rows[0].last}`);
  await writer.query(`BEGIN; ${inDefault}`);
  // A transaction locks the DEFAULT partition, so the next run adds the partition.
  expect(await made()).toBe(0);
  await db.pool.query(inDefault.replace('90', '91'));
  await writer.query('COMMIT');
  expect(await made()).toBe(1);
  expect(await db.events()).toHaveLength(1);
});

it('leaves the tables free: the triggers keep nobody from changing or dropping a column', async () => {
  db = await captureTables(`${THINGS}; ALTER TABLE things ADD updated_at timestamptz(3)`, [thing({ updatedAt: 'updated_at' })]);
  await db.pool.query('ALTER TABLE things ALTER name TYPE varchar(10)');
  await db.pool.query('ALTER TABLE things DROP COLUMN name');
  await db.pool.query('DROP TABLE things');
});

describe('names what is wrong', () => {
  const wrong: [string, string, AnnouncedNode[], RegExp][] = [
    ['ANNOUNCED_TABLE_MISSING', '', [thing({ table: { schema: 'public', name: 'nothings' } })], /public\.nothings of Thing doesn't exist/],
    [
      'ANNOUNCED_TABLE_MISSING',
      'CREATE VIEW v AS SELECT * FROM things',
      [thing({ table: { schema: 'public', name: 'v' } })],
      /is a view, not a table/,
    ],
    ['ANNOUNCED_COLUMN_MISSING', '', [thing({ columns: { id: 'id', nome: 'name' } })], /public\.things of Thing has no column "nome"/],
    ['ANNOUNCED_COLUMN_MISSING', '', [thing({ tenant: { column: 'org' } })], /no column "org"/],
    ['ANNOUNCED_COLUMN_MISSING', '', [thing({ updatedAt: 'updated' })], /no column "updated"/],
    ['ANNOUNCED_UPDATED_AT_UNFIT', '', [thing({ updatedAt: 'name' })], /"name" of public\.things is of type pg_catalog\.text/],
    ['ANNOUNCED_KEY_UNFIT', '', [thing({ key: ['name'] })], /has the nullable column "name"/],
    ['ANNOUNCED_KEY_UNFIT', 'ALTER TABLE things ALTER name SET NOT NULL', [thing({ key: ['name'] })], /has no unique index/],
    ['ANNOUNCED_PARENT_UNFIT', '', [thing({ tenant: { parent: { column: 'name', typename: 'Org' } } })], /Org isn't announced/],
    ['ANNOUNCED_PARENT_UNFIT', '', [thing({ tenant: { parent: { column: 'name', typename: 'Thing' } } })], /already in this chain/],
    ['ANNOUNCED_TWICE', '', [thing(), thing({ typename: 'Other' })], /Thing on public\.things and Other on public\.things/],
    ['TENANT_SQL_INVALID', '', [thing({ tenant: { sql: 'r.nothing' } })], /`r\.nothing`/],
  ];
  it.each(wrong)('%s (%s %#)', async (code, ddl, nodes, message) => {
    db = await captureTables(`${THINGS}; ${ddl}`, []);
    await expect(attachTriggers(db.pool, nodes, silent)).rejects.toMatchObject({
      name: 'WebhooksError',
      code,
      message: expect.stringMatching(message),
    });
    expect(await triggersOf('things')).toEqual([]);
    await attachTriggers(db.pool, [thing()], silent);
  });
});
