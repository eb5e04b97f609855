// Finds many texts (secrets, masked values) in untrusted text and replaces them, in one pass and with a limited number of operations.
import { type Decoded, decodeText, isQuotedPrintable } from './decode-text.js';
import { encodedRuns } from './encoded-runs.js';
import { type Budget, cut, type Part, replaceWords } from './replace-words.js';

export type { Budget } from './replace-words.js';

/** Minimum length of a text to be found anywhere. Shorter texts would match parts of ordinary words, so pass them as `words`. */
export const MIN_LENGTH = 8;

/** The search budget of one attempt: at least twice the operations needed for a response of 64 KiB with 200 secrets to look for. */
export const MAX_OPERATIONS = 1_000_000;

export interface Finder {
  /** Replaces each occurrence by `put`. Returns the same string when there is none, `null` when the budget is exhausted. */
  replace(text: string, put: string, budget: Budget): string | null;
  /** Returns a finder that finds these texts, too. Building it costs no more than one for these texts alone. */
  with(texts: Iterable<string>): Finder;
}

/**
 * Finds `texts` anywhere, whatever their escapes and case, also if the end of the input cuts one off.
 * Finds `words` as whole words only, and exactly as given.
 *
 * The index has one entry per text, so building it costs no more than sorting. Matching takes up to nine operations per character, plus
 * one per further character that a candidate shares with the input. Aho–Corasick would need no budget, but one state per character of each
 * text and encoding: about 20 KB per secret, of which a worker holds thousands.
 */
export function createFinder(texts: Iterable<string>, words: Iterable<string> = []): Finder {
  const shortWords = new Set(words);
  const lengths = [...new Set([...shortWords].map(({ length }) => length))].sort((a, b) => b - a);
  const finderOf = (indexes: Index[]): Finder => ({
    replace(text, put, budget) {
      const found = indexes.length === 0 ? text : replaceTexts(indexes, text, put, budget);
      return found === null || shortWords.size === 0 ? found : replaceWords(shortWords, lengths, found, put, budget);
    },
    with: (more) => finderOf([...indexes, ...indexOf(more)]),
  });
  return finderOf(indexOf(texts));
}

/**
 * Maps different spellings of a text to the same form, without changing its length: ASCII letters in any case, a space or `+` in form data,
 * and the characters `+/` of base64 or `-_` of base64url.
 */
const fold = (text: string): string => (isAscii(text) ? text.toLowerCase() : lowerAscii(text)).replace(/[+-]/g, ' ').replaceAll('_', '/');
const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length;
const FOLDED = Uint16Array.from({ length: 128 }, (_, unit) => fold(String.fromCharCode(unit)).charCodeAt(0));
const folded = (unit: number): number => (unit < 128 ? (FOLDED[unit] as number) : unit);

interface Index {
  /** The texts as `fold` returns them, sorted by UTF-16 code units. */
  texts: string[];
  /** Hash of the first eight characters → ranges of `texts` that share these characters. */
  ranges: Map<number, [from: number, to: number][]>;
  /**
   * Hash of two characters → number of characters that the search can skip: the least distance from these two characters to the end of
   * any text's first eight characters (Wu and Manber, 1994).
   */
  shifts: Uint8Array;
  /** Matches decoded bytes that may contain a text; nearly all decoded ids and hashes don't match. */
  likely: RegExp;
}

const LIKELY = { ascii: /[\t\n\r\0 -~]{8}/, other: /[\t\n\r\0 -~\x80-\xff]{8}/ };

