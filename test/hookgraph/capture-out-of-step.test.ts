// Promise: an adopter learns of everything that stops changes from being recorded: from a starting worker, `/readyz`, `check` and `doctor`.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createSubscription, whyNot } from '../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { run } from '../support/product.js';
import { until } from '../support/until.js';

const ADA = { tenant: 'acme', userId: 'ada', canManageWebhooks: true };
const key = randomBytes(32);

let database: TestDatabase;
let lines: { level: number; msg: string }[];
const opened: Hookgraph[] = [];
beforeEach(async () => {
  lines = [];
  database = await testDatabase({ empty: true });
  await database.pool.query(
    `CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, title text, secret text);
     CREATE TABLE tags (id int PRIMARY KEY, owner text NOT NULL)`,
  );
});
afterEach(async () => {
  for (const hooks of opened.splice(0)) await hooks.close();
  await database.close();
});

/** A busy machine delays the event loop and the worker's loops. The log then has warnings, too. */
const isOfLoop = (line: string) => /the event loop was late|loops of the worker/.test(line);

function adopt(databaseSchema?: string): Hookgraph {
  const hooks = createHookgraph({
    database: database.url,
    ...(databaseSchema && { databaseSchema }),
    keys: [key],
    tables: { defaults: { tenant: 'owner' }, Note: { omit: ['secret'], when: { 'note/done': { title: 'done' } } }, Tag: {} },
    signIn: async () => null,
    actor: () => null,
    settings: { captureWatchMs: 50 },
    log: pino({ level: 'info' }, { write: (line: string) => void (isOfLoop(line) || lines.push(JSON.parse(line))) }),
  });
  opened.push(hooks);
  return hooks;
}

const readyz = async (hooks: Hookgraph) => {
  const response = await hooks.handler(new Request('http://api.example/graphql/readyz'));
  return { status: response.status, body: await response.json() };
};
const told = async (hooks: Hookgraph) =>
  (await hooks.check()).map(({ severity, subject, message }) => `${severity} ${subject}: ${message}`);

const READY = { status: 'ready', workers: { running: 0, lastHeardSeconds: null } };

it('refuses to work on a database that was never attached, and with everything that is wrong at once', async () => {
  const hooks = adopt();
  await expect(hooks.work()).rejects.toMatchObject({
    code: 'CAPTURE_OUT_OF_STEP',
    message: expect.stringMatching(
      /public\.notes are not recorded: `hookgraph migrate` has not attached triggers[\s\S]*public\.tags are not recorded/,
    ),
  });
  expect(await readyz(hooks)).toMatchObject({ status: 503, body: { status: 'not migrated' } });
  await hooks.migrate();
  expect(await readyz(hooks)).toEqual({ status: 200, body: READY });
  await (await hooks.work()).stop();

  // Breaks both a column that the announcement names and an attached trigger.
  await database.pool.query('ALTER TABLE notes RENAME title TO heading; ALTER TABLE tags DISABLE TRIGGER hookgraph_insert');
  const restarted = adopt();
  await expect(restarted.work()).rejects.toMatchObject({
    code: 'CAPTURE_OUT_OF_STEP',
    message: expect.stringMatching(/Note: `when` of "note\/done" names "title"[\s\S]*Triggers on public\.tags are disabled/),
  });
});

it('notices while it works: log, readyz, why-not and check, until migrate has run', async () => {
  const hooks = adopt();
  await hooks.migrate();
  const { subscription } = await createSubscription(hooks.webhooks.engine, ADA, {
    topic: { key: 'tag/created' },
    callbackUrl: 'https://example.com/',
  });
  const worker = await hooks.work();
  await database.pool.query('ALTER TABLE tags DISABLE TRIGGER hookgraph_insert');
  await until('it is logged', () => lines.find(({ level }) => level === 40));
  expect(await readyz(hooks)).toMatchObject({
    status: 503,
    body: {
      status: 'changes are not recorded',
      problems: ['Triggers on public.tags are disabled: hookgraph_insert. Run `hookgraph migrate`.'],
    },
  });
  const answer = await whyNot(hooks.webhooks.engine, ADA, { subscriptionId: subscription?.id as string, nodeId: null, since: null });
  expect(answer?.conclusion).toMatch(/^Changes of the table public\.tags are not recorded/);
  expect(await told(hooks)).toEqual(['ERROR Tag (public.tags): Triggers on public.tags are disabled: hookgraph_insert.']);
  await hooks.migrate();
  await until('it is logged that all is well', () => lines.find(({ msg }) => msg === 'capture triggers match the announced tables again'));
  expect(lines.filter(({ level }) => level >= 40)).toHaveLength(1);
  expect(await readyz(hooks)).toEqual({
    status: 200,
    body: { status: 'ready', workers: { running: 1, lastHeardSeconds: expect.any(Number) } },
  });
  expect(await told(hooks)).toEqual([]);
  await worker.stop();
});

