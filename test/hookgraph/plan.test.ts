// Promise: `migrate --dry-run` prints the SQL that `migrate` would run, executes none of it, and waits for no lock.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph, type Tables } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { commandLine } from '../support/command-line.js';
import { testDatabase } from '../support/database.js';
import { strangerProject } from '../support/stranger-project.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function notes() {
  const database = await testDatabase({ empty: true });
  opened.push(database);
  await database.pool.query('CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text)');
  return database;
}

const KEYS = [randomBytes(32)];

function hookgraphOf(database: string, tables: Tables = { Note: { tenant: 'owner' } }, databaseSchema?: string): Hookgraph {
  const hooks = createHookgraph({
    database,
    databaseSchema,
    keys: KEYS,
    tables,
    signIn: async () => null,
    actor: () => null,
    log: createPlainLog('silent'),
  });
  opened.push(hooks);
  return hooks;
}

const objects = `SELECT 'schema ' || nspname AS name FROM pg_namespace WHERE nspname LIKE 'hookgraph%'
  UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT 'function ' || proname || xmin FROM pg_proc
  WHERE pronamespace = to_regnamespace('hookgraph') ORDER BY 1`;

it.each(['hookgraph', 'acme hooks'])(
  'plans on an empty database what migrate then runs, as SQL that runs as it is, in the schema %s',
  async (schema) => {
    const { url, pool } = await notes();
    const hooks = hookgraphOf(url, undefined, schema);
    const planned = await hooks.plan();
    expect((await pool.query(objects)).rows).toEqual([]);
    expect(planned.filter(({ table }) => table !== null)).toEqual([
      {
        about: 'triggers of "public"."notes"',
        table: '"public"."notes"',
        sql: expect.stringMatching(/^CREATE TRIGGER "?hookgraph_insert\w*"? AFTER INSERT ON "public"."notes"/),
      },
    ]);
    // Someone with more rights may run the printed SQL before `migrate`.
    for (const { sql } of planned) await pool.query(sql);
    const { rows: schemas } = await pool.query(`SELECT nspname AS name FROM pg_namespace WHERE nspname ~ 'hook'`);
    expect(schemas).toEqual([{ name: schema }]);
    const rest = await hooks.plan();
    expect(rest.filter(({ about }) => !/WebhookSubscription|"\."subscriptions"|other rows decide/.test(about))).toEqual([]);
    await hooks.migrate();
    expect(await hooks.plan()).toEqual([]);
    await pool.query(`INSERT INTO notes VALUES (1, 'ada', 'x')`);
    expect((await pool.query(`SELECT typename FROM "${schema}".recorded`)).rows).toEqual([{ typename: 'Note' }]);
  },
);

it('plans what a changed announcement changes, while others hold the table', async () => {
  const { url, pool } = await notes();
  await pool.query('CREATE TABLE tags (id int PRIMARY KEY, owner text NOT NULL)');
  await hookgraphOf(url, { Note: { tenant: 'owner' } }).migrate();
  const before = (await pool.query(objects)).rows;
  const long = await pool.connect();
  await long.query(`BEGIN; INSERT INTO notes VALUES (1, 'ada', 'x'); LOCK TABLE tags IN SHARE ROW EXCLUSIVE MODE`);
  const planned = await hookgraphOf(url, { Note: { tenant: 'owner', omit: ['body'] }, Tag: { tenant: 'owner' } }).plan();
  expect(planned.filter(({ table }) => table !== null).map(({ table }) => table)).toEqual(['"public"."tags"']);
  expect(planned.map(({ about }) => about)).toEqual(
    expect.arrayContaining([
      'the list of topics',
      expect.stringMatching(/^function capture_Note_/),
      expect.stringMatching(/^function capture_Tag_/),
    ]),
  );
  await long.query('ROLLBACK');
  long.release();
  expect((await pool.query(objects)).rows).toEqual(before);
  await hookgraphOf(url, { Note: { tenant: 'owner' }, Tag: { tenant: 'owner' } }).migrate();
  const gone = await hookgraphOf(url, { Tag: { tenant: 'owner' } }).plan();
  expect(gone.map(({ sql }) => sql).join('\n')).toMatch(
    /DROP TRIGGER IF EXISTS "?hookgraph_insert"? ON "public"."notes"[\s\S]*DROP FUNCTION hookgraph."capture_Note_/,
  );
});

it('refuses what migrate would refuse', async () => {
  const { url } = await notes();
  await expect(hookgraphOf(url, { Note: { tenant: 'nobody' } }).plan()).rejects.toMatchObject({ code: 'ANNOUNCEMENT_INCOMPLETE' });
});

it('is printed by the command line, for people and for programs', async () => {
  const { url, pool } = await notes();
  const project = await strangerProject({
    'hookgraph.mjs': `import { createHookgraph } from 'hookgraph';
      export const hooks = createHookgraph({ database: ${JSON.stringify(url)}, keys: '${randomBytes(32).toString('base64')}',
        tables: { Note: { tenant: 'owner' } }, signIn: async () => null, actor: () => null });`,
  });
  const line = await commandLine({});
  opened.push(project, line);
  const app = join(project.dir, 'hookgraph.mjs');
  const { stdout, code } = await line.run(['migrate', '--app', app, '--dry-run']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^-- migration \d+_engine of Hookgraph's own tables\nCREATE SCHEMA IF NOT EXISTS "hookgraph"/);
  expect(stdout).toMatch(/-- triggers of "public"."notes"\nCREATE TRIGGER/);
  await pool.query(stdout);
  const refused = await line.run(['migrate', '--dry-run']);
  expect([refused.code, refused.stderr]).toEqual([expect.any(Number), expect.stringContaining('--dry-run needs --app')]);
});
