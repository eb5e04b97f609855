// Property: `plan` reads the files of `pull` as unchanged, whatever texts the server answered, and none of these texts reads a variable.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to environment variables
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compare, type Existing } from '../../src/cli/as-code/compare.js';
import { readFolder } from '../../src/cli/as-code/read-folder.js';
import { writeFolder } from '../../src/cli/as-code/write-folder.js';
import { escapeReferences, hideValues, replaceReferences } from '../../src/cli/references.js';

const schema = buildSchema(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hookgraph-pulled-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const PLANTED = { PLANTED: 'planted-secret' };
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '${env:PLANTED}',
    '$${env:PLANTED}',
    '$',
    '{ fromEnv: PLANTED }',
    'fromFile: /etc/passwd',
    '*a',
    '&a',
    '<<: ',
    '!!js',
    '# ',
    "'",
    '"',
    '\\',
  ),
  fc.constantFrom(
    '\n',
    '\r\n',
    '\n\n  ',
    '\t',
    ' ',
    ': ',
    '- ',
    '---\n',
    '...\n',
    '%YAML',
    '|',
    '>',
    '\u0085',
    '\u2028',
    '\ufeff',
    '~',
    'null',
    '1e3',
  ),
);
const anyText = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
function* repeat(text: string): Generator<string> {
  while (true) yield text;
}
const name = anyText.filter((text) => text.trim() !== '');

const existing = (name: string, text: () => string): Existing => ({
  id: 'id',
  name,
  topic: { key: 'user/created', version: '1.1' },
  callbackUrl: text(),
  query: text(),
  validationTemplate: text(),
  template: text(),
  errorTemplate: text(),
  hasSharedSecret: true,
  headers: [{ name: text() }, { name: text() }],
  signatures: ['SCOPE'],
  recording: { bodies: true, maskedPaths: [text(), text()] },
  auth: {
    kind: 'OAUTH2',
    scheme: 'Bearer',
    tokenUrl: text(),
    clientId: text(),
    scope: text(),
    audience: text(),
    clientAuthentication: 'BASIC',
  },
  contentType: 'JSON',
  coalescing: 'NONE',
  ordering: 'PER_NODE',
  numbered: true,
  skipUnread: true,
  relatedChanges: true,
  phase: 'AFTER',
  integration: null,
  environments: [],
});

it('pull and plan are the identity for any text, and no text reads a variable', async () => {
  let count = 0;
  const property = fc.asyncProperty(name, fc.infiniteStream(anyText), fc.constantFrom(null, 'a scope'), async (called, texts, scope) => {
    const text = () => texts.next().value as string;
    const before = existing(scope === null ? called : `${scope}/${called}`, text);
    const folder = join(dir, String(++count));
    for (const [file, content] of writeFolder([before], scope)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), content);
    }
    const read = await readFolder(folder, schema, PLANTED);
    expect(read.variables).toEqual(new Map());
    const [change, ...others] = compare(schema, read, [before]);
    expect([change?.action, change?.changes, others]).toEqual(['NONE', [], []]);
    const [{ input }] = read.desired as [(typeof read.desired)[number]];
    for (const field of ['name', 'callbackUrl', 'query', 'template']) expect(input[field]).toBe(before[field]);
    expect(JSON.stringify(read.desired)).not.toContain('planted-secret');
  });
  const blank: [string, fc.Stream<string>, null] = ['blank', fc.stream(repeat('\n   \n')), null];
  await fc.assert(property, { numRuns: 60, examples: [blank] });
});

it('an escaped text reads as itself', () => {
  fc.assert(fc.property(anyText, (text) => replaceReferences(escapeReferences(text), () => 'planted-secret') === text));
  expect(replaceReferences('a ${env:B} $${env:B} $$${env:B}', (variable) => `<${variable}>`)).toBe('a <B> ${env:B} $${env:B}');
});

it('refuses an object in place of a text, which would read a variable or a file', () => {
  for (const evil of [{ fromEnv: 'PLANTED' }, { fromFile: '/etc/passwd' }])
    expect(() => writeFolder([{ ...existing('a', () => 'x'), callbackUrl: evil }], null)).toThrow('The API answered a reference');
});

it('a subscription of another name never makes apply read the variables of other programs', () => {
  const files = writeFolder([existing('hookgraph', () => 'x'), { ...existing('AWS secret access', () => 'x'), id: '2' }], null);
  expect([...files.values()].join('\n').match(/fromEnv: .*(?:SECRET|KEY|TOKEN)$/gm)).toEqual([
    'fromEnv: WEBHOOK_HOOKGRAPH_SECRET',
    'fromEnv: WEBHOOK_HOOKGRAPH_CLIENT_SECRET',
    'fromEnv: WEBHOOK_AWS_SECRET_ACCESS_SECRET',
    'fromEnv: WEBHOOK_AWS_SECRET_ACCESS_CLIENT_SECRET',
  ]);
});

it('values of variables are hidden whole, in JSON and URLs, and in part', () => {
  const variables = new Map([
    ['A', 'sec"ret/väl ue'],
    ['B', 'ab'],
  ]);
  for (const text of ['sec"ret/väl ue', '"sec\\"ret/väl ue"', encodeURIComponent('sec"ret/väl ue'), 'cut: ec"ret/väl u…'])
    expect(hideValues(`x ${text} ab`, variables)).toMatch(/^x .*\$\{env:A\}.* ab$/);
  expect(hideValues('cut: ec"ret/väl u…', variables)).toBe('cut: ${env:A}…');
});
