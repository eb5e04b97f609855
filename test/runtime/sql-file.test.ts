// Tests how statements of .sql files are parsed: parameters, fragments, and the texts that must stay as they are.
import { expect, it } from 'vitest';
import { parseFragments, parseStatement, sqlStatement } from '../../src/runtime/sql-file.js';

it('numbers parameters in the order of their first use, quoted or not', () => {
  const { text, names } = parseStatement("SELECT :count, :'name'::text, :count, :'other'::int[];");
  expect(text).toBe('SELECT $1, $2::text, $1, $3::int[]');
  expect(names).toEqual(['count', 'name', 'other']);
});

it.each([
  ["a string with a colon: 'at :noon'", "SELECT ':noon', 'it''s :noon'"],
  ['an escaped string', String.raw`SELECT E'\':noon', e':noon'`],
  ['a quoted name', 'SELECT 1 AS ":noon", "a"":noon"'],
  ['a dollar-quoted string', 'SELECT $$ :noon $$, $x$ :noon $$ :noon $x$'],
  ['a cast', "SELECT now()::text::noon, '{}'::jsonb"],
])('changes nothing in %s', (_what, statement) => {
  expect(parseStatement(statement)).toEqual({ text: statement, names: [] });
});

it('drops comments, and finds no parameter in them', () => {
  const { text, names } = parseStatement("SELECT 1 -- not :one, nor 'an open string\n, /* :two\n */ '--:three'");
  expect(text).toBe("SELECT 1 \n,  '--:three'");
  expect(names).toEqual([]);
});

it('inserts fragments, whose parameters count as those of the statement', () => {
  const fragments = parseFragments("-- About it.\nSELECT $$ a = :'b' AND c = '{}' $$ AS matches \\gset\n\nSELECT $$ :c $$ AS other \\gset");
  const { text, names } = parseStatement('SELECT :c WHERE :matches OR :matches', fragments);
  expect(text).toBe("SELECT $1 WHERE  a = $2 AND c = '{}'  OR  a = $2 AND c = '{}'");
  expect(names).toEqual(['c', 'b']);
});

it('refuses to run without one of its parameters', () => {
  const statement = sqlStatement<string>('webhooks/fan-out/relay.sql');
  expect(() => statement.values({ batch_size: 1 })).toThrow(/^webhooks\/fan-out\/relay\.sql has the parameter "\w+", but the caller/);
});
