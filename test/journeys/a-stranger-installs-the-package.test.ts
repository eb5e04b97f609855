// Promise: the package installs in an empty project, within 60 MB and 120 packages, and its command line works there.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { DELIVERING } from '../support/delivering-program.js';
import { packInto } from '../support/packed.js';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const TYPESCRIPT = 'node_modules/typescript-native/bin/tsc';
/** Packages that a bundle leaves external: optional packages of pg and of graphile-worker. */
const BUNDLING = { mainFields: ['module', 'main'], external: ['pg-native', 'typescript'] };
const KEYS = Buffer.alloc(32, 7).toString('base64');

let folder: string;
let database: TestDatabase;
let bundled: TestDatabase;
let size: { packages: number; megabytes: number };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookgraph-stranger-'));
  [database, bundled] = await Promise.all([testDatabase({ empty: true }), testDatabase({ empty: true })]);
  const tarball = await packInto(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const npm = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--no-package-lock', '--ignore-scripts'];
  await run('npm', [...npm, tarball, 'pg@8', 'graphql@16'], { cwd: folder });
  const installed = JSON.parse(await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8')).packages;
  size = {
    packages: Object.keys(installed).length,
    megabytes: Number.parseInt((await run('du', ['-sm', 'node_modules'], { cwd: folder })).stdout, 10),
  };
});
afterAll(async () => {
  await Promise.all([database.close(), bundled.close()]);
  await rm(folder, { recursive: true, force: true });
});

const environment = ({ url }: TestDatabase) => ({ ...process.env, DATABASE_URL: url, HOOKGRAPH_ENCRYPTION_KEYS: KEYS, NODE_OPTIONS: '' });

const hookgraph = (args: string[]) =>
  run(process.execPath, ['node_modules/hookgraph/dist/cli/main.js', ...args], {
    cwd: folder,
    env: environment(database),
  });

it('is small, and holds neither the sample product nor its database', async () => {
  expect(size.packages).toBeLessThanOrEqual(120);
  expect(size.megabytes).toBeLessThanOrEqual(65);
  const own = join(folder, 'node_modules/hookgraph');
  expect(await readdir(join(own, 'dist'))).not.toContain('sample');
  expect(await readdir(join(own, 'prisma'))).toEqual(['webhooks']);
});

