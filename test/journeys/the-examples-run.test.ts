// Promise: each example runs, delivers and type-checks with the published package, and all commands in docs/adopting.md succeed.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { packInto } from '../support/packed.js';
import { WORKER_RUNS } from '../support/started.js';
import { TSC } from '../support/tsc.js';
import { until } from '../support/until.js';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const EXAMPLES = ['sql-only', 'schema-first', 'pothos-prisma', 'fastify'];
/** READMEs whose last two commands cause a notification that contains the text `says`. */
const TRIED = [
  { example: 'schema-first', readme: 'README.md', says: 'It is dark' },
  { example: 'pothos-prisma', readme: 'pothos-prisma/README.md', says: 'Lantern' },
];
const KEYS = Buffer.alloc(32, 7).toString('base64');

/** A folder with the packed package and copies of the examples, which find their other dependencies in this checkout. */
let examples: string;
let databases: Map<string, TestDatabase>;
const at = (name: string) => databases.get(name) as TestDatabase;
beforeAll(async () => {
  examples = await mkdtemp(join(ROOT, '.examples-'));
  const names = [...EXAMPLES, ...TRIED.map(({ readme }) => readme), 'page'];
  databases = new Map(await Promise.all(names.map(async (name) => [name, await testDatabase({ empty: true })] as const)));
  const tarball = await packInto(examples);
  const own = join(examples, 'node_modules/hookgraph');
  await mkdir(own, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', own]);
  await mkdir(join(examples, 'node_modules/.bin'));
  await chmod(join(own, 'dist/sources/prisma/generator.js'), 0o755);
  await symlink('../hookgraph/dist/sources/prisma/generator.js', join(examples, 'node_modules/.bin/hookgraph-prisma'));
  await cp(join(ROOT, 'examples'), join(examples, 'examples'), {
    recursive: true,
    filter: (path) => !/node_modules|\.packed|generated/.test(path),
  });
  await prisma(['generate'], at('pothos-prisma'));
  await compile();
});
afterAll(async () => {
  await Promise.all([...databases.values()].map((database) => database.close()));
  await rm(examples, { recursive: true, force: true });
});

/** The examples that also run by tsx, as their package.json says: one by its tests, one by its server. */
const BY_TSX = ['sql-only/example.test', 'schema-first/server'];

/** Compiles the examples, since a process that loads all its modules through tsx takes twice the CPU of one that runs JavaScript. */
async function compile(): Promise<void> {
  const compiled = join(examples, 'compiled');
  await cp(join(examples, 'examples'), compiled, { recursive: true });
  const all = await readdir(compiled, { recursive: true });
  const entryPoints = all.filter((file) => file.endsWith('.ts'));
  await build({ absWorkingDir: compiled, entryPoints, outdir: compiled, outbase: compiled, format: 'esm', platform: 'node' });
}

/** The folder in which a program of an example runs, and the arguments of Node that run it. */
function program(example: string, name: string, options: string[] = []): { cwd: string; args: string[] } {
  const byTsx = BY_TSX.includes(`${example}/${name}`);
  const args = byTsx ? ['--import', 'tsx', ...options, `${name}.ts`] : [...options, `${name}.js`];
  return { cwd: join(examples, byTsx ? 'examples' : 'compiled', example), args };
}

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
});

it.each(EXAMPLES)('runs the tests of examples/%s', async (example) => {
  const { cwd, args } = program(example, 'example.test', ['--test', '--test-reporter=tap']);
  const { stdout } = await run(process.execPath, args, { cwd, env: environment(at(example)) });
  expect(stdout).toMatch(/^# pass [1-9]/m);
  expect(stdout).toContain('# fail 0');
});

it.each(TRIED)('shows a webhook by the commands of examples/$readme', async ({ example, readme, says }) => {
  const { cwd, args } = program(example, 'server');
  const env = { ...environment(at(readme)), PORT: '0', RECEIVER_PORT: '0' };
  const server = spawn(process.execPath, args, { cwd, env });
  let printed = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (text) => {
      printed += text;
    });
  const stopped = once(server, 'exit');
  try {
    const [, port, receiver] = await until('the example serves', () => /localhost:(\d+)[\s\S]*127\.0\.0\.1:(\d+)/.exec(printed));
    const blocks = [...(await readFile(join(ROOT, 'examples', readme), 'utf8')).matchAll(/^```sh\n(curl [\s\S]*?)```/gm)];
    for (const [, command] of blocks) {
      const ported = (command as string).replace(/localhost:\d+/, `localhost:${port}`).replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${receiver}`);
      const { data, errors } = JSON.parse((await run('sh', ['-c', ported])).stdout);
      expect(errors).toBeUndefined();
      expect(Object.values(data as Record<string, { errors?: [] }>)[0]?.errors ?? []).toEqual([]);
    }
    expect(blocks).toHaveLength(2);
    await until('the webhook is printed', () => printed.includes('A webhook arrived') && printed.includes(says));
  } finally {
    server.kill('SIGTERM');
    await stopped;
  }
  expect(server.exitCode, printed).toBe(0);
});

it.each(['Bundler', 'NodeNext', 'Node16'])('type-checks the examples strictly under moduleResolution %s', async (moduleResolution) => {
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
  const checked = await run(process.execPath, [...TSC, '-p', path]).catch((error) => error);
  expect(checked.stdout).toBe('');
});

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
    // Adds options, because nobody can answer questions here, and the example already has its own file.
    if (command[0] === 'init') command.push('--yes', '--out', 'written-by-init.ts');
    const running = run(process.execPath, [CLI, ...command], { cwd, env });
    if (command[0] === 'worker')
      running.child.stderr?.on('data', (text) => String(text).includes(WORKER_RUNS) && running.child.kill('SIGTERM'));
    await running;
  }
  const { rows } = await database.pool.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hookgraph%'`);
  expect(rows).toEqual([]);
});
