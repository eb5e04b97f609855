// Tests the architecture rules: each planted violation is found, the real source tree has none, and no file or function is too long.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cruise, type ICruiseOptions, type IForbiddenRuleType } from 'dependency-cruiser';
import ts from 'typescript';
import { afterEach, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const RULES: { options: ICruiseOptions; forbidden: IForbiddenRuleType[] } = (await import(join(ROOT, '.dependency-cruiser.mjs'))).default;
/** Files that may exceed the limit, each with the reason. */
const MAY_BE_LONGER: Record<string, string> = {};
const GREATEST_LENGTH = 300;

let planted: string | undefined;
afterEach(() => {
  if (planted) rmSync(planted, { recursive: true });
  planted = undefined;
});

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

/** Returns the names of the rules that a tree breaks; a file maps to the modules that it imports. */
async function breaches(tree: Record<string, string[]>): Promise<string[]> {
  planted = mkdtempSync(join(tmpdir(), 'hookgraph-tree-'));
  for (const [file, imports] of Object.entries(tree)) {
    mkdirSync(dirname(join(planted, file)), { recursive: true });
    const lines = imports.map((from, i) => `import { x as x${i} } from '${from}';\nexport const y${i} = x${i};\n`);
    writeFileSync(join(planted, file), `${lines.join('')}export const x = 1;\n`);
  }
  const violations = await violationsIn(planted);
  return [...new Set(violations.map(({ rule }) => rule.name))].sort();
}

/** Runs in this process, because a separate process per tree takes a second each. */
async function violationsIn(baseDir: string): Promise<Violation[]> {
  const { options, forbidden } = RULES;
  const { output } = await cruise(['src'], { ...options, baseDir, ruleSet: { forbidden }, validate: true, outputType: 'json' });
  return (JSON.parse(String(output)) as { summary: { violations: Violation[] } }).summary.violations;
}

test('a tree in which every import goes down is accepted', async () => {
  const sound = {
    'src/cli/main.ts': ['../api/index.js', '../worker/index.js', '../index.js', '../webhooks/fields.js'],
    'src/webhooks/fields.ts': ['./base/fields/field.js'],
    'src/webhooks/base/fields/field.ts': [],
    'src/api/index.ts': ['../auth/viewer.js', '../runtime/config.js'],
    'src/auth/viewer.ts': [],
    'src/worker/index.ts': ['../webhooks/index.js'],
    'src/hookgraph/create-hookgraph.ts': ['../worker/index.js', '../graphql/index.js'],
    'src/index.ts': ['./hookgraph/create-hookgraph.js', './webhooks/index.js'],
    'src/sources/prisma/index.ts': [],
    'src/sample/index.ts': ['./nodes/user.js', '../index.js', '../sources/prisma/index.js', '../auth/viewer.js'],
    'src/graphql/index.ts': ['../webhooks/index.js', '@pothos/plugin-relay'],
    'node_modules/@pothos/plugin-relay/index.js': [],
    'src/sample/nodes/user.ts': ['../graph/builder.js'],
    'src/sample/graph/builder.ts': ['../../generated/client.js'],
    'src/webhooks/index.ts': ['./journey.js'],
    'src/webhooks/journey.ts': ['./destinations/https.js', './lease/claim.js'],
    'src/webhooks/destinations/https.ts': ['../base/model.js'],
    'src/webhooks/destinations/https/message.ts': ['../../request/sign.js'],
    'src/webhooks/request/sign.ts': ['../base/model.js'],
    'src/webhooks/lease/claim.ts': ['../base/model.js'],
    'src/webhooks/base/model.ts': ['../../runtime/config.js'],
    'src/runtime/config.ts': [],
    'src/generated/client.ts': [],
    'src/verify/index.ts': ['node:crypto', './scope.js'],
    'src/verify/scope.ts': [],
  };
  expect(await breaches(sound)).toEqual([]);
});

test.each([
  ['runtime imports the engine', 'no-way-up-from-runtime', { 'src/runtime/a.ts': ['../webhooks/index.js'], 'src/webhooks/index.ts': [] }],
  ['the engine imports graphql', 'no-way-up-from-webhooks', { 'src/webhooks/index.ts': ['../graphql/a.js'], 'src/graphql/a.ts': [] }],
  ...['api', 'webhooks', 'graphql', 'hookgraph', 'runtime', 'cli'].map((room): [string, string, Record<string, string[]>] => [
    `the sample imports ${room}`,
    'the-sample-is-an-adopter',
    { 'src/sample/a.ts': [`../${room}/index.js`], [`src/${room}/index.ts`]: [] },
  ]),
  [
    'the sample enters the source by a window',
    'the-sample-is-an-adopter',
    { 'src/sample/a.ts': ['../sources/prisma/b.js'], 'src/sources/prisma/b.ts': [] },
  ],
  ['a face imports the sample', 'nobody-knows-the-sample', { 'src/cli/a.ts': ['../sample/index.js'], 'src/sample/index.ts': [] }],
  ['the sign-in imports the sample', 'nobody-knows-the-sample', { 'src/auth/a.ts': ['../sample/index.js'], 'src/sample/index.ts': [] }],
  [
    'the object that hosts adopt imports the sample',
    'nobody-knows-the-sample',
    { 'src/hookgraph/a.ts': ['../sample/index.js'], 'src/sample/index.ts': [] },
  ],
  ['the console imports the server', 'console-stands-alone', { 'src/console/a.ts': ['../runtime/a.js'], 'src/runtime/a.ts': [] }],
  ['the server imports the console', 'console-is-built-apart', { 'src/api/a.ts': ['../console/kit/b.js'], 'src/console/kit/b.ts': [] }],
  ['a component reads the API', 'console-kit-knows-no-api', { 'src/console/kit/a.ts': ['../app/b.js'], 'src/console/app/b.ts': [] }],
  ['two pages import each other', 'no-cycle-of-pages', { 'src/console/pages/a.ts': ['./b.js'], 'src/console/pages/b.ts': ['./a.js'] }],
  ['one face imports another', 'no-neighbour-of-api', { 'src/api/index.ts': ['../worker/index.js'], 'src/worker/index.ts': [] }],
  [
    'a stage imports a stage',
    'stages-apart',
    { 'src/webhooks/lease/a.ts': ['../destinations/b.js'], 'src/webhooks/destinations/b.ts': [] },
  ],
  [
    'another destination imports the making of requests',
    'stages-apart',
    { 'src/webhooks/destinations/sns/a.ts': ['../../request/b.js'], 'src/webhooks/request/b.ts': [] },
  ],
  [
    'HTTPS imports a stage other than the making of requests',
    'https-alone-signs',
    { 'src/webhooks/destinations/https/a.ts': ['../../verdict/b.js'], 'src/webhooks/verdict/b.ts': [] },
  ],
  [
    'a stage imports the journey',
    'stages-know-base-alone',
    { 'src/webhooks/lease/a.ts': ['../journey.js'], 'src/webhooks/journey.ts': [] },
  ],
  [
    'base imports a stage',
    'base-knows-no-stage',
    { 'src/webhooks/base/a.ts': ['../destinations/b.js'], 'src/webhooks/destinations/b.ts': [] },
  ],
  [
    'the engine imports Prisma',
    'engine-knows-no-domain',
    { 'src/webhooks/a.ts': ['../generated/client.js'], 'src/generated/client.ts': [] },
  ],
  [
    'the engine counts its metrics itself',
    'engine-knows-no-metrics-library',
    { 'src/webhooks/a.ts': ['../runtime/metrics/metrics.js'], 'src/runtime/metrics/metrics.ts': [] },
  ],
  ...['generated', 'sample', 'sources/prisma', 'auth'].map((room): [string, string, Record<string, string[]>] => [
    `the API imports ${room}`,
    'graphql-knows-no-host',
    { 'src/graphql/types/a.ts': [`../../${room}/b.js`], [`src/${room}/b.ts`]: [] },
  ]),
  [
    'the API imports Prisma',
    'graphql-knows-no-host',
    { 'src/graphql/a.ts': ['@prisma/client'], 'node_modules/@prisma/client/index.js': [] },
  ],
  [
    "the API imports Pothos' plugin for Prisma",
    'graphql-knows-no-host',
    { 'src/graphql/a.ts': ['@pothos/plugin-prisma'], 'node_modules/@pothos/plugin-prisma/index.js': [] },
  ],
  [
    'a source imports what is generated',
    'sources-are-a-library',
    { 'src/sources/prisma/a.ts': ['../../generated/client.js'], 'src/generated/client.ts': [] },
  ],
  ['a source imports the sample', 'sources-are-a-library', { 'src/sources/a.ts': ['../sample/b.js'], 'src/sample/b.ts': [] }],
  [
    'a source enters the engine by a window',
    'sources-are-a-library',
    { 'src/sources/a.ts': ['../webhooks/base/b.js'], 'src/webhooks/base/b.ts': [] },
  ],
  ['every source imports Prisma', 'prisma-stays-inside', { 'src/sources/a.ts': ['./prisma/b.js'], 'src/sources/prisma/b.ts': [] }],
  [
    'the verifying library imports the engine',
    'verify-stands-alone',
    { 'src/verify/index.ts': ['../runtime/a.js'], 'src/runtime/a.ts': [] },
  ],
  ['the verifying library imports more of Node', 'verify-stands-alone', { 'src/verify/index.ts': ['node:fs'] }],
  [
    'the list of fields loads a stage',
    'fields-load-no-engine',
    { 'src/webhooks/fields.ts': ['./destinations/https/sender.js'], 'src/webhooks/destinations/https/sender.ts': [] },
  ],
  [
    'a kind of destination loads its client at the start',
    'registry-loads-no-client',
    { 'src/webhooks/destinations/https/index.ts': ['./https.js'], 'src/webhooks/destinations/https/https.ts': [] },
  ],
  ['a room is entered by a window', 'through-the-door', { 'src/api/index.ts': ['../webhooks/journey.js'], 'src/webhooks/journey.ts': [] }],
  ['two files import each other', 'no-cycle', { 'src/sample/a.ts': ['./b.js'], 'src/sample/b.ts': ['./a.js'] }],
] as [string, string, Record<string, string[]>][])('refused: %s', async (_breach, rule, tree) => {
  expect(await breaches(tree)).toEqual([rule]);
});

test('our own tree keeps every rule', async () => {
  const violations = await violationsIn(ROOT);
  expect(violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
});

test(`no file is longer than ${GREATEST_LENGTH} lines but by name, and no name stands there in vain`, () => {
  const files = ['src', 'test', 'scripts', 'bench']
    .flatMap((dir) => sources(dir))
    .filter((file) => !/(^src|\/foreign)\/generated\//.test(file));
  expect(files.length).toBeGreaterThan(0);
  const long = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1 > GREATEST_LENGTH);
  expect(long.sort()).toEqual(Object.keys(MAY_BE_LONGER).sort());
});

const GREATEST_FUNCTION = 60;
/** Functions that may be longer, with their maximum lengths: closures over one state, and a list. Remove a function that became short. */
const LONG_FUNCTIONS: Record<string, number> = {
  // The order of a delivery's steps uses the slots, circuits and outages of one worker.
  'src/webhooks/journey.ts createJourney': 116,
  // Filling batches, writing them and waiting for them share one state.
  'src/webhooks/verdict/attempt-writer.ts createAttemptWriter': 75,
  // The list of a worker's loops.
  'src/webhooks/worker-loops.ts startWorking': 82,
};

/** Returns the functions of more than `GREATEST_FUNCTION` lines, as `file name`, with their lengths. */
function longFunctionsIn(file: string, text: string): [name: string, lines: number][] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const found: [string, number][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const lines = lineAt(node.end) - lineAt(node.getStart()) + 1;
      const named = (node.name ?? (node.parent as { name?: ts.Node }).name)?.getText() ?? 'without a name';
      if (lines > GREATEST_FUNCTION) found.push([`${file} ${named}`, lines]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test(`no function of engine, sources and runtime has more than ${GREATEST_FUNCTION} lines but by name, and none grows`, () => {
  const files = ['src/webhooks', 'src/sources', 'src/runtime'].flatMap((dir) => sources(dir));
  const found = new Map(files.flatMap((file) => longFunctionsIn(file, readFileSync(join(ROOT, file), 'utf8'))));
  expect([...found.keys()].sort()).toEqual(Object.keys(LONG_FUNCTIONS).sort());
  expect([...found].filter(([name, lines]) => lines > (LONG_FUNCTIONS[name] ?? 0))).toEqual([]);
});

test('finds a planted function that is too long', () => {
  const body = '  x();\n'.repeat(GREATEST_FUNCTION - 1);
  expect(longFunctionsIn('a.ts', `const f = () => {\n${body}};`)).toEqual([['a.ts f', GREATEST_FUNCTION + 1]]);
  expect(longFunctionsIn('a.ts', `class A {\n  f() {\n${body.slice(7)}}\n}`)).toEqual([]);
});

function sources(dir: string): string[] {
  let names: string[];
  try {
    names = readdirSync(join(ROOT, dir), { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return names.filter((name) => /\.(m?[jt]s|tsx)$/.test(name)).map((name) => join(dir, name));
}
