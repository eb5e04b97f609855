// Tests that psql runs every .sql file by the command in its comment, that Postgres plans it as pg sends it, and how the files are written.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localSql } from '../../src/runtime/schema-name.js';
import { parseFragments, readStatement } from '../../src/runtime/sql-file.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { hasPsql } from '../support/psql.js';

const SRC = join(import.meta.dirname, '../../src');
const MAX_COLUMNS = 110;
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.sql'))
  .sort();
const sourceOf = (file: string): string => readFileSync(join(SRC, file), 'utf8');
const isFragments = (file: string): boolean => parseFragments(sourceOf(file)).size > 0;
const statements = files.filter((file) => !isFragments(file));

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

/** Returns the arguments of the `psql` command in a file's first comment. */
function commandOf(file: string): string[] {
  const [comment = ''] = /^(?:--.*\n)+/.exec(sourceOf(file)) ?? [];
  const [, command = ''] = /^-- psql ([\s\S]*)/m.exec(comment) ?? [];
  return [...command.replaceAll(/\n--/g, '').matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''));
}

it('finds the statements and the fragments', () => {
  expect(statements.map((file) => basename(file))).toEqual([
    'attempt-stats.sql',
    'changes.sql',
    'fan-out.sql',
    'related.sql',
    'relay.sql',
    'replay-count.sql',
    'replay-page.sql',
    'replay.sql',
    'snapshot.sql',
    'claim.sql',
    'deliveries.sql',
    'events.sql',
    'queue.sql',
    'decisions.sql',
    'why-not.sql',
    'past-requests.sql',
    'record-ended.sql',
    'write-attempts.sql',
  ]);
});

describe.each(statements)('%s', (file) => {
  it.runIf(hasPsql)('is run by psql as its comment says', () => {
    const args = commandOf(file);
    expect(args.slice(-2)).toEqual(['-f', basename(file)]);
    const options = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=verbose', db.url];
    execFileSync('psql', [...options, ...args], { cwd: join(SRC, dirname(file)), stdio: 'pipe' });
  });

  it('is planned by Postgres with the parameters that pg sends', async () => {
    const { text, names } = readStatement(file);
    const given = new Map(
      commandOf(file).flatMap((word) => (word.includes('=') ? [[word.split('=')[0], word.split('=')[1]]] : [])) as [string, string][],
    );
    expect([...given.keys()].sort()).toEqual([...names].sort());
    const { rows } = await db.pool.query(
      `EXPLAIN ${text}`,
      names.map((name) => given.get(name) || null),
    );
    expect(rows.length).toBeGreaterThan(5);
  });

  it('names the schema so that an installation may choose another one', async () => {
    const { text } = readStatement(file);
    expect(localSql(text, 'acme hooks').replaceAll('"acme hooks".', '')).not.toContain('hookgraph');
  });
});

describe.each(files)('%s', (file) => {
  it(`has no line over ${MAX_COLUMNS} columns, and a comment beside each CTE`, () => {
    const lines = sourceOf(file).split('\n');
    expect(lines.filter((line) => line.length > MAX_COLUMNS)).toEqual([]);
    const ctes = lines.flatMap((line, i) => (/^\s*(?:WITH RECURSIVE )?\w+ AS (?:MATERIALIZED )?\($/.test(line) ? [i] : []));
    if (!isFragments(file)) expect(ctes.filter((i) => !/^\s*--/.test(lines[i - 1] ?? '')).map((i) => lines[i])).toEqual([]);
    expect(lines[0]).toMatch(/^-- [A-Z]/);
  });
});
