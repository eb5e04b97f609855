// Promise: processes of this version keep working after a newer one has migrated the database, and their own `migrate` undoes nothing.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Hookgraph } from '../../src/index.js';
import { migrate } from '../../src/runtime/migrate.js';
import { ENGINE_MIGRATIONS } from '../../src/runtime/migration-sets.js';
import type { Worker } from '../../src/worker/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { askApp, NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

let database: TestDatabase;
let hooks: Hookgraph;
let worker: Worker | undefined;
let receiver: Receiver;
let dir: string;
let next = 1;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  await database.pool.query(NOTES);
  receiver = await startReceiver();
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-newer-'));
  hooks = notesApp({ database: database.url });
});
afterAll(async () => {
  await worker?.stop();
  await hooks.close();
  await receiver.close();
  await database.close();
  await rm(dir, { recursive: true, force: true });
});

/** Performs every action of an owner, with statements prepared before the migration and with new statements. */
async function everythingWorks(): Promise<void> {
  const id = await subscribeTo(hooks, 'note/created', receiver.url);
  const mutate = (mutation: string) =>
    askApp(hooks, `mutation { m: ${mutation} { errors { message } } }`).then(({ m }) => expect(m.errors).toEqual([]));
  await mutate(`updateWebhookSubscription(webhookSubscription: { id: "${id}" name: "Renamed" rateLimit: { perSecond: 100 } })`);
  const deliver = async () => {
    const count = receiver.requests.length;
    await database.pool.query(`INSERT INTO notes VALUES (${next++}, 'ada', 'hello')`);
    await receiver.waitFor(count + 1);
  };
  await deliver();
  await database.pool.query(`UPDATE notes SET body = 'changed'`);
  const read = await askApp(
    hooks,
    '{ webhookSubscriptions(first: 5) { nodes { name } } webhookDeliveries(first: 5) { nodes { state attempts { outcome } } } webhookErrors(first: 5) { nodes { message } } webhookAuditLog(first: 5) { nodes { action } } }',
  );
  expect(read.webhookDeliveries.nodes.length).toBeGreaterThan(0);
  await mutate(`deleteWebhookSubscription(webhookSubscription: { id: "${id}" })`);
}

it('goes on while a newer version adds columns to every table', async () => {
  await hooks.migrate();
  worker = await hooks.work();
  await everythingWorks();
  await cp(ENGINE_MIGRATIONS.dir, dir, { recursive: true });
  const { rows } = await database.pool.query(
    `SELECT relname FROM pg_class WHERE relnamespace = 'hookgraph'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> '_prisma_migrations'`,
  );
  const added = rows.map(
    ({ relname }) => `ALTER TABLE hookgraph.${relname} ADD COLUMN added text, ADD COLUMN counted_later int NOT NULL DEFAULT 7;`,
  );
  await mkdir(join(dir, '99990101000000_newer'));
  await writeFile(join(dir, '99990101000000_newer', 'migration.sql'), added.join('\n'));
  expect(await migrate(database.pool, dir, ENGINE_MIGRATIONS)).toEqual(['99990101000000_newer']);
  await everythingWorks();
  await worker.stop();
  worker = await hooks.work();
  await everythingWorks();
});

it('takes nothing back: `migrate` of the older version changes nothing', async () => {
  // Marks a function as one that a newer version has replaced.
  await database.pool.query(`COMMENT ON FUNCTION hookgraph.row_json(anyelement) IS 'hookgraph capture: newer'`);
  await hooks.migrate();
  const { rows } = await database.pool.query(`SELECT obj_description('hookgraph.row_json(anyelement)'::regprocedure) AS comment`);
  expect(rows).toEqual([{ comment: 'hookgraph capture: newer' }]);
  await everythingWorks();
});

/** The last migration without this rule: earlier releases documented that processes must be restarted. */
const BEFORE_THE_RULE = '20261129150000_tenants_of_children';
const TAKES_AWAY =
  /\b(DROP\s+(TABLE|COLUMN|VIEW|FUNCTION|SCHEMA)|RENAME|ALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE|SET\s+NOT\s+NULL|LOCK\s+TABLE|TRUNCATE\s+(TABLE\s+)?hookgraph\.\w+)\b|ADD\s+(COLUMN\s+)?\w+\s+(?![^,;]*(?:DEFAULT|GENERATED))[^,;]*NOT\s+NULL/i;

it('has no migration that an older process could not live with', async () => {
  const names = (await readdir(ENGINE_MIGRATIONS.dir)).filter((name) => /^\d+_/.test(name) && name > BEFORE_THE_RULE);
  for (const name of names) {
    const sql = (await readFile(join(ENGINE_MIGRATIONS.dir, name, 'migration.sql'), 'utf8')).replaceAll(/--.*$/gm, '');
    expect(sql, `${name} takes away what older processes use; add instead, and take away a release later`).not.toMatch(TAKES_AWAY);
  }
  for (const breach of [
    'ALTER TABLE hookgraph.deliveries DROP COLUMN lease_until',
    'ALTER TABLE hookgraph.events RENAME COLUMN a TO b',
    'ALTER TABLE hookgraph.events ADD COLUMN a int NOT NULL, ADD COLUMN b int DEFAULT 1',
    'ALTER TABLE hookgraph.events ALTER COLUMN a TYPE bigint',
    'TRUNCATE hookgraph.events',
  ])
    expect(breach).toMatch(TAKES_AWAY);
  expect('ALTER TABLE hookgraph.attempts ADD COLUMN test boolean NOT NULL DEFAULT false').not.toMatch(TAKES_AWAY);
});
