// Finds many texts (secrets, masked values) in what a stranger wrote and replaces them: in one pass, within a budget of operations.
import { decodeText } from './decode-text.js';

/** Shorter texts than this are found as whole words only: anywhere, they would cut ordinary words. */
export const MIN_LENGTH = 8;

/** Operations that are left, each a few nanoseconds of the thread that serves everybody; shared by all texts of an attempt. */
export interface Budget {
  left: number;
}

/** At least twice what an ordinary answer of 64 KiB takes, with 200 secrets to look for; all of it takes about 25 ms. */
export const MAX_OPERATIONS = 1_000_000;

export interface Finder {
  /** The text with `put` in the place of each occurrence; the same string where there is none. `null` when the budget is spent. */
  replace(text: string, put: string, budget: Budget): string | null;
}

/**
 * `texts` are found anywhere, however their letters are escaped and whatever their case; where the end of the text cuts one off,
 * what is left of it is found too. `words` are found as whole words and as they are.
 *
 * The index has one entry per text, so building it takes no more than sorting does. Reading takes up to nine operations for each
 * character, and one for each further character that a candidate has in common with the text. Aho–Corasick would need no budget,
 * but a state for each character of each text and encoding: some 20 KB per secret, of which a worker keeps thousands.
 */
export function createFinder(texts: Iterable<string>, words: Iterable<string> = []): Finder {
  const index = indexOf(texts);
  const shortWords = new Set(words);
  const lengths = [...new Set([...shortWords].map(({ length }) => length))].sort((a, b) => b - a);
  return {
    replace(text, put, budget) {
      const found = index === null ? text : replaceTexts(index, text, put, budget);
      return found === null || shortWords.size === 0 ? found : replaceWords(shortWords, lengths, found, put, budget);
    },
  };
}

/** What stays alike: the case of ASCII alone, so that no length changes; what forms write for a space; both alphabets of base64. */
const fold = (text: string): string => (isAscii(text) ? text.toLowerCase() : lowerAscii(text)).replace(/[+-]/g, ' ').replaceAll('_', '/');
const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length;
const FOLDED = Uint16Array.from({ length: 128 }, (_, unit) => fold(String.fromCharCode(unit)).charCodeAt(0));
const folded = (unit: number): number => (unit < 128 ? (FOLDED[unit] as number) : unit);

interface Index {
  /** Folded and sorted by code units. */
  texts: string[];
  /** By the hash of their first eight characters: where in `texts` those begin and end that share them. */
  ranges: Map<number, [from: number, to: number][]>;
  /** By the hash of two characters: how far behind them the first eight characters of a text end at the nearest (Wu and Manber, 1994). */
  shifts: Uint8Array;
}

function indexOf(given: Iterable<string>): Index | null {
  const texts = [...new Set([...given].flatMap(writtenAsBytes).map(fold))].filter(({ length }) => length >= MIN_LENGTH).sort();
  if (texts.length === 0) return null;
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
  return { texts, ranges, shifts };
}

function hashAt(text: string, from: number): number {
  let hash = 0;
  for (let at = from; at < from + MIN_LENGTH; at++) hash = (Math.imul(hash, 0x01000193) + folded(text.charCodeAt(at))) | 0;
  return hash;
}

const pairAt = (text: string, at: number, shifts: Uint8Array): number =>
  (Math.imul(folded(text.charCodeAt(at)), 0x1f35) + folded(text.charCodeAt(at + 1))) & (shifts.length - 1);

/** A decoded text is bytes, and Node reads headers byte by byte. */
function writtenAsBytes(text: string): string[] {
  const decoded = decodeText(text)?.text;
  return [text, ...(isAscii(text) ? [] : [Buffer.from(text, 'utf8').toString('latin1')]), ...(decoded === undefined ? [] : [decoded])];
}

/** A part of a text that is to be replaced. */
interface Part {
  from: number;
  to: number;
}

function replaceTexts(index: Index, text: string, put: string, budget: Budget): string | null {
  const parts = findIn(index, text, endOf(text), budget);
  if (parts === null) return null;
  const decoded = text.length < MIN_LENGTH ? null : decodeText(text);
  if (decoded === null) return cut(text, parts, put);
  budget.left -= 4 * text.length;
  const { from, to } = decoded;
  const inside = findIn(index, decoded.text, Math.min(decoded.end, endOf(decoded.text)), budget);
  if (inside === null) return null;
  const sourceOf = (part: Part): Part => ({ from: from[part.from] as number, to: to[part.to - 1] as number });
  return cut(text, [...parts, ...inside.map(sourceOf)], put);
}

/** Where a text was cut off, what stands for the rest (`…` or half a character) is no part of it. */
function endOf(text: string): number {
  let end = text.length;
  while (end > 0 && end > text.length - 4 && (text[end - 1] === '\uFFFD' || text[end - 1] === '…')) end--;
  return end;
}

/** `null` when the budget is spent. */
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
      // What overlaps is one: nothing of either stays.
      if (before && at < before.to) before.to = Math.max(before.to, until);
      else if (until > 0) parts.push({ from: at, to: until });
    }
  }
  return parts;
}

/** The end of the longest of `texts[low]` to `texts[high - 1]` that begins at `at`, or the end of the text within one; 0: none does. */
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

/** The first of those that are alike before `depth` to have this or a greater character there. */
function firstWith(texts: string[], low: number, high: number, depth: number, unit: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((texts[middle] as string).charCodeAt(depth) < unit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function cut(text: string, parts: Part[], put: string): string {
  if (parts.length === 0) return text;
  parts.sort((a, b) => a.from - b.from);
  const pieces: string[] = [];
  let done = 0;
  for (let i = 0; i < parts.length; ) {
    const { from } = parts[i] as Part;
    let { to } = parts[i++] as Part;
    while (i < parts.length && (parts[i] as Part).from < to) to = Math.max(to, (parts[i++] as Part).to);
    pieces.push(text.slice(done, from), put);
    done = to;
  }
  return pieces.join('') + text.slice(done);
}

const WORD = /[\p{L}\p{N}]/u;

/** `42` is no part of `420`. */
function replaceWords(words: Set<string>, lengths: number[], text: string, put: string, budget: Budget): string | null {
  const parts: Part[] = [];
  let after = false;
  for (let at = 0; at < text.length; ) {
    budget.left -= after ? 1 : 4 * lengths.length;
    if (budget.left < 0) return null;
    const length = after ? undefined : lengths.find((one) => words.has(text.slice(at, at + one)) && !isWordAt(text, at + one));
    if (length !== undefined) parts.push({ from: at, to: at + length });
    const next = length === undefined ? at + widthAt(text, at) : at + length;
    after = endsInWord(text, at, next);
    at = next;
  }
  return cut(text, parts, put);
}

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) as number) > 0xffff ? 2 : 1);

function isWordAt(text: string, at: number): boolean {
  if (at >= text.length) return false;
  return WORD.test(String.fromCodePoint(text.codePointAt(at) as number));
}

function endsInWord(text: string, from: number, to: number): boolean {
  const low = to - 2 >= from && /[\ud800-\udbff]/.test(text[to - 2] as string) ? to - 2 : to - 1;
  return isWordAt(text, low);
}