it('notices a renamed column, also one that is omitted, and a partition that it mends by itself', async () => {
  await database.pool.query('DROP TABLE tags; CREATE TABLE tags (id int PRIMARY KEY, owner text NOT NULL) PARTITION BY RANGE (id)');
  const hooks = adopt();
  await hooks.migrate();
  const worker = await hooks.work();
  await database.pool.query('ALTER TABLE notes RENAME secret TO hidden');
  await until('it warns', () => lines.find(({ level }) => level === 40));
  expect(await readyz(hooks)).toMatchObject({ status: 200, body: { warnings: [expect.stringMatching(/`omit` names "secret"/)] } });
  expect(await told(hooks)).toContainEqual(expect.stringMatching(/^ERROR Note: `omit` names "secret"/));
  await database.pool.query('ALTER TABLE notes RENAME hidden TO secret; ALTER TABLE notes RENAME title TO heading');
  await until('it is not ready', async () => (await readyz(hooks)).status === 503);
  await database.pool.query('ALTER TABLE notes RENAME heading TO title');
  await database.pool.query('CREATE TABLE tags_1 PARTITION OF tags FOR VALUES FROM (0) TO (10)');
  await until('the partition has triggers', () => lines.find(({ msg }) => msg.startsWith('capture triggers were attached')));
  await database.pool.query(`INSERT INTO tags_1 VALUES (1, 'acme')`);
  expect((await database.pool.query(`SELECT node_key FROM hookgraph.recorded WHERE typename = 'Tag'`)).rows).toEqual([{ node_key: '1' }]);
  await worker.stop();
});

it('says what migrate would attach as a warning, so that a new announcement passes before it is deployed', async () => {
  const hooks = adopt();
  await hooks.migrate();
  await database.pool.query('CREATE TABLE links (id int PRIMARY KEY, owner text NOT NULL); ALTER TABLE tags ADD colour text');
  const next = createHookgraph({
    database: database.url,
    keys: [key],
    tables: { defaults: { tenant: 'owner' }, Note: { omit: ['secret'] }, Tag: {}, Link: {} },
    signIn: async () => null,
    actor: () => null,
    log: pino({ level: 'silent' }),
  });
  opened.push(next);
  expect(await told(next)).toEqual([
    "WARNING Tag (public.tags): The triggers of public.tags don't record colour yet.",
    'WARNING Link (public.links): Changes of public.links are not recorded: `hookgraph migrate` has not attached triggers to it yet.',
  ]);
  await expect(next.work()).rejects.toMatchObject({ message: expect.stringMatching(/colour[\s\S]*public\.links/) });
});

it('tells two applications on one database apart', async () => {
  const [first, second] = [adopt(), adopt('acme hooks')];
  for (const hooks of [first, second]) {
    await hooks.migrate();
    expect(await told(hooks)).toEqual([]);
    expect(await readyz(hooks)).toEqual({ status: 200, body: READY });
  }
  const { rows } = await database.pool.query(
    `SELECT tgname FROM pg_trigger WHERE tgrelid = 'notes'::regclass AND tgname LIKE 'hookgraph\\_insert\\__%'`,
  );
  await database.pool.query(`ALTER TABLE notes DISABLE TRIGGER ${rows[0].tgname}`);
  expect(await told(first)).toEqual([]);
  expect(await told(second)).toEqual([`ERROR Note (public.notes): Triggers on public.notes are disabled: ${rows[0].tgname}.`]);
  await (await first.work()).stop();
  await expect(second.work()).rejects.toMatchObject({ code: 'CAPTURE_OUT_OF_STEP' });
});

it('is told by the command line: worker, check and doctor', async () => {
  const hooks = adopt();
  await hooks.migrate();
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-app-'));
  const app = join(dir, 'hookgraph.mjs');
  await writeFile(
    app,
    `import { createHookgraph } from '${new URL('../../dist/index.js', import.meta.url).href}';
     export const hooks = createHookgraph({ database: process.env.DATABASE_URL, keys: process.env.KEYS, signIn: async () => null, actor: () => null,
       tables: { defaults: { tenant: 'owner' }, Note: { omit: ['secret'] }, Tag: {} } });`,
  );
  const env = { DATABASE_URL: database.url, KEYS: key.toString('base64') };
  const ask = (...args: string[]) => run([...args, '--app', app], env).catch((error: Error) => error.message);
  expect(await ask('doctor')).toMatch(/ok\s+announcement/);
  await database.pool.query('DROP TRIGGER hookgraph_delete ON notes');
  for (const command of ['worker', 'check', 'doctor'])
    expect(await ask(command)).toMatch(/ended with 1:[\s\S]*Triggers on public\.notes are missing: hookgraph_delete/);
  expect(await ask('check', '--json')).toContain('"severity": "ERROR"');
  await rm(dir, { recursive: true });
});
