// Promise: Hookgraph's tables live in a schema of any name, and two applications on one database don't affect each other.

import { randomBytes } from 'node:crypto';
import { Logger, run } from 'graphile-worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openInstallation } from '../../src/cli/installation.js';
import type { Hookgraph } from '../../src/index.js';
import { localSql } from '../../src/runtime/schema-name.js';
import { startWorker, type Worker } from '../../src/worker/index.js';
import { commandLine } from '../support/command-line.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { askApp, NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const SCHEMA = 'Acme Hooks';

let database: TestDatabase;
let acme: { hooks: Hookgraph; receiver: Receiver; worker?: Worker };
let other: { hooks: Hookgraph; receiver: Receiver; worker?: Worker };
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  await database.pool.query(
    `${NOTES}; CREATE TABLE lists (id int PRIMARY KEY, owner text, updated_at timestamptz(3) NOT NULL DEFAULT now())`,
  );
  const tables = { defaults: { tenant: 'owner', maintainsUpdatedAt: true }, Note: {}, List: {} };
  acme = { hooks: notesApp({ database: database.url, databaseSchema: SCHEMA, tables }), receiver: await startReceiver() };
  // The second application uses the host's own pool and the same tables.
  other = { hooks: notesApp({ database: database.pool, tables }), receiver: await startReceiver() };
});
afterAll(async () => {
  for (const { hooks, receiver } of [acme, other]) {
    await hooks.close();
    await receiver.close();
  }
  await database.close();
});

const schemas = async () =>
  (await database.pool.query(`SELECT nspname FROM pg_namespace WHERE nspname ~* 'hook' ORDER BY nspname`)).rows.map(
    ({ nspname }) => nspname,
  );
const triggers = async (schema: string) =>
  (
    await database.pool.query(
      `SELECT count(*)::int AS n FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE nspname = $1 AND tgrelid IN ('notes'::regclass, 'lists'::regclass)`,
      [schema],
    )
  ).rows[0].n;

it('makes the schemas that it was told, and those alone', async () => {
  await acme.hooks.migrate();
  expect(await schemas()).toEqual([SCHEMA]);
  expect(await acme.hooks.check()).toEqual([]);
  await other.hooks.migrate();
  await acme.hooks.migrate();
  expect(await triggers(SCHEMA)).toBe(9);
  expect(await triggers('hookgraph')).toBe(9);
});

it('delivers to each its own, of a table that both announce', async () => {
  await subscribeTo(acme.hooks, 'note/created', acme.receiver.url);
  await subscribeTo(other.hooks, 'note/created', other.receiver.url, 'query ($id: Int!) { note(id: $id) { owner } }');
  await subscribeTo(acme.hooks, 'note/deleted', acme.receiver.url);
  // A graphile-worker of the application itself, which doesn't know Hookgraph.
  const theirs = await run({
    pgPool: database.pool,
    logger: new Logger(() => () => {}),
    taskList: { nothing: () => {} },
    noHandleSignals: true,
  });
  acme.worker = await acme.hooks.work();
  other.worker = await other.hooks.work();
  expect(await schemas()).toEqual([SCHEMA, `${SCHEMA}_worker`, 'hookgraph', 'hookgraph_worker']);
  await database.pool.query(`INSERT INTO notes VALUES (1, 'ada', 'hello')`);
  await acme.receiver.waitFor(1);
  await other.receiver.waitFor(1);
  await database.pool.query('DELETE FROM notes');
  await acme.receiver.waitFor(2);
  const bodies = (receiver: Receiver) => receiver.requests.map(({ body }) => JSON.parse(body).data.note);
  expect(bodies(acme.receiver)).toEqual([
    { id: 1, body: 'hello' },
    { id: 1, body: 'hello' },
  ]);
  expect(bodies(other.receiver)).toEqual([{ owner: 'ada' }]);
  // `stop` rejects when the worker has already ended, so this checks that it still runs.
  await theirs.stop();
});

