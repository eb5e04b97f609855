// Tests that every folder of src has a short README, that ARCHITECTURE.md names it, and that the files which these pages name exist.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const LINES = { least: 5, most: 20 };

let planted: string | undefined;
afterEach(() => {
  if (planted) rmSync(planted, { recursive: true });
  planted = undefined;
});

/** Lists the faults of the folders below `src` that hold two source files or more. */
function faultsOf(root: string): string[] {
  const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const src = join(root, 'src');
  const folders = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((folder) => !relative(src, folder).startsWith('generated'));
  return folders.flatMap((folder) => {
    const names = readdirSync(folder);
    const room = relative(src, folder).replaceAll('\\', '/');
    if (names.filter((name) => /\.(m?ts|mjs|tsx|sql)$/.test(name)).length < 2) return [];
    const faults = map.includes(`\`${room}\``) ? [] : [`ARCHITECTURE.md names no \`${room}\``];
    if (!names.includes('README.md')) return [...faults, `src/${room} has no README.md`];
    const lines = readFileSync(join(folder, 'README.md'), 'utf8').trimEnd().split('\n').length;
    return lines < LINES.least || lines > LINES.most
      ? [...faults, `src/${room}/README.md has ${lines} lines, not ${LINES.least} to ${LINES.most}`]
      : faults;
  });
}

/** Lists the source files that READMEs of src, the map and the design pages name and that don't exist. */
function namesOfNoFile(root: string): string[] {
  const below = (folder: string) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
      : [];
  const pages = [...below('src').filter((name) => name.endsWith('README.md')), ...below('docs/design'), 'ARCHITECTURE.md'];
  return pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/`([\w./-]+\.(?:ts|mjs|sql))`/g)]
      .map(([, name]) => name as string)
      .filter((name) => ![dirname(page), 'src/webhooks', 'src', '.'].some((base) => existsSync(join(root, base, name))))
      .map((name) => `${page} names ${name}, which does not exist`),
  );
}

function plant(files: Record<string, string>): string {
  planted = mkdtempSync(join(tmpdir(), 'hookgraph-rooms-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(planted, file)), { recursive: true });
    writeFileSync(join(planted, file), text);
  }
  return planted;
}

const sound = {
  'ARCHITECTURE.md': '| `lease` | Claims. |\n',
  'src/lease/README.md': 'one\ntwo\nthree\nfour\nfive\n',
  'src/lease/a.ts': '',
  'src/lease/b.sql': '',
  'src/lease/alone/a.ts': '',
  'src/generated/client/a.ts': '',
  'src/generated/client/b.ts': '',
};

it('accepts a folder that is described and named, one with a single file, and what is generated', () => {
  expect(faultsOf(plant(sound))).toEqual([]);
});

it.each([
  [
    'a folder without a README',
    { 'src/gate/a.ts': '', 'src/gate/b.ts': '' },
    ['ARCHITECTURE.md names no `gate`', 'src/gate has no README.md'],
  ],
  ['a README that is too short', { 'src/lease/README.md': 'one\ntwo\n' }, ['src/lease/README.md has 2 lines, not 5 to 20']],
  ['a README that is too long', { 'src/lease/README.md': 'line\n'.repeat(21) }, ['src/lease/README.md has 21 lines, not 5 to 20']],
  ['a folder that the map leaves out', { 'ARCHITECTURE.md': 'lease\n' }, ['ARCHITECTURE.md names no `lease`']],
] as [string, Record<string, string>, string[]][])('finds %s', (_breach, files, faults) => {
  expect(faultsOf(plant({ ...sound, ...files }))).toEqual(faults);
});

it('finds a page that names a file which does not exist', () => {
  const page = '`a.ts` and `lease/b.sql` are here, `c.ts` is not.\n';
  expect(namesOfNoFile(plant({ ...sound, 'src/lease/README.md': page }))).toEqual(['src/lease/README.md names c.ts, which does not exist']);
});

it('finds no fault in our own folders', () => {
  expect(faultsOf(ROOT)).toEqual([]);
  expect(namesOfNoFile(ROOT)).toEqual([]);
});
