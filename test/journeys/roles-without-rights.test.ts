// Promise: the application's role needs no right on Hookgraph's schema, and Hookgraph's role only SELECT and TRIGGER on announced tables.
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Hookgraph } from '../../src/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const [OURS, THEIRS] = [`hooks_${process.pid}`, `app_${process.pid}`];

let database: TestDatabase;
let hooks: Hookgraph;
let theirs: pg.Pool;
let receiver: Receiver;
const urlOf = (role: string) => {
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  return url.href;
};
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  receiver = await startReceiver();
  const name = new URL(database.url).pathname.slice(1);
  await database.pool.query(`${NOTES}; CREATE TABLE lines (id int PRIMARY KEY, note_id int NOT NULL REFERENCES notes ON DELETE CASCADE, words text,
      updated_at timestamptz(3) NOT NULL DEFAULT 'epoch', length int GENERATED ALWAYS AS (length(words)) VIRTUAL);
    CREATE TABLE logs (id int, day int, owner text, updated_at timestamptz(3), PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (1) TO (2);
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY of_owner ON notes TO PUBLIC USING (true);
    CREATE ROLE ${OURS} LOGIN PASSWORD 'secret' NOSUPERUSER; CREATE ROLE ${THEIRS} LOGIN PASSWORD 'secret' NOSUPERUSER;
    GRANT CREATE ON DATABASE ${name} TO ${OURS}; GRANT SELECT, TRIGGER ON notes, lines, logs, logs_1 TO ${OURS};
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON notes, lines TO ${THEIRS}`);
  hooks = notesApp({
    database: urlOf(OURS),
    tables: { defaults: { tenant: 'owner', maintainsUpdatedAt: true }, Note: {}, Line: { tenant: { of: 'note_id' } }, Log: {} },
  });
  theirs = new pg.Pool({ connectionString: urlOf(THEIRS) });
});
afterAll(async () => {
  await hooks.close();
  await theirs.end();
  await receiver.close();
  await database.pool.query(`DROP OWNED BY ${OURS} CASCADE; DROP OWNED BY ${THEIRS}; DROP ROLE ${OURS}; DROP ROLE ${THEIRS}`);
  await database.close();
});

it('migrates, subscribes and delivers as a role that may only read their tables', async () => {
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
  await subscribeTo(hooks, 'line/created', receiver.url, 'query ($id: Int!) { line(id: $id) { words length note { body } } }');
  const worker = await hooks.work();
  const client = await theirs.connect();
  await client.query('BEGIN');
  await client.query(`INSERT INTO notes VALUES (1, 'ada', 'hello')`);
  await client.query(`INSERT INTO lines (id, note_id, words) VALUES (1, 1, 'a line')`);
  await client.query('COMMIT');
  client.release();
  await receiver.waitFor(1);
  expect(JSON.parse(String(receiver.requests[0]?.body))).toEqual({
    data: { line: { words: 'a line', length: 6, note: { body: 'hello' } } },
  });
  await worker.stop();
});

it('records every write of theirs', async () => {
  await theirs.query(`UPDATE lines SET words = 'changed'`);
  expect((await theirs.query(`SELECT updated_at > 'epoch' AS moved FROM lines`)).rows).toEqual([{ moved: true }]);
  await theirs.query('DELETE FROM notes');
  const { rows } = await database.pool.query(
    `SELECT typename, operation, tenant FROM hookgraph.recorded WHERE typename IN ('Note', 'Line') ORDER BY id`,
  );
  expect(rows.map(({ typename, operation }) => `${typename} ${operation}`)).toEqual([
    'Note created',
    'Line created',
    'Line updated',
    'Note deleted',
    'Line deleted',
  ]);
  await expect(theirs.query('TRUNCATE notes CASCADE')).rejects.toThrow(/is refused, because it would delete announced rows/);
});

it('lets them see nothing of ours', async () => {
  for (const sql of [
    'SELECT FROM hookgraph.captures',
    'INSERT INTO hookgraph.captures (depth) VALUES (0)',
    `SELECT hookgraph.announce('', '', '')`,
    'SELECT hookgraph.ensure_partitions()',
    `SELECT * FROM hookgraph.tenants_by_children('{}', '{}', '{}', '{}', '{}')`,
    'SELECT FROM hookgraph_worker._private_jobs',
  ])
    await expect(theirs.query(sql), sql).rejects.toMatchObject({ code: '42501' });
});

it('runs none of their functions with our rights', async () => {
  const client = await theirs.connect();
  const shadow = (name: string, parameters: string, type: string) =>
    `CREATE FUNCTION pg_temp.${name}(${parameters}) RETURNS ${type} LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'as %', current_user; END $$`;
  await client.query(
    [shadow('current_setting', 'text, boolean', 'text'), shadow('pg_current_xact_id', '', 'xid8'), shadow('lower', 'text', 'text')].join(
      '; ',
    ),
  );
  await client.query(
    'CREATE TEMP TABLE notes (id int, owner text); CREATE TEMP TABLE captures (id int); SET search_path = pg_temp, public, pg_catalog',
  );
  await client.query(`INSERT INTO public.notes VALUES (7, 'ada', 'x')`);
  await client.query(`INSERT INTO public.lines (id, note_id, words) VALUES (7, 7, 'y')`);
  client.release(true);
  const { rows } = await database.pool.query(`SELECT typename, tenant FROM hookgraph.recorded WHERE node_key = '7' ORDER BY id`);
  expect(rows).toEqual([
    { typename: 'Note', tenant: 'ada' },
    { typename: 'Line', tenant: 'ada' },
  ]);
});

it('leaves, gently or without a trace', async () => {
  const triggers = async () =>
    (
      await database.pool.query(
        `SELECT count(*)::int AS n FROM pg_trigger WHERE tgname LIKE '%hookgraph%' AND tgrelid::regclass::text NOT LIKE 'hookgraph.%'`,
      )
    ).rows;
  await hooks.detach();
  expect(await triggers()).toEqual([{ n: 0 }]);
  await hooks.migrate();
  await hooks.detach({ everything: true });
  expect(await triggers()).toEqual([{ n: 0 }]);
  await theirs.query(`INSERT INTO notes VALUES (8, 'ada')`);
});
