// Promise: the package installs in an empty project, within 60 MB and 120 packages, and its command line and examples work there.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { DELIVERING } from '../support/delivering-program.js';
import { until } from '../support/until.js';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
/** The compilers that adopters may have. */
const TYPESCRIPT_5 = join(ROOT, 'node_modules/typescript/bin/tsc');
const TYPESCRIPT_7 = join(ROOT, 'node_modules/typescript-native/bin/tsc');
const EXAMPLES = ['sql-only', 'schema-first', 'pothos-prisma', 'fastify'];
/** READMEs whose last two commands show a webhook that contains `says`. */
const TRIED = [
  { example: 'schema-first', readme: 'README.md', says: 'It is dark' },
  { example: 'pothos-prisma', readme: 'pothos-prisma/README.md', says: 'Lantern' },
];
const LONG = { timeoutMs: 30_000 };
/** Packages that a bundle leaves external: optional packages of pg and of graphile-worker. */
const BUNDLING = { mainFields: ['module', 'main'], external: ['pg-native', 'typescript'] };
const KEYS = Buffer.alloc(32, 7).toString('base64');

/** An empty project with the installed package. */
let folder: string;
/** A folder with the installed package and copies of the examples, which find their other dependencies in this checkout. */
let examples: string;
let databases: Map<string, TestDatabase>;
const at = (name: string) => databases.get(name) as TestDatabase;
let size: { packages: number; megabytes: number };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookgraph-stranger-'));
  examples = await mkdtemp(join(ROOT, '.examples-'));
  const names = ['cli', ...EXAMPLES, ...TRIED.map(({ readme }) => readme), 'page', 'bundle'];
  databases = new Map(await Promise.all(names.map(async (name) => [name, await testDatabase({ empty: true })] as const)));
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
  for (const part of ['hookgraph', '.bin/hookgraph-prisma'])
    await cp(join(folder, 'node_modules', part), join(examples, 'node_modules', part), { recursive: true, verbatimSymlinks: true });
  await cp(join(ROOT, 'examples'), join(examples, 'examples'), {
    recursive: true,
    filter: (path) => !/node_modules|\.packed|generated/.test(path),
  });
  await prisma(['generate'], at('pothos-prisma'));
}, 180_000);
afterAll(async () => {
  await Promise.all([...databases.values()].map((database) => database.close()));
  for (const made of [folder, examples]) await rm(made, { recursive: true, force: true });
});

const CLI = join('..', '..', 'node_modules/hookgraph/dist/cli/main.js');
const environment = ({ url }: TestDatabase) => ({ ...process.env, DATABASE_URL: url, HOOKGRAPH_ENCRYPTION_KEYS: KEYS, NODE_OPTIONS: '' });

/** Runs Prisma's command line in examples/pothos-prisma with an engine that needs no download. */
const prisma = (args: string[], database: TestDatabase) =>
  run(process.execPath, [join(ROOT, 'node_modules/prisma/build/index.js'), ...args], {
    cwd: join(examples, 'examples/pothos-prisma'),
    env: {
      ...environment(database),
      PATH: `${join(examples, 'node_modules/.bin')}:${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`,
      PRISMA_SCHEMA_ENGINE_BINARY: join(ROOT, 'scripts/schema-engine.mjs'),
    },
  });

const hookgraph = (args: string[]) =>
  run(process.execPath, ['node_modules/hookgraph/dist/cli/main.js', ...args], {
    cwd: folder,
    env: environment(at('cli')),
  });

it('is small, and holds neither the sample product nor its database', async () => {
  expect(size.packages).toBeLessThanOrEqual(120);
  expect(size.megabytes).toBeLessThanOrEqual(60);
  const own = join(folder, 'node_modules/hookgraph');
  expect(await readdir(join(own, 'dist'))).not.toContain('sample');
  expect(await readdir(join(own, 'prisma'))).toEqual(['webhooks']);
});

