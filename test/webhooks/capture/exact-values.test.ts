// Tests that values which JavaScript can't hold reach the captured document digit by digit, as Postgres writes them.
import { afterEach, expect, it } from 'vitest';
import { type CapturedTables, captureTables, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const NINES = '9'.repeat(1000);
/** Type, value, and the value's form in the jsonb document. */
const VALUES: [type: string, value: string, json: string][] = [
  ['timestamptz', 'infinity', '"infinity"'],
  ['timestamptz', '-infinity', '"-infinity"'],
  ['timestamptz', '294276-12-31 23:59:59.999999+00', '"294276-12-31T23:59:59.999999+00:00"'],
  ['timestamptz', '4713-01-01 00:00:00+00 BC', '"4713-01-01T00:00:00+00:00 BC"'],
  ['timestamp', '-infinity', '"-infinity"'],
  ['timestamp', '4713-01-01 00:00:00 BC', '"4713-01-01T00:00:00 BC"'],
  ['date', '5874897-12-31', '"5874897-12-31"'],
  ['date', '4713-01-01 BC', '"4713-01-01 BC"'],
  ['time', '24:00:00', '"24:00:00"'],
  ['interval', '178000000 years', '"178000000 years"'],
  ['tstzrange', '[-infinity,infinity]', '"[-infinity,infinity]"'],
  ['timestamptz[]', '{infinity,NULL}', '["infinity", null]'],
  ['numeric', 'NaN', '"NaN"'],
  ['numeric', '-Infinity', '"-Infinity"'],
  ['numeric', `${NINES}.${NINES}`, `${NINES}.${NINES}`],
  ['numeric', `0.${'0'.repeat(16_382)}1`, `0.${'0'.repeat(16_382)}1`],
  ['numeric', '9'.repeat(131_072), '9'.repeat(131_072)],
  ['numeric(10,4)', '1.5', '1.5000'],
  ['numeric[]', `{NaN,${NINES}}`, `["NaN", ${NINES}]`],
  ['float8', 'NaN', '"NaN"'],
  ['float8', 'Infinity', '"Infinity"'],
  ['float8', '1.7976931348623157e308', `17976931348623157${'0'.repeat(292)}`],
  ['float4', '0.1', '0.1'],
  ['float8[]', '{-Infinity,5e-324}', `["-Infinity", 0.${'0'.repeat(323)}5]`],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['bigint', '750727362669608961', '750727362669608961'],
  ['bytea', '\\x', '"\\\\x"'],
  ['bytea', '\\x00ff', '"\\\\x00ff"'],
  ['jsonb', '{"id": 750727362669608961, "sum": 0.10}', '{"id": 750727362669608961, "sum": 0.10}'],
  ['json', '{"id": 750727362669608961, "sum": 0.10}', '{"id": 750727362669608961, "sum": 0.10}'],
  ['json', '{"a": 1, "a": 2}', '{"a": 2}'],
  ['json', '{"a": "\\u0000"}', '"{\\"a\\": \\"\\\\u0000\\"}"'],
  ['json', '{"\\u0000": 1}', '"{\\"\\\\u0000\\": 1}"'],
  ['json', '"\\udc00\\ud800"', '"\\"\\\\udc00\\\\ud800\\""'],
  ['text', '\u0001\u007f\ufffe\u{10ffff}', '"\\u0001\u007f\ufffe\u{10ffff}"'],
  ['xid8', '18446744073709551615', '"18446744073709551615"'],
];

it('keeps every digit and every moment, in all that becomes of a row', async () => {
  const names = VALUES.map((_, index) => `c${index}`);
  const columns = VALUES.map(([type], index) => `c${index} ${type}`);
  db = await captureTables(`CREATE TABLE things (id bigint PRIMARY KEY, tenant text, n int, ${columns.join(', ')})`, [
    thing({ columns: Object.fromEntries(['id', 'n', ...names].map((name) => [name, name])) }),
  ]);
  const client = await db.connect({
    options: '-c extra_float_digits=-10 -c DateStyle=SQL,DMY -c IntervalStyle=sql_standard -c TimeZone=America/New_York',
  });
  await client.query(
    `INSERT INTO things VALUES (9223372036854775807, 'acme', 1, ${VALUES.map((_, index) => `$${index + 1}`).join(', ')})`,
    VALUES.map(([, value]) => value),
  );
  await client.query('UPDATE things SET n = 2');
  await client.query('DELETE FROM things');
  const { rows } = await db.pool.query(
    `SELECT node_key AS key, operation, changed, ${names.map((name) => `coalesce(before, after) ->> '${name}' IS NOT NULL AS t_${name}, (coalesce(after, before) -> '${name}')::text AS ${name}`).join(', ')}
     FROM hookgraph.captures ORDER BY id`,
  );
  expect(rows.map(({ key, operation, changed }) => [key, operation, changed])).toEqual([
    ['9223372036854775807', 'created', null],
    ['9223372036854775807', 'updated', ['n']],
    ['9223372036854775807', 'deleted', null],
  ]);
  for (const row of rows) {
    expect(VALUES.map(([type], index) => [type, row[`c${index}`]])).toEqual(VALUES.map(([type, , json]) => [type, json]));
  }
});
