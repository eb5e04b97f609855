// Tests the rules for pages with planted breaches, and that a sound page has no breach.
import { expect, it } from 'vitest';
import { breachesOfPages, breachesOfSource } from '../../scripts/lint-markdown.mjs';

const SOUND = `# A page

You write a query. [The other page](other.md#what-is-its-name) shows it; so does [this](#a-page).

- A list item \`with code\`.

| field | meaning |
|---|---|
| \`a\` | A short sentence. |

\`\`\`sh
Whoever reads code reads no prose, and a line of code may have as many words as it likes, one after another, without anybody who counts them one by one and then complains of it at length [x](nowhere.md)
\`\`\`
`;
const OTHER = '# Other\n\n## What is its `name`?\n';
const files = new Set(['src/a.ts']);
const breachesOf = (text: string) =>
  breachesOfPages(
    new Map([
      ['docs/page.md', text],
      ['docs/other.md', OTHER],
    ]),
    (path) => files.has(path),
  );
const MANY_WORDS = Array(41).fill('word').join(' ');

it('finds nothing in a sound page', () => {
  expect(breachesOf(SOUND)).toEqual([]);
  expect(breachesOf('[a source](../src/a.ts) and [a site](https://example.com/#x)')).toEqual([]);
});

it.each([
  ['a long sentence', `Short. ${MANY_WORDS}.`, 'docs/page.md:1 has a sentence of 41 words'],
  ['a long sentence over two lines', MANY_WORDS.replace(/(?<=^(?:word ){20})/, '\n'), 'docs/page.md:1 has a sentence of 41 words'],
  ['a long sentence in a table', `| a |\n|---|\n| ${MANY_WORDS} |`, 'docs/page.md:3 has a sentence of 41 words'],
  ['an opening that hides the subject', 'Fine.\n\n- Whoever writes so.', 'docs/page.md:3 starts with “Whoever”'],
  ['a word that is no term', 'The row is read anew.', 'docs/page.md:1 says “anew”'],
  ['a link to no file', 'See [it](missing.md).', 'docs/page.md:1 links to missing.md, which does not exist'],
  ['a link to no heading', 'See [it](other.md#name).', 'docs/page.md:1 links to other.md#name, which has no such heading'],
  ['a link to no heading of its own', 'See [it](#name).', 'docs/page.md:1 links to #name, which has no such heading'],
])('finds %s', (_breach, text, says) => {
  expect(breachesOf(text)).toEqual([expect.stringContaining(says)]);
});

it('finds a page of docs that its index does not link to', () => {
  const pages = new Map([
    ['docs/README.md', '[one](one.md#part)'],
    ['docs/one.md', '# One\n\n## Part\n'],
    ['docs/two.md', '# Two'],
    ['elsewhere/README.md', '# Elsewhere'],
    ['elsewhere/three.md', '# Three'],
  ]);
  expect(breachesOfPages(pages, () => false)).toEqual(['docs/two.md:1 is not linked from the README of its folder']);
});

it('finds links of source files to pages and headings that do not exist', () => {
  const pages = new Map([['docs/other.md', OTHER]]);
  const text = '// docs/other.md and docs/other.md#what-is-its-name\n// docs/missing.md\n// docs/other.md#missing\n';
  expect(breachesOfSource('src/a.ts', text, pages)).toEqual([
    'src/a.ts:2 links to docs/missing.md, which does not exist',
    'src/a.ts:3 links to docs/other.md#missing, which has no such heading',
  ]);
});