it('migrates and checks an application that --app names', async () => {
  await at('cli').pool.query('CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL, body text)');
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
  const { rows } = await at('cli').pool.query(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  expect(rows).toEqual([{ name: 'public.notes' }]);
  await writeFile(join(folder, 'wrong.mjs'), app('nobody'));
  const failed = await hookgraph(['check', '--app', './wrong.mjs']).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('`tenant` names "nobody", but notes has no such column');
});

it('says without a trace that no database answers', async () => {
  const env = { ...environment(at('cli')), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
  const args = ['node_modules/hookgraph/dist/cli/main.js', 'check', '--app', './hookgraph.mjs'];
  const { stderr } = await run(process.execPath, args, { cwd: folder, env }).catch((error) => error);
  expect(stderr).toBe('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1\nIs the database running? Check DATABASE_URL.\n');
});

it.each(['worker', 'migrate', 'demo', 'simulate'])('says what `%s` misses without an application', async (command) => {
  const failed = await hookgraph([command]).catch((error) => error);
  expect(failed.stderr).toContain(
    'APP_MISSING: This package contains no sample product, so no application is known\nPass your application: `--app ./hookgraph.ts`.',
  );
});

it('names in examples/package.json all that the examples import, as this checkout has it', async () => {
  const { dependencies } = JSON.parse(await readFile(join(ROOT, 'examples/package.json'), 'utf8'));
  const all = await readdir(join(ROOT, 'examples'), { recursive: true });
  const files = all.filter((file) => /\.(ts|mjs)$/.test(file) && !/node_modules|generated/.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, 'examples', file), 'utf8')));
  const imported = texts.flatMap((text) => [...text.matchAll(/ from '((?:@[\w-]+\/)?[\w-]+)(?=[/'])/g)].map(([, name]) => name as string));
  expect(imported.filter((name) => !(name in dependencies))).toEqual([]);
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  const { hookgraph: _, ...others } = dependencies as Record<string, string>;
  const ours = Object.entries(others).map(([name, range]) => [
    name,
    range.replace(/[\d.].*/, '') + packages[`node_modules/${name}`]?.version,
  ]);
  expect(others).toEqual(Object.fromEntries(ours));
});

it('migrates the database of examples/pothos-prisma by Prisma’s own command', async () => {
  const database = at('pothos-prisma');
  expect((await prisma(['migrate', 'deploy'], database)).stdout).toContain('All migrations have been successfully applied');
  await database.pool.query(await readFile(join(ROOT, 'examples/pothos-prisma/prisma/seed.sql'), 'utf8'));
}, 60_000);

it.each(EXAMPLES)(
  'runs the tests of examples/%s',
  async (example) => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--test', 'example.test.ts'], {
      cwd: join(examples, 'examples', example),
      env: environment(at(example)),
    });
    expect(stdout).toContain('# fail 0');
  },
  60_000,
);