it('tells the owner of a subscription that was switched off, by its own table', async () => {
  const id = await subscribeTo(acme.hooks, 'list/created', acme.receiver.url, 'query ($id: Int!) { list(id: $id) { id } }');
  await subscribeTo(acme.hooks, 'webhook_subscription/disabled', acme.receiver.url, '{ __typename }');
  acme.receiver.requests.length = 0;
  await askApp(
    acme.hooks,
    `mutation { updateWebhookSubscription(webhookSubscription: { id: "${id}" disabled: true }) { errors { message } } }`,
  );
  await acme.receiver.waitFor(1);
  const { webhookSubscriptions } = await askApp(acme.hooks, '{ webhookSubscriptions(first: 10) { totalCount } }');
  expect(webhookSubscriptions.totalCount).toBe(4);
  expect((await askApp(other.hooks, '{ webhookSubscriptions(first: 10) { totalCount } }')).webhookSubscriptions.totalCount).toBe(1);
});

it('leaves alone what belongs to the other', async () => {
  await acme.worker?.stop();
  await acme.hooks.detach();
  expect(await triggers(SCHEMA)).toBe(0);
  expect(await triggers('hookgraph')).toBe(9);
  await acme.hooks.detach({ everything: true });
  expect(await schemas()).toEqual(['hookgraph', 'hookgraph_worker']);
  await database.pool.query(`INSERT INTO notes VALUES (2, 'ada', 'still here')`);
  await other.receiver.waitFor(2);
  await other.worker?.stop();
});

it('is said to the command line by HOOKGRAPH_DATABASE_SCHEMA', async () => {
  const own = await testDatabase({ empty: true });
  const env = {
    DATABASE_URL: own.url,
    HOOKGRAPH_DATABASE_SCHEMA: SCHEMA,
    HOOKGRAPH_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    HOOKGRAPH_LOG_LEVEL: 'error',
  };
  const installation = await openInstallation({ prepare: true, join: true, env, say: () => {} });
  try {
    await installation.app.seed();
    const organization = await installation.app.pool.query('SELECT id FROM organizations LIMIT 1');
    expect(organization.rowCount).toBe(1);
    const worker = await startWorker(installation.app, { isOwnProcess: false });
    await worker.stop();
    const { rows } = await own.pool.query(`SELECT nspname FROM pg_namespace WHERE nspname ~* 'hook' ORDER BY 1`);
    expect(rows.map(({ nspname }) => nspname)).toEqual([SCHEMA, `${SCHEMA}_worker`]);
  } finally {
    await installation.close();
  }
  const line = await commandLine(env);
  const doctor = await line.run(['doctor', '--json']);
  await line.close();
  expect(JSON.parse(doctor.stdout)).toEqual(
    expect.arrayContaining([
      { check: 'migrations', outcome: 'OK', message: 'all migrations are applied', hint: null },
      { check: 'queue', outcome: 'OK', message: expect.any(String), hint: null },
    ]),
  );
  await own.close();
});

it('writes statements for the schema, and leaves the settings of a session alone', () => {
  const written = `SELECT 'hookgraph.captures'::regclass, hookgraph."f"(), format('hookgraph.%I', x), current_setting('hookgraph.context', true) /* hookgraph: */
    FROM hookgraph.captures WHERE n = 'hookgraph'::regnamespace; SET LOCAL hookgraph.capture = 'on'`;
  expect(localSql(written, SCHEMA)).toBe(
    `SELECT '"Acme Hooks".captures'::regclass, "Acme Hooks"."f"(), format('"Acme Hooks".%I', x), current_setting('hookgraph.context', true) /* hookgraph: */
    FROM "Acme Hooks".captures WHERE n = '"Acme Hooks"'::regnamespace; SET LOCAL hookgraph.capture = 'on'`,
  );
});

it.each(['public', 'pg_hooks', `it's`, 'a.b', '100%', 'x'.repeat(57), ''])('refuses the schema %o', (databaseSchema) => {
  expect(() => notesApp({ database: database.url, databaseSchema })).toThrow(/can't be the schema/);
});
