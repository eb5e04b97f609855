// `npm run prose`: lists comments, texts, pages and commit subjects that break the rules of CONTRIBUTING.md; exit code 1 if any.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { breachesOfPages, breachesOfSource } from './lint-markdown.mjs';
import { breachesOfTexts } from './lint-texts.mjs';
import { ROOT } from './prepare.mjs';

const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64e6 });

/** Maximum number of characters of a line that holds a comment. */
const LONGEST_LINE = 140;
const LONGEST_SUBJECT = 72;
const RULES = [
  {
    breaks: /^(Of|So many|So long|Whoever|Nothing|What|Null|One that|Nobody)\b/,
    says: 'starts with a word that hides its subject',
    first: 'block',
  },
  { breaks: /\bin(?: here)?, .+ out\b| -> /, says: 'describes a file as “X in, Y out” or “X -> Y”: say what the file does', first: 'file' },
  { breaks: /\b(parcel|courier|anew|in vain|in no circle|bury|buried)\b/i, says: 'has a word that is no term of the field' },
];

/** Matches files whose texts aren't checked, because they are sample data. */
const UNCHECKED_TEXTS = /^src\/sample\/data\//;

const found = [...comments(), ...texts(), ...pages(), ...subjects()];
for (const line of found) console.log(line);
if (found.length > 0) {
  console.error(`\n${found.length} lines break the rules of CONTRIBUTING.md.`);
  process.exitCode = 1;
} else console.log('comments, texts, pages and commit subjects follow the rules');

function comments() {
  const files = git('ls-files', 'src', 'test', 'bench', 'scripts', 'examples')
    .split('\n')
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('lint-prose.mjs'));
  return files.flatMap((file) => {
    const lines = readFileSync(new URL(file, `file://${ROOT}`), 'utf8').split('\n');
    return lines.flatMap((line, index) => {
      const comment = /^\s*(?:\/\/|\/\*\*|\*)\s?(.*?)(?:\*\/)?\s*$/.exec(line)?.[1]?.trim();
      if (!comment) return [];
      const beginsBlock = /^\s*(\/\/|\/\*\*)/.test(line) && !/^\s*\/\//.test(lines[index - 1] ?? '');
      const isAt = { block: beginsBlock, file: index === 0, undefined: true };
      const broken = RULES.filter(({ breaks, first }) => isAt[first] && breaks.test(comment)).map(({ says }) => says);
      if (line.length > LONGEST_LINE) broken.push(`has more than ${LONGEST_LINE} characters`);
      return broken.map((says) => `${file}:${index + 1} ${says}: ${comment}`);
    });
  });
}

/** Checks the texts that users and operators read. */
function texts() {
  return git('ls-files', 'src')
    .split('\n')
    .filter((file) => /\.(ts|mjs)$/.test(file) && !UNCHECKED_TEXTS.test(file))
    .flatMap((file) => breachesOfTexts(file, readFileSync(new URL(file, `file://${ROOT}`), 'utf8')));
}

/** Checks the pages that people write, and the links to them from source files. */
function pages() {
  const read = (file) => readFileSync(new URL(file, `file://${ROOT}`), 'utf8');
  const texts = new Map(
    git('ls-files', '*.md')
      .split('\n')
      .filter(Boolean)
      .map((file) => [file, read(file)]),
  );
  const written = new Map([...texts].filter(([file]) => !/^(docs\/reference|bench\/(RESULTS|BEFORE))\.md$/.test(file)));
  const exists = (path) => existsSync(new URL(path, `file://${ROOT}`));
  const sources = git('ls-files', 'src', 'test', 'bench', 'scripts')
    .split('\n')
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.includes('lint-markdown'));
  return [
    ...breachesOfPages(texts, exists).filter((line) => written.has(line.split(':')[0])),
    ...sources.flatMap((file) => breachesOfSource(file, read(file), texts)),
  ];
}

/** Checks the subjects of all commits since this check was added; a checkout without history has none. */
function subjects() {
  const [since] = git('log', '--diff-filter=A', '--format=%H', '--', 'scripts/lint-prose.mjs').trim().split('\n');
  if (!since) return [];
  return git('log', '--no-merges', '--format=%h %s', `${since}..HEAD`)
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const [hash, ...words] = line.split(' ');
      const subject = words.join(' ');
      if (subject.length > LONGEST_SUBJECT) return [`commit ${hash} has a subject of more than ${LONGEST_SUBJECT} characters: ${subject}`];
      return /^[a-z][\w, .-]*: \S/.test(subject) ? [] : [`commit ${hash} has no subject like “part: what changes”: ${subject}`];
    });
}
