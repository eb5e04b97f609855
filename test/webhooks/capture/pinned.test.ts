// Tests that a table pins only the settings that its columns depend on, because each pinned setting slows every statement.
import { afterEach, expect, it } from 'vitest';
import { type CapturedTables, captureTables } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

it.each([
  ['a column with a time zone', { id: 'int', name: 'timestamptz' }, '7', '2026-01-02T03:04:05+00:00', 'TimeZone=UTC'],
  ['a key with a time zone', { id: 'timestamptz', name: 'text' }, '2026-01-02 03:04:05+00', '2026-01-02 03:04:05Z', 'extra_float_digits=1'],
  ['an array of floats', { id: 'int', name: 'float8[]' }, '7', [0.1], 'extra_float_digits=1'],
  ['nothing that a session bends', { id: 'int', name: 'numeric(9,2)' }, '7', 1.5, 'search_path=pg_catalog, pg_temp'],
])('pins what the session could show in %s, and no more', async (_, types, key, value, pins) => {
  db = await captureTables(`CREATE TABLE things (id ${types.id} PRIMARY KEY, tenant text, name ${types.name})`);
  const client = await db.connect({ options: '-c TimeZone=Asia/Kolkata -c DateStyle=German -c extra_float_digits=-10' });
  const time = '2026-01-02 03:04:05Z';
  const name = { timestamptz: time, text: time, 'float8[]': '{0.1}', 'numeric(9,2)': '1.5' }[types.name];
  await client.query('INSERT INTO things VALUES ($1, $2, $3)', [types.id === 'int' ? 7 : time, 'acme', name]);
  expect(await db.events()).toMatchObject([{ key, after: { name: value } }]);
  const { rows } = await db.pool.query(`SELECT proconfig AS pins FROM pg_proc WHERE proname LIKE 'capture\\_%'`);
  expect(rows[0].pins.at(-1)).toBe(pins);
});