it.each(TRIED)(
  'shows a webhook by the commands of examples/$readme',
  async ({ example, readme, says }) => {
    const cwd = join(examples, 'examples', example);
    const env = { ...environment(at(readme)), PORT: '0', RECEIVER_PORT: '0' };
    const server = spawn(process.execPath, ['--import', 'tsx', 'server.ts'], { cwd, env });
    let printed = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (text) => {
        printed += text;
      });
    const stopped = once(server, 'exit');
    try {
      const [, port, receiver] = await until('the example serves', () => /localhost:(\d+)[\s\S]*127\.0\.0\.1:(\d+)/.exec(printed), LONG);
      const blocks = [...(await readFile(join(ROOT, 'examples', readme), 'utf8')).matchAll(/^```sh\n(curl [\s\S]*?)```/gm)];
      for (const [, command] of blocks) {
        const ported = (command as string)
          .replace(/localhost:\d+/, `localhost:${port}`)
          .replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${receiver}`);
        const { data, errors } = JSON.parse((await run('sh', ['-c', ported])).stdout);
        expect(errors).toBeUndefined();
        expect(Object.values(data as Record<string, { errors?: [] }>)[0]?.errors ?? []).toEqual([]);
      }
      expect(blocks).toHaveLength(2);
      await until('the webhook is printed', () => printed.includes('A webhook arrived') && printed.includes(says), LONG);
    } finally {
      server.kill('SIGTERM');
      await stopped;
    }
    expect(server.exitCode, printed).toBe(0);
  },
  60_000,
);

it.each([
  ['Bundler', TYPESCRIPT_7],
  ['NodeNext', TYPESCRIPT_7],
  ['Node16', TYPESCRIPT_5],
])(
  'type-checks the examples strictly under moduleResolution %s',
  async (moduleResolution, tsc) => {
    const module = moduleResolution === 'Bundler' ? 'ESNext' : moduleResolution;
    const options = {
      module,
      moduleResolution,
      target: 'ES2023',
      lib: ['ES2023'],
      types: ['node'],
      strict: true,
      noEmit: true,
      allowJs: true,
    };
    const path = join(examples, `tsconfig.${moduleResolution}.json`);
    await writeFile(path, JSON.stringify({ compilerOptions: { ...options, skipLibCheck: true }, include: ['examples/*/*.ts'] }));
    const checked = await run(process.execPath, [tsc, '-p', path]).catch((error) => error);
    expect(checked.stdout).toBe('');
  },
  60_000,
);

it.each([
  ['CommonJS', 'cjs', ''],
  ['ES modules', 'esm', "import { createRequire as from } from 'node:module'; const require = from(import.meta.url);"],
] as const)(
  'migrates and delivers from a bundle of %s by esbuild',
  async (_name, format, banner) => {
    const bundle = join(folder, `bundle.${format === 'cjs' ? 'cjs' : 'mjs'}`);
    await writeFile(join(folder, 'delivering.mjs'), DELIVERING);
    const entryPoints = [join(folder, 'delivering.mjs')];
    await build({ ...BUNDLING, entryPoints, outfile: bundle, bundle: true, platform: 'node', format, banner: { js: banner } });
    const { stdout } = await run(process.execPath, [bundle], { cwd: folder, env: environment(at('bundle')) });
    expect(stdout).toContain('arrived {"said": "Hello"}');
    if (format === 'esm') return;
    const alone = await mkdtemp(join(tmpdir(), 'hookgraph-bundle-'));
    await cp(bundle, join(alone, 'bundle.cjs'));
    const { stderr } = await run(process.execPath, ['bundle.cjs'], { cwd: alone, env: environment(at('bundle')) }).catch((error) => error);
    await rm(alone, { recursive: true });
    expect(stderr).toContain('Exclude the package from your bundle (esbuild: `--external:hookgraph`) and keep it in node_modules.');
  },
  60_000,
);

it('says in docs/adopting.md how to bundle it', async () => {
  const page = await readFile(join(ROOT, 'docs/adopting.md'), 'utf8');
  const flags = [`--main-fields=${BUNDLING.mainFields}`, ...BUNDLING.external.map((name) => `--external:${name}`)];
  expect(page).toContain(flags.join(' '));
});

it.each(['Node16', 'NodeNext'])(
  'is loaded by require(), and type-checks in CommonJS under %s',
  async (moduleResolution) => {
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
    const checked = await run(process.execPath, [TYPESCRIPT_7, ...options, ...modules, 'app.ts'], { cwd }).catch((error) => error);
    expect(checked.stdout).toBe('');
    const required = await run(
      process.execPath,
      ['-p', "typeof require('hookgraph').createHookgraph + typeof require('hookgraph/verify').verifyWebhook"],
      { cwd },
    );
    expect(required.stdout.trim()).toBe('functionfunction');
  },
  60_000,
);

it('runs every command of docs/adopting.md, whose file is the one of examples/schema-first', async () => {
  const page = await readFile(join(ROOT, 'docs/adopting.md'), 'utf8');
  const cwd = join(examples, 'examples/schema-first');
  const file = await readFile(join(cwd, 'hookgraph.ts'), 'utf8');
  expect(page).toContain(`\`\`\`ts hookgraph.ts\n${file}\`\`\``);
  expect(file.split('\n').length).toBeLessThanOrEqual(60);
  const database = at('page');
  await database.pool.query(await readFile(join(cwd, 'tables.sql'), 'utf8'));
  const env = environment(database);
  await writeFile(
    join(cwd, 'new.graphql'),
    'type Ticket { id: Int! subject: String! } type Comment { number: Int! } type Query { ticket(id: Int!): Ticket comment(ticketId: Int!, number: Int!): Comment }',
  );
  const commands = [...page.matchAll(/^npx hookgraph (.*?)(?: +#.*)?$/gm)].map(([, command]) => (command as string).split(' '));
  expect(commands.map(([verb]) => verb)).toEqual(['init', 'migrate', 'migrate', 'worker', 'check', 'check', 'detach', 'detach']);
  for (const command of commands) {
    // No person can answer questions here, and the example already has its own file.
    if (command[0] === 'init') command.push('--yes', '--out', 'written-by-init.ts');
    const running = run(process.execPath, [CLI, ...command], { cwd, env });
    if (command[0] === 'worker')
      running.child.stdout?.on('data', (text) => String(text).includes('The worker is running') && running.child.kill('SIGTERM'));
    await running;
  }
  const { rows } = await database.pool.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hookgraph%'`);
  expect(rows).toEqual([]);
}, 120_000);