it('migrates and checks an application that --app names', async () => {
  await database.pool.query('CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text)');
  // The timer stands for anything that keeps an application alive, such as its own pool; the command must end anyway.
  const app = (tenant: string) => `import { createHookgraph } from 'hookgraph';
    setInterval(() => {}, 60_000);
    export const hooks = createHookgraph({
      database: process.env.DATABASE_URL, keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS,
      tables: { Note: { tenant: '${tenant}' } }, signIn: async () => ({}), actor: () => null,
    });`;
  await writeFile(join(folder, 'hookgraph.mjs'), app('owner'));
  expect((await hookgraph(['migrate', '--app', './hookgraph.mjs'])).stdout).toContain('up to date');
  expect((await hookgraph(['check', '--app', './hookgraph.mjs'])).stdout).toContain('No problems were found');
  const { rows } = await database.pool.query(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  expect(rows).toEqual([{ name: 'public.notes' }]);
  await writeFile(join(folder, 'wrong.mjs'), app('nobody'));
  const failed = await hookgraph(['check', '--app', './wrong.mjs']).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('`tenant` names "nobody", but notes has no such column');
});

it('says without a trace that no database answers', async () => {
  const env = { ...environment(database), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  const args = ['node_modules/hookgraph/dist/cli/main.js', 'check', '--app', './hookgraph.mjs'];
  const { stderr } = await run(process.execPath, args, { cwd: folder, env }).catch((error) => error);
  expect(stderr).toBe('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1\nIs the database running? Check host and port in DATABASE_URL.\n');
});

it.each(['worker', 'migrate', 'demo', 'simulate'])('says what `%s` misses without an application', async (command) => {
  const failed = await hookgraph([command]).catch((error) => error);
  const [reason, hint] = [
    'This package contains no sample product, so no application is known',
    'Pass your application: `--app ./hookgraph.ts`.',
  ];
  // A worker's only output is its log.
  if (command === 'worker') expect(JSON.parse(failed.stderr)).toMatchObject({ level: 'fatal', code: 'APP_MISSING', reason, hint });
  else expect(failed.stderr).toContain(`APP_MISSING: ${reason}\n${hint}`);
});

it.each([
  ['CommonJS', 'cjs', ''],
  ['ES modules', 'esm', "import { createRequire as from } from 'node:module'; const require = from(import.meta.url);"],
] as const)('migrates and delivers from a bundle of %s by esbuild', async (_name, format, banner) => {
  const bundle = join(folder, `bundle.${format === 'cjs' ? 'cjs' : 'mjs'}`);
  await writeFile(join(folder, 'delivering.mjs'), DELIVERING);
  const entryPoints = [join(folder, 'delivering.mjs')];
  await build({ ...BUNDLING, entryPoints, outfile: bundle, bundle: true, platform: 'node', format, banner: { js: banner } });
  const { stdout } = await run(process.execPath, [bundle], { cwd: folder, env: environment(bundled) });
  expect(stdout).toContain('arrived {"said": "Hello"}');
  if (format === 'esm') return;
  const alone = await mkdtemp(join(tmpdir(), 'hookgraph-bundle-'));
  await cp(bundle, join(alone, 'bundle.cjs'));
  const { stderr } = await run(process.execPath, ['bundle.cjs'], { cwd: alone, env: environment(bundled) }).catch((error) => error);
  await rm(alone, { recursive: true });
  expect(stderr).toContain('Exclude the package from your bundle (esbuild: `--external:hookgraph`) and keep it in node_modules.');
});

it('says in docs/adopting.md how to bundle it', async () => {
  const page = await readFile(join(ROOT, 'docs/adopting.md'), 'utf8');
  const flags = [`--main-fields=${BUNDLING.mainFields}`, ...BUNDLING.external.map((name) => `--external:${name}`)];
  expect(page).toContain(flags.join(' '));
});

it.each([
  ['Node16', 'node_modules/typescript/bin/tsc'],
  ['NodeNext', TYPESCRIPT],
])('is loaded by require(), and type-checks in CommonJS under %s, by %s', async (moduleResolution, tsc) => {
  const cwd = join(folder, 'commonjs');
  await mkdir(cwd, { recursive: true });
  await writeFile(join(cwd, 'package.json'), '{ "type": "commonjs" }');
  await writeFile(
    join(cwd, 'app.ts'),
    `import { createHookgraph, type Hookgraph } from 'hookgraph';
      import { fromPrisma } from 'hookgraph/prisma';
      import { verifyWebhook } from 'hookgraph/verify';
      export const hooks: Hookgraph = createHookgraph({
        database: '', keys: '', tables: { Note: { tenant: 'owner' } },
        signIn: async ({ tenant }, { pool }) => ({ tenant, rows: await pool.query('SELECT 1') }), actor: () => null,
      });
      export const kept = [fromPrisma, verifyWebhook];`,
  );
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2023',
    '--skipLibCheck',
    '--types',
    'node',
    '--typeRoots',
    join(ROOT, 'node_modules/@types'),
  ];
  const modules = ['--module', moduleResolution, '--moduleResolution', moduleResolution];
  const checked = await run(process.execPath, [join(ROOT, tsc), ...options, ...modules, 'app.ts'], { cwd }).catch((error) => error);
  expect(checked.stdout).toBe('');
  const required = await run(
    process.execPath,
    ['-p', "typeof require('hookgraph').createHookgraph + typeof require('hookgraph/verify').verifyWebhook"],
    { cwd },
  );
  expect(required.stdout.trim()).toBe('functionfunction');
});
