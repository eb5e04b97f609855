// Promise: Prisma's own commands ignore Hookgraph, and the next `hookgraph migrate` repairs whatever they do to the tables.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Hookgraph } from '../../src/index.js';
import type { Worker } from '../../src/worker/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const ROOT = resolve(import.meta.dirname, '../..');
const schema = (fields: string) => `datasource db {
  provider = "postgresql"
}

model Note {
  id    Int    @id
  owner String
  ${fields}

  @@map("notes")
}
`;

let database: TestDatabase;
let dir: string;
let hooks: Hookgraph;
let receiver: Receiver;
let worker: Worker | undefined;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-prisma-'));
  receiver = await startReceiver();
  await writeFile(
    join(dir, 'prisma.config.mjs'),
    `export default { schema: 'schema.prisma', migrations: { path: 'migrations' }, datasource: { url: process.env.DATABASE_URL } };`,
  );
  hooks = notesApp({ database: database.url });
});
afterAll(async () => {
  await worker?.stop();
  await hooks.close();
  await receiver.close();
  await database.close();
  await rm(dir, { recursive: true, force: true });
});

/** Runs Prisma's command line with the WebAssembly engine. Rejects with its output when it fails. */
async function prisma(...args: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    DATABASE_URL: database.url,
    PRISMA_SCHEMA_ENGINE_BINARY: join(ROOT, 'scripts/schema-engine.mjs'),
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  };
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/prisma/build/index.js'), ...args], { cwd: dir, env });
  child.stdin.end();
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('exit', resolve)),
  ]);
  if (code !== 0) throw new Error(`prisma ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

const describes = (fields: string) => writeFile(join(dir, 'schema.prisma'), schema(fields));

async function delivers(id: number): Promise<void> {
  receiver.requests.length = 0;
  await database.pool.query(`INSERT INTO notes (id, owner) VALUES (${id}, 'ada')`);
  await receiver.waitFor(1);
  expect(JSON.parse(String(receiver.requests[0]?.body))).toEqual({ data: { note: { id } } });
}

const dump = async () =>
  (
    await database.pool.query(
      `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'hookgraph%' ORDER BY 1, 2`,
    )
  ).rows;

it('`migrate dev` makes the tables, before and after ours, and finds no drift', async () => {
  await describes('body String?');
  await prisma('migrate', 'dev', '--name', 'init');
  await hooks.migrate();
  worker = await hooks.work();
  await subscribeTo(hooks, 'note/created', receiver.url, 'query ($id: Int!) { note(id: $id) { id } }');
  await delivers(1);
  const before = await dump();
  // One column that our triggers read is effectively renamed, another changes its type.
  await describes('title String?\n  lines BigInt?');
  expect(await prisma('migrate', 'dev', '--name', 'second')).toContain('now in sync');
  await describes('title String? @db.VarChar(100)\n  lines Int?');
  expect(await prisma('migrate', 'dev', '--name', 'third')).toContain('now in sync');
  await database.pool.query(`UPDATE notes SET title = 'still recorded'`);
  expect(await dump()).toEqual(before);
  await hooks.migrate();
  await delivers(2);
});

it('`db pull`, `migrate diff` and `migrate status` see their tables alone', async () => {
  const pulled = await prisma('db', 'pull', '--print');
  expect(pulled.match(/^(model|enum) .*/gm)).toEqual(['model Note {']);
  expect(await prisma('migrate', 'diff', '--from-config-datasource', '--to-schema', 'schema.prisma', '--exit-code')).toContain(
    'No difference',
  );
  expect(await prisma('migrate', 'status')).toContain('up to date');
});

it('`migrate deploy` applies what is new while the worker runs', async () => {
  const migration = join(dir, 'migrations', '99990101000000_later');
  await mkdir(migration);
  await writeFile(join(migration, 'migration.sql'), 'ALTER TABLE notes ADD COLUMN "colour" TEXT; ALTER TABLE notes DROP COLUMN "lines";');
  await prisma('migrate', 'deploy');
  await delivers(3);
});

it('after `migrate reset` writes go on unrecorded until `hookgraph migrate`, and nothing is delivered for what is gone', async () => {
  receiver.requests.length = 0;
  await prisma('migrate', 'reset', '--force');
  await database.pool.query(`INSERT INTO notes (id, owner) VALUES (3, 'ada')`);
  await hooks.migrate();
  await delivers(4);
  expect(receiver.requests).toHaveLength(1);
  await describes('title String? @db.VarChar(100)\n  colour String?');
  expect(await prisma('migrate', 'diff', '--from-config-datasource', '--to-schema', 'schema.prisma', '--exit-code')).toContain(
    'No difference',
  );
});