function indexOf(given: Iterable<string>): Index[] {
  const texts = [...new Set([...given].flatMap(writtenAsBytes).map(fold))].filter(({ length }) => length >= MIN_LENGTH).sort();
  if (texts.length === 0) return [];
  const ranges: Index['ranges'] = new Map();
  const shifts = new Uint8Array(Math.min(65_536, 2 ** Math.ceil(Math.log2(texts.length * MIN_LENGTH * 4)))).fill(MIN_LENGTH - 1);
  for (let from = 0, to = 0; from < texts.length; from = to) {
    const text = texts[from] as string;
    const start = text.slice(0, MIN_LENGTH);
    while (texts[to]?.startsWith(start)) to++;
    const hash = hashAt(text, 0);
    ranges.set(hash, [...(ranges.get(hash) ?? []), [from, to]]);
    for (let at = 0; at < MIN_LENGTH - 1; at++) {
      const pair = pairAt(text, at, shifts);
      shifts[pair] = Math.min(shifts[pair] as number, MIN_LENGTH - 2 - at);
    }
  }
  const isPlain = texts.every((text) => /^[\t\n\r -~]*$/.test(text));
  return [{ texts, ranges, shifts, likely: isPlain ? LIKELY.ascii : LIKELY.other }];
}

function hashAt(text: string, from: number): number {
  let hash = 0;
  for (let at = from; at < from + MIN_LENGTH; at++) hash = (Math.imul(hash, 0x01000193) + folded(text.charCodeAt(at))) | 0;
  return hash;
}

const pairAt = (text: string, at: number, shifts: Uint8Array): number =>
  (Math.imul(folded(text.charCodeAt(at)), 0x1f35) + folded(text.charCodeAt(at + 1))) & (shifts.length - 1);

/**
 * The forms in which a text may appear: as it is, decoded, as its bytes in UTF-8 (Node reads headers byte by byte) or ISO 8859-1, and as
 * UTF-16 that was read as UTF-8 or byte by byte. Decoding drops the NUL characters of UTF-16, so ASCII needs no form of its own.
 */
function writtenAsBytes(text: string): string[] {
  const decoded = decodeText(text)?.text;
  return [text, ...(decoded === undefined ? [] : [decoded]), ...(isAscii(text) ? [] : [bytewise(text), inLatin1(text), ...inUtf16(text)])];
}

const bytewise = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Writes ISO 8859-1 characters as single bytes, as JavaScript's `escape()` and old forms do, and other characters as UTF-8. */
const inLatin1 = (text: string): string => text.replace(/[^\0-\xff]+/gu, bytewise);

function inUtf16(text: string): string[] {
  const little = Buffer.from(text, 'utf16le');
  return [little, Buffer.from(little).swap16()].flatMap((bytes) => {
    const unread = bytes.toString('latin1');
    return [bytewise(bytes.toString('utf8')), bytewise(unread), unread].map((form) => form.replaceAll('\0', ''));
  });
}

function replaceTexts(indexes: Index[], text: string, put: string, budget: Budget): string | null {
  const end = endOf(text);
  const parts = findAll(indexes, text, end, budget);
  if (parts === null || text.length < MIN_LENGTH) return parts && cut(text, parts, put);
  const whole = text.slice(0, end);
  const decoded = decodeText(whole);
  if (decoded && !addParts(indexes, decoded, parts, budget)) return null;
  if (isQuotedPrintable(decoded?.text ?? whole)) {
    const quoted = decodeText(whole, true);
    if (quoted && !addParts(indexes, quoted, parts, budget)) return null;
  }
  return addRuns(indexes, decoded ?? whole, parts, budget) ? cut(text, parts, put) : null;
}

/** How often the content of base64, hex or a list of bytes is searched for further such content. */
const MAX_DEPTH = 3;

/**
 * Adds each range of base64, hex or listed bytes, as a whole, whose decoded content has one of the texts. Returns `false` when the
 * budget is exhausted.
 */
function addRuns(indexes: Index[], source: Decoded | string, parts: Part[], budget: Budget): boolean {
  const isDecoded = typeof source !== 'string';
  for (const { from, to, bytes } of encodedRuns(isDecoded ? source.text : source)) {
    const found = isIn(indexes, bytes, budget, 1);
    if (found === null) return false;
    if (found) parts.push(isDecoded ? { from: source.from[from] as number, to: source.to[to - 1] as number } : { from, to });
  }
  return true;
}

