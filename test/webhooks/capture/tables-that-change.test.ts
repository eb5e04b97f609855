// Tests a table that changes after triggers were attached: no write fails, and recording continues until migrate attaches them again.
import type { DatabaseError } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { attachTriggers } from '../../../src/webhooks/capture/attach-triggers.js';
import { type CapturedTables, captureTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const allOf = (...columns: string[]) => Object.fromEntries(['id', ...columns].map((name) => [name, name]));
describe('after it was attached', () => {
  const later = [
    ['becomes virtual', `ALTER TABLE things DROP COLUMN name, ADD COLUMN name text GENERATED ALWAYS AS (id::text) VIRTUAL`],
    ['becomes stored', `ALTER TABLE things DROP COLUMN name, ADD COLUMN name text GENERATED ALWAYS AS (tenant || 'x') STORED`],
    ['becomes json', `ALTER TABLE things ALTER name TYPE json USING '{"a": "\\u0000"}'`],
    ['becomes a composite with json', `ALTER TABLE things ALTER name TYPE pair USING ROW('"\\ud800"', 1)::pair`],
    ['becomes an array of json', `ALTER TABLE things ALTER name TYPE json[] USING ARRAY['1e999999'::json]`],
    ['is dropped', 'ALTER TABLE things DROP COLUMN name'],
    ['is renamed', 'ALTER TABLE things RENAME name TO title'],
    ['is the key, and renamed', 'ALTER TABLE things RENAME id TO number'],
    ['is the tenant, and retyped', 'ALTER TABLE things ALTER tenant TYPE ext.citext'],
    ['stays while its table is renamed', 'ALTER TABLE things RENAME TO items'],
  ] as const;
  it.each(later)('a column that %s fails no write, in sessions old and new and in the altering transaction', async (what, ddl) => {
    const node = thing({ columns: allOf('name', 'v'), updatedAt: 'updated_at' });
    db = await captureTables(
      `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE TYPE pair AS (a json, b int); ${THINGS}; ALTER TABLE things ADD v int GENERATED ALWAYS AS (id + 1) STORED,
       ADD updated_at timestamptz(3), ADD w int`,
      [node],
    );
    const table = ddl.includes('items') ? 'items' : 'things';
    const old = await db.connect();
    const write = async (client: typeof old, key: number) => {
      const column = ddl.includes('TO number') ? 'number' : 'id';
      await client.query(`INSERT INTO ${table} (${column}, tenant) VALUES (${key}, 'acme')`);
      await client.query(`UPDATE ${table} SET ${column} = ${key + 100} WHERE ${column} = ${key}`);
      await client.query(`UPDATE ${table} SET w = 5`);
      await client.query(`DELETE FROM ${table}`);
    };
    await old.query(`INSERT INTO things (id, tenant, name) VALUES (1, 'acme', 'a')`);
    await old.query(`UPDATE things SET name = 'b'`);
    await old.query('BEGIN');
    await old.query(ddl);
    await write(old, 2);
    await old.query('COMMIT');
    await write(old, 3);
    await write(await db.connect(), 4);
    await db.pool.query(
      `INSERT INTO ${table} (${ddl.includes('TO number') ? 'number' : 'id'}, tenant) SELECT n, 'acme' FROM generate_series(10, 20) n`,
    );
    const events = await db.events();
    // Events are missing only if a key column changed, because the row then has no identity.
    const created = events.filter(({ operation, key }) => operation === 'created' && Number(key) >= 2).map(({ key }) => Number(key));
    const expected = [2, 102, 3, 103, 4, 104, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
    expect(
      created.sort((a, b) => a - b),
      what,
    ).toEqual(what.includes('key') ? [] : expected.sort((a, b) => a - b));
    expect(events.every(({ tenant }) => tenant === 'acme')).toBe(true);
  });

  it('a type that gets a cast which fails, fails no write of a later session', async () => {
    db = await captureTables(`CREATE TYPE mood AS ENUM ('good'); ${THINGS}; ALTER TABLE things ADD mood mood, ADD moods mood[]`, [
      thing({ columns: allOf('name', 'mood', 'moods') }),
    ]);
    await db.pool.query(
      `CREATE FUNCTION boom(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$; CREATE CAST (mood AS text) WITH FUNCTION boom(mood)`,
    );
    const client = await db.connect();
    await client.query(`INSERT INTO things VALUES (1, 'acme', 'a', 'good', '{good}')`);
    await client.query(`UPDATE things SET name = 'b'`);
    const events = await db.events();
    expect(events.map(({ operation, after }) => [operation, after])).toEqual([
      ['created', { id: 1, name: 'a', mood: 'good', moods: ['good'] }],
      ['updated', { id: 1, name: 'b', mood: 'good', moods: ['good'] }],
    ]);
  });

  it('writes nothing within a subtransaction while all is as it was', async () => {
    db = await captureTables(THINGS);
    const client = await db.connect();
    await client.query('BEGIN');
    await client.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
    await client.query(`UPDATE things SET name = 'b'`);
    // A subtransaction that writes gets its own transaction id, so a single id proves that none wrote.
    const { rows } = await client.query(
      `SELECT DISTINCT xmin::text AS xid FROM hookgraph.captures UNION SELECT pg_current_xact_id()::xid::text`,
    );
    expect(rows).toHaveLength(1);
    await client.query('COMMIT');
  });

  it('says so once a session in the log of Postgres', async () => {
    db = await captureTables(THINGS);
    const client = await db.connect();
    const notices: string[] = [];
    client.on('notice', (notice: DatabaseError | { message?: string }) => notices.push(notice.message ?? ''));
    await db.pool.query('ALTER TABLE things ALTER name TYPE varchar(10)');
    await client.query('SET client_min_messages = log');
    for (const id of [1, 2, 3]) await client.query(`INSERT INTO things VALUES (${id}, 'acme', 'a')`);
    expect(notices.filter((message) => /public\.things were altered .* hookgraph migrate/.test(message))).toHaveLength(1);
    await attachTriggers(db.pool, [thing()], silent);
    await client.query(`INSERT INTO things VALUES (4, 'acme', 'a')`);
    expect(await db.events()).toHaveLength(4);
  });
});
