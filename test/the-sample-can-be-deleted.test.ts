// Promise: the engine, the API and the command line build and pass without the sample product.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, onTestFinished, test } from 'vitest';
import { TSC } from './support/tsc.js';

const ROOT = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

/** Fast tests of the engine, the API and the command line that don't use the sample. */
const PASSES = [
  'test/webhooks/journey.test.ts',
  'test/hookgraph/tables-alone.test.ts',
  'test/graphql/webhooks.test.ts',
  'test/cli/terminal.test.ts',
];

test('without src/sample', async () => {
  const copy = await mkdtemp(join(ROOT, '.without-sample-'));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  const own = testsOfTheSample();
  const keep = (from: string) => {
    const path = relative(ROOT, from);
    return !/^(src|dist)\/(sample|generated)(\/|$)/.test(path) && !own.has(path);
  };
  for (const name of ['src', 'test', 'scripts', 'prisma', 'dist'])
    await cp(join(ROOT, name), join(copy, name), { recursive: true, filter: keep });
  for (const name of ['package.json', 'tsconfig.json', 'vitest.config.ts']) await cp(join(ROOT, name), join(copy, name));
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));

  // Type-checks all remaining files, including the tests.
  expect(await run(process.execPath, [...TSC, '--noEmit', '-p', 'tsconfig.json'], { cwd: copy })).toMatchObject({ stdout: '' });
  // One worker, because each would load the same modules again.
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--maxWorkers', '1', ...PASSES], {
    cwd: copy,
    env: { ...process.env, CI: 'true', HOOKGRAPH_TEST_TEMPLATES: inject('sharedUrl') },
  });
  expect(stdout).toContain(`${PASSES.length} passed`);
});

test('most tests of the engine know nothing of it', () => {
  const own = testsOfTheSample();
  const engine = filesIn(join(ROOT, 'test/webhooks')).filter((file) => file.endsWith('.test.ts'));
  expect(engine.filter((file) => own.has(file))).toEqual([]);
});

/** Paths of tests, their support files and scripts that import the sample directly or indirectly. */
function testsOfTheSample(): Set<string> {
  const files = ['test', 'scripts'].flatMap((folder) => filesIn(join(ROOT, folder)));
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  const own = new Set<string>();
  for (let found = -1; found < own.size; ) {
    found = own.size;
    for (const [file, imported] of imports)
      if (imported.some((path) => /^src\/(sample|generated)\//.test(path) || own.has(path))) own.add(file);
  }
  return own;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.ts$/.test(path))
    .map((path) => relative(ROOT, join(folder, path)));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(([, path = '']) => {
    const target = join(dirname(file), path);
    const source = target.replace(/\.js$/, '.ts');
    return existsSync(join(ROOT, source)) ? source : target;
  });
}
