// Tests that a write doesn't pay for unchanged large values: capture and updated_at don't read them from their TOAST table.
import type pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import { type CapturedTables, captureTables, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const TYPES = {
  body: 'text',
  doc: 'jsonb',
  raw: 'bytea',
  loose: 'json',
  tags: 'text[]',
  mail: 'ext.citext',
  h: 'ext.hstore',
  note: 'note',
};
/** A text of 1.6 MB that hardly compresses. */
const RANDOM = `(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 50000) n)`;
/** A text of 14 MB that compresses to 160 kB. */
const SHORT = `repeat('xy', 7000000)`;
const asTypes = (value: string) =>
  [
    value,
    `to_jsonb(${value})`,
    `convert_to(${value}, 'UTF8')`,
    `to_json(${value})`,
    `ARRAY[${value}]`,
    value,
    `ext.hstore('k', ${value})`,
    value,
  ].join(', ');

async function withLargeRow(value: string): Promise<pg.Client> {
  const columns = Object.entries(TYPES).map(([name, type]) => `${name} ${type}`);
  db = await captureTables(
    `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE DOMAIN note AS text;
     CREATE TABLE things (id int PRIMARY KEY, tenant text, name text, ${columns.join(', ')}, n int, updated_at timestamptz(3) DEFAULT 'epoch')`,
    [
      thing({
        columns: { id: 'id', name: 'name', ...Object.fromEntries(Object.keys(TYPES).map((name) => [name, name])) },
        updatedAt: 'updated_at',
      }),
    ],
  );
  const client = await db.connect();
  await client.query(`INSERT INTO things SELECT 1, 'acme', 'a', ${asTypes(value)}, 0`);
  return client;
}

/** Returns the number of blocks of the TOAST table and its index that a statement reads or finds in memory. */
async function toastBlocks(client: pg.Client, sql: string): Promise<number> {
  const read = async () => {
    await client.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await client.query(
      `SELECT (toast_blks_hit + toast_blks_read + tidx_blks_hit + tidx_blks_read)::int AS blocks FROM pg_statio_user_tables WHERE relname = 'things'`,
    );
    return rows[0].blocks as number;
  };
  const before = await read();
  await client.query(sql);
  return (await read()) - before;
}

it.each([
  ['that don’t compress', RANDOM],
  ['that compress well', SHORT],
])('doesn’t read values %s when others change, nor when their row goes', async (_, value) => {
  const client = await withLargeRow(value);
  expect(await toastBlocks(client, 'SELECT sum(length(body)) FROM things')).toBeGreaterThan(20);
  await db.events();
  const LITTLE = 40;
  expect(await toastBlocks(client, `UPDATE things SET name = 'b'`)).toBeLessThan(LITTLE);
  expect(await toastBlocks(client, 'UPDATE things SET n = 1, body = body')).toBeLessThan(LITTLE);
  expect((await db.events()).map(({ changed }) => changed)).toEqual([['name']]);
  const { rows } = await client.query(`SELECT updated_at AS "updatedAt" FROM things`);
  expect(await toastBlocks(client, 'UPDATE things SET n = 2')).toBeLessThan(LITTLE);
  expect((await client.query(`SELECT updated_at AS "updatedAt" FROM things`)).rows).toEqual(rows);
  await client.query(`SET hookgraph.capture = off; INSERT INTO things SELECT 2, 'acme', 'a', ${asTypes(value)}, 0`);
  const uncaptured = await toastBlocks(client, 'DELETE FROM things WHERE id = 2');
  await client.query('RESET hookgraph.capture');
  expect(await toastBlocks(client, 'DELETE FROM things')).toBeLessThan(uncaptured * 1.05 + LITTLE);
});

it('tells which large values changed, though what is kept of them is cut', async () => {
  const client = await withLargeRow(RANDOM);
  await db.events();
  const changed = async (sql: string) => {
    await client.query(sql);
    return (await db.events()).map((event) => event.changed?.sort());
  };
  for (const [column, value] of Object.entries({
    body: `overlay(body placing 'XX' from 1000000)`,
    note: `overlay(note placing 'XX' from 1000000)::note`,
    mail: `overlay(mail::text placing 'XX' from 1000000)::ext.citext`,
    raw: `overlay(raw placing '\\x00' from 1000000)`,
    doc: `to_jsonb(overlay(doc ->> 0 placing 'XX' from 1000000))`,
    tags: `ARRAY[overlay(tags[1] placing 'XX' from 1000000)]`,
    loose: `to_json(overlay(loose ->> 0 placing 'XX' from 1000000))`,
  })) {
    expect(
      await changed(
        `UPDATE things SET ${column} = ${column === 'doc' || column === 'loose' ? value.replace(`${column} ->> 0`, `${column} #>> '{}'`) : value}`,
      ),
    ).toEqual([[column]]);
  }
  expect(await changed('UPDATE things SET body = NULL, n = 3')).toEqual([['body']]);
  expect(await changed(`UPDATE things SET body = 'short'`)).toEqual([['body']]);
  expect(await changed(`UPDATE things SET body = note`)).toEqual([['body']]);
  expect((await client.query(`SELECT updated_at > 'epoch' AS moved FROM things`)).rows).toEqual([{ moved: true }]);
});

it('makes no event of large values that are saved again as they were', async () => {
  const client = await withLargeRow(RANDOM);
  await client.query(`UPDATE things SET updated_at = 'epoch'`);
  await db.events();
  await client.query(
    `UPDATE things SET body = body || '', doc = (doc::text)::jsonb, raw = raw || ''::bytea, loose = (loose::text)::json, tags = array_cat(tags, '{}'),
       mail = (mail::text || '')::ext.citext, h = (h::text)::ext.hstore, note = note || ''`,
  );
  expect(await db.events()).toEqual([]);
  expect((await client.query(`SELECT updated_at > 'epoch' AS moved FROM things`)).rows).toEqual([{ moved: false }]);
});

it('keeps the beginning and the length of a long text, the stored size of what else is large, and whole what is shorter', async () => {
  const client = await withLargeRow(RANDOM);
  const [created] = await db.events();
  const text = /^c4ca4238a0b923820dcc509a6f75849b.{968}\.\.\. \(cut: 1600000 bytes\)$/;
  for (const column of ['body', 'mail', 'note']) expect(created?.after?.[column]).toMatch(text);
  for (const column of ['doc', 'raw', 'loose', 'tags', 'h']) expect(created?.after?.[column]).toMatch(/^\(cut: 1600\d{3} bytes stored\)$/);
  await client.query(`UPDATE things SET body = repeat('x', 1048576), doc = to_jsonb(repeat('y', 100000)), note = repeat('é', 524289)`);
  const [updated] = await db.events();
  expect(updated?.changed?.sort()).toEqual(['body', 'doc', 'note']);
  expect(updated?.after).toMatchObject({
    body: 'x'.repeat(1048576),
    doc: 'y'.repeat(100000),
    note: `${'é'.repeat(1000)}... (cut: 1048578 bytes)`,
  });
});

it('cuts shorter values of a table with more than a hundred columns, since jsonb holds 256 MB', async () => {
  const names = Array.from({ length: 120 }, (_, index) => `c${index}`);
  db = await captureTables(`CREATE TABLE things (id int PRIMARY KEY, tenant text, ${names.map((name) => `${name} text`).join(', ')})`, [
    thing({ columns: Object.fromEntries(['id', ...names].map((name) => [name, name])) }),
  ]);
  await db.pool.query(`INSERT INTO things SELECT 1, 'acme', ${names.map(() => 'long').join(', ')} FROM repeat('x', 70000) long`);
  await db.pool.query(`UPDATE things SET c119 = 'y'`);
  const [created, updated] = await db.events();
  expect(created?.after?.c7).toMatch(/\(cut: 70000 bytes\)$/);
  expect(updated?.changed).toEqual(['c119']);
});
