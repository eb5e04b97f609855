// Tests that a YAML file that multiplies itself or is endless is refused by name at once, because `apply` may read files of others.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readFileReferences } from '../../src/cli/subscription-input.js';
import { readDocuments } from '../../src/cli/written-document.js';

const nine = (item: string) => `[${Array(9).fill(item).join(', ')}]`;
const LAUGHS = Array.from({ length: 10 }, (_, level) => `a${level}: &a${level} ${nine(level === 0 ? 'x' : `*a${level - 1}`)}`).join('\n');

it.each([
  ['aliases of aliases', LAUGHS, /alias count/],
  ['a list that contains itself', '&a [*a, *a]', /\*a is inside what it stands for/],
  ['an object that contains itself', 'name: x\nheaders: &h\n  - { name: *h }', /\*h is inside what it stands for/],
  ['many merges of one object', `a: &a { x: 1 }\nb: { <<: [${Array(2_000).fill('*a').join(', ')}] }`, /alias count/],
  ['deep nesting', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, /call stack|nest/],
  ['a file of more than a megabyte', `a: ${'x'.repeat(1_100_000)}`, /more than 1048576 characters/],
])('%s', async (_, text, message) => {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-yaml-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const file = join(dir, 'hostile.yaml');
  await writeFile(file, text);
  await expect(readDocuments(file)).rejects.toMatchObject({ code: 'FILE_INVALID', message: expect.stringMatching(message) });
});

it('a reference to a file without an end', async () => {
  await expect(readFileReferences({ fromFile: '/dev/zero' }, '/hooks/a.yaml')).rejects.toMatchObject({ code: 'FILE_INVALID' });
});