/** Whether a text is in the bytes, whatever their escapes and inner encodings; `null` when the budget is exhausted. */
function isIn(indexes: Index[], bytes: Buffer, budget: Budget, depth: number): boolean | null {
  budget.left -= bytes.length;
  const plain = bytes.toString('latin1');
  if (!indexes.some(({ likely }) => likely.test(plain))) return false;
  const decoded = decodeText(bytes.toString('utf8'))?.text;
  for (const text of decoded === undefined ? [plain] : [plain, decoded]) {
    const found = findAll(indexes, text, text.length, budget);
    if (found === null || found.length > 0) return found && true;
  }
  if (depth === MAX_DEPTH) return false;
  for (const inner of encodedRuns(decoded ?? plain)) {
    const found = isIn(indexes, inner.bytes, budget, depth + 1);
    if (found !== false) return found;
  }
  return false;
}

/** Adds the ranges of the source whose decoded form contains a text. Returns `false` when the budget is exhausted. */
function addParts(indexes: Index[], { text, end, from, to }: Decoded, parts: Part[], budget: Budget): boolean {
  budget.left -= 4 * text.length;
  const found = findAll(indexes, text, end, budget);
  for (const part of found ?? []) parts.push({ from: from[part.from] as number, to: to[part.to - 1] as number });
  return found !== null;
}

/** The length without a truncation mark (`…` or a broken character) at the end, which isn't part of the original text. */
function endOf(text: string): number {
  let end = text.length;
  while (end > 0 && end > text.length - 4 && (text[end - 1] === '\uFFFD' || text[end - 1] === '…')) end--;
  return end;
}

/** The ranges where texts of any index were found; `null` when the budget is exhausted. */
function findAll([index, ...others]: Index[], text: string, end: number, budget: Budget): Part[] | null {
  const parts = findIn(index as Index, text, end, budget);
  for (const other of others) {
    const found = parts && findIn(other, text, end, budget);
    if (found === null) return null;
    parts?.push(...found);
  }
  return parts;
}

function findIn({ texts, ranges, shifts }: Index, text: string, end: number, budget: Budget): Part[] | null {
  const parts: Part[] = [];
  for (let last = MIN_LENGTH - 1; last < end; ) {
    budget.left -= 1;
    if (budget.left < 0) return null;
    const shift = shifts[pairAt(text, last - 1, shifts)] as number;
    if (shift > 0) {
      last += shift;
      continue;
    }
    const at = last - MIN_LENGTH + 1;
    last += 1;
    budget.left -= MIN_LENGTH;
    for (const [from, to] of ranges.get(hashAt(text, at)) ?? []) {
      const until = longestAt(texts, from, to, text, at, end, budget);
      if (budget.left < 0) return null;
      const before = parts.at(-1);
      // Overlapping matches become one range, so that no part of either match stays in the output.
      if (before && at < before.to) before.to = Math.max(before.to, until);
      else if (until > 0) parts.push({ from: at, to: until });
    }
  }
  return parts;
}

/**
 * The end of the longest text of `texts[low]` to `texts[high - 1]` that starts at `at`; `end` when the input ends inside a text; 0 when
 * none matches.
 */
function longestAt(texts: string[], low: number, high: number, text: string, at: number, end: number, budget: Budget): number {
  let longest = 0;
  for (let depth = 0; ; depth++) {
    budget.left -= 1;
    if (budget.left < 0) return 0;
    if ((texts[low] as string).length === depth) {
      longest = at + depth;
      low += 1;
      if (low === high) return longest;
    }
    if (at + depth === end) return end;
    const unit = folded(text.charCodeAt(at + depth));
    if ((texts[low] as string).charCodeAt(depth) === unit && (texts[high - 1] as string).charCodeAt(depth) === unit) continue;
    low = firstWith(texts, low, high, depth, unit);
    high = firstWith(texts, low, high, depth, unit + 1);
    budget.left -= 16;
    if (low === high) return longest;
  }
}

/** The index of the first text in the range whose character at `depth` is `unit` or greater; all are equal before `depth`. */
function firstWith(texts: string[], low: number, high: number, depth: number, unit: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((texts[middle] as string).charCodeAt(depth) < unit) low = middle + 1;
    else high = middle;
  }
  return low;
}
