// Finds breaches of the rules for pages: long sentences, openings that hide the subject, links to missing targets, and
// pages that their folder's README doesn't link.
import { posix } from 'node:path';

/**
 * Maximum number of words of a sentence. CONTRIBUTING.md lets a sentence exceed 25 words only for a reason; this limit
 * has no exception.
 */
const LONGEST_SENTENCE = 40;
const OPENINGS = /^(Of|So many|So long|Whoever|One that)\b/;
const NO_TERMS = /\b(parcel|courier|anew|in vain|in no circle|bury|buried)\b/i;

/**
 * Returns a line for each breach in `pages`.
 * @param {Map<string, string>} pages texts by path
 * @param {(path: string) => boolean} exists whether a file or folder of the repository exists
 * @returns {string[]}
 */
export function breachesOfPages(pages, exists) {
  return [...pages].flatMap(([path, text]) => [
    ...(isInIndex(path, pages) ? [] : [`${path}:1 is not linked from the README of its folder`]),
    ...passages(text).flatMap(({ line, words }) => breachesOfPassage(words).map((says) => `${path}:${line} ${says}`)),
    ...linksOf(text).flatMap(({ line, target }) => {
      const says = breachOfLink(path, target, pages, exists);
      return says ? [`${path}:${line} ${says}`] : [];
    }),
  ]);
}

/**
 * Returns a line for each link from a source file to a page of docs that doesn't exist, such as `docs/page.md#heading`.
 * @param {string} path
 * @param {string} text
 * @param {Map<string, string>} pages
 * @returns {string[]}
 */
export const breachesOfSource = (path, text, pages) =>
  text.split('\n').flatMap((line, index) =>
    [...line.matchAll(/(?<![\w./-])docs\/[\w/-]+\.md(?:#[\w-]+)?/g)].flatMap(([target]) => {
      const says = breachOfLink('.', target, pages, (page) => pages.has(page));
      return says ? [`${path}:${index + 1} ${says}`] : [];
    }),
  );

/**
 * Whether the README of `docs` or `docs/design` links to this page of its folder; true for pages of other folders.
 * @param {string} path
 * @param {Map<string, string>} pages
 */
function isInIndex(path, pages) {
  const folder = posix.dirname(path);
  const index = pages.get(`${folder}/README.md`);
  if (index === undefined || !/^docs(\/|$)/.test(folder) || path.endsWith('/README.md')) return true;
  return linksOf(index).some(({ target }) => target.split('#')[0] === posix.basename(path));
}

/** @param {string} words */
function breachesOfPassage(words) {
  const found = [];
  const opening = OPENINGS.exec(words)?.[0];
  if (opening) found.push(`starts with “${opening}”, which hides the subject: ${words.slice(0, 80)}`);
  const noTerm = NO_TERMS.exec(words)?.[0];
  if (noTerm) found.push(`says “${noTerm}”, which is no term of the field`);
  for (const sentence of words.split(/(?<=[.!?])\s+/)) {
    const count = sentence.split(/\s+/).length;
    if (count > LONGEST_SENTENCE) found.push(`has a sentence of ${count} words: ${sentence.slice(0, 80)}…`);
  }
  return found;
}

/**
 * Returns the paragraphs, list items and table cells of a page as plain words; code counts as one word.
 * @param {string} text
 */
function passages(text) {
  /** @type {{ line: number, words: string }[]} */
  const found = [];
  let isOpen = false;
  withoutCode(text).forEach((raw, index) => {
    const begins = /^\s*(?:[-*>]|\d+\.)\s+/;
    const line = raw.trim();
    if (line.startsWith('|')) {
      const cells = line.split(/(?<!\\)\|/).map(plain);
      found.push(...cells.filter((cell) => /[a-z]/.test(cell)).map((words) => ({ line: index + 1, words })));
      isOpen = false;
    } else if (line === '' || /^(#|\[[\w-]+\]: )/.test(line)) isOpen = false;
    else if (isOpen && !begins.test(raw)) /** @type {{ words: string }} */ (found.at(-1)).words += ` ${plain(line)}`;
    else {
      found.push({ line: index + 1, words: plain(raw.replace(begins, '')) });
      isOpen = true;
    }
  });
  return found;
}

/** @param {string} markdown */
const plain = (markdown) =>
  markdown
    .replace(/`[^`]*`/g, 'code')
    .replace(/\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/\*\*/g, '')
    .trim();

/** @param {string} text */
function withoutCode(text) {
  let isCode = false;
  return text.split('\n').map((line) => {
    const isFence = /^\s*```/.test(line);
    if (isFence) isCode = !isCode;
    return isCode || isFence ? '' : line;
  });
}

/** @param {string} text */
const linksOf = (text) =>
  withoutCode(text).flatMap((line, index) =>
    [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ line: index + 1, target })),
  );

/**
 * @param {string} from
 * @param {string} target
 * @param {Map<string, string>} pages
 * @param {(path: string) => boolean} exists
 */
function breachOfLink(from, target, pages, exists) {
  if (/^[a-z]+:/.test(target)) return null;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : posix.join(posix.dirname(from), file);
  const page = pages.get(path);
  if (page === undefined && !exists(path)) return `links to ${target}, which does not exist`;
  if (anchor === undefined || page === undefined) return null;
  return anchorsOf(page).has(anchor) ? null : `links to ${target}, which has no such heading`;
}

/**
 * Returns the anchors that GitHub gives to a page's headings.
 * @param {string} page
 */
const anchorsOf = (page) =>
  new Set(
    withoutCode(page)
      .filter((line) => /^#+ /.test(line))
      .map((line) =>
        line
          .replace(/^#+ /, '')
          .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
          .toLowerCase()
          .replace(/[^\p{L}\p{N}_ -]/gu, '')
          .replaceAll(' ', '-'),
      ),
  );
