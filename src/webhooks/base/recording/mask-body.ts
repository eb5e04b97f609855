// Masks the values at given paths in a JSON or XML text, leaves every other byte unchanged, and collects the masked values.
import { createScanner } from 'jsonc-parser';
import { SaxesParser } from 'saxes';
import { escapeXml } from '../templates/rendering.mjs';
import { type MaskPath, type Progress, stepDown } from './mask-path.js';

export const MASK = '[masked]';

export interface Masked {
  text: string;
  /** The masked leaf values as text. If there are more than MAX_VALUES, it contains MAX_VALUES + 1 of them. */
  values: Set<string>;
}

/** Maximum characters of a body to mask, which takes about 20 ms of the main thread. Longer bodies aren't recorded. */
export const MAX_MASKED_LENGTH = 131_072;
/** Maximum number of masked values to collect and to search for in other texts. */
export const MAX_VALUES = 2_000;

/** Masks a body; `null` when it is not valid JSON or XML, or would take too long, so that nothing in it could be masked reliably. */
export function maskBody(text: string, format: 'JSON' | 'XML', paths: readonly MaskPath[]): Masked | null {
  // The length is checked first, so that a huge body costs no time.
  if (text.length > MAX_MASKED_LENGTH) return null;
  if (text.trim() === '') return { text, values: new Set() };
  try {
    return format === 'XML' ? maskXml(text, startOf(paths), walk()) : maskJson(text, startOf(paths), walk());
  } catch {
    // The body is invalid, or exceeds MAX_POSITIONS.
    return null;
  }
}

const startOf = (paths: readonly MaskPath[]): Progress => paths.map((path) => ({ path, at: 0 }));

type Step = ReturnType<typeof stepDown>;

const NOWHERE: Step = { masked: false, progress: [] };

/** Maximum number of steps along masked paths in one body; this number takes about 50 ms. A body that needs more is not recorded. */
const MAX_POSITIONS = 500_000;

const collector = (values: Set<string>) => (value: string) => void (values.size <= MAX_VALUES && values.add(value));

interface Steps {
  of: Map<string | number, Step>;
  /** Whether all list items take the same steps, because no path names an item by its index. */
  isAlike: boolean;
}

/**
 * Returns a `stepDown` (follows the masked paths one level down) that caches its results, since list items and objects of the same shape
 * repeat the same steps.
 */
function walk(): typeof stepDown {
  const known = new Map<Progress, Steps>();
  let left = MAX_POSITIONS;
  return (progress, key) => {
    if (progress.length === 0) return NOWHERE;
    let steps = known.get(progress);
    if (!steps) {
      steps = { of: new Map(), isAlike: !progress.some(({ path, at }) => isIndex(path[at]) || isIndex(path[at + 1])) };
      known.set(progress, steps);
    }
    const cacheKey = typeof key === 'number' && steps.isAlike ? 0 : key;
    const before = steps.of.get(cacheKey);
    if (before) return before;
    left -= progress.length;
    if (left < 0) throw new Error('Masking the body failed: it has too many values for its masked paths.');
    const step = stepDown(progress, key);
    steps.of.set(cacheKey, step);
    return step;
  };
}

const isIndex = (segment: MaskPath[number] | undefined): boolean => segment?.kind === 'index';

/** A replacement of the characters from `from` to `to` (exclusive) by `put`. Lists of them are ordered by position and don't overlap. */
type Cut = { from: number; to: number; put: string };

function replace(text: string, cuts: Cut[]): string {
  let at = 0;
  const kept = cuts.map(({ from, to, put }) => {
    const piece = text.slice(at, from) + put;
    at = to;
    return piece;
  });
  return kept.join('') + text.slice(at);
}

/** A JSON object or list that the scanner has entered and not left yet. */
interface Level {
  progress: Progress;
  /** For a list, the index of the next item; `null` for an object. */
  index: number | null;
  /** For an object, the name of the next value; `null` while a name is expected, and for a list. */
  name: string | null;
}

// Edits the text in place, because serializing it again would lose digits of long numbers, repeated keys and the original whitespace.
function maskJson(text: string, start: Progress, step: typeof stepDown): Masked {
  // The scanner accepts more than JSON, so JSON.parse rejects invalid text first.
  JSON.parse(text);
  const scanner = createScanner(text, true);
  const cuts: Cut[] = [];
  const values = new Set<string>();
  const add = collector(values);
  const levels: Level[] = [];
  /** The object, list or value that is masked as a whole: the number of levels around it, and its start; `null` when there is none. */
  let hidden: { depth: number; from: number } | null = null;
  const end = () => {
    if (hidden?.depth !== levels.length) return;
    cuts.push({ from: hidden.from, to: scanner.getTokenOffset() + scanner.getTokenLength(), put: `"${MASK}"` });
    hidden = null;
  };
  for (;;) {
    scanner.scan();
    const first = text[scanner.getTokenOffset()];
    if (first === undefined) break;
    const level = levels.at(-1);
    if (first === ':') continue;
    if (first === ',') {
      if (level?.index != null) level.index += 1;
    } else if (first === '}' || first === ']') {
      levels.pop();
      end();
    } else if (level?.index === null && level.name === null) level.name = scanner.getTokenValue();
    else {
      const root = { masked: false, progress: start };
      const { masked, progress } = hidden ? NOWHERE : level ? step(level.progress, level.index ?? (level.name as string)) : root;
      if (level) level.name = null;
      if (masked) hidden = { depth: levels.length, from: scanner.getTokenOffset() };
      if (first === '{' || first === '[') {
        levels.push({ progress, index: first === '[' ? 0 : null, name: null });
        continue;
      }
      // `true`, `false` and `null` are not collected: searching for them elsewhere would hide ordinary words.
      if (hidden && first === '"') add(scanner.getTokenValue());
      else if (hidden && /[-0-9]/.test(first))
        add(text.slice(scanner.getTokenOffset(), scanner.getTokenOffset() + scanner.getTokenLength()));
      end();
    }
  }
  return { text: replace(text, cuts), values };
}

interface Open {
  progress: Progress;
  /** Number of child elements so far. In a list of `<item>` elements, it is the index of the next item. */
  count: number;
}

/** Replaces the content and the attribute values of each element at a masked path by `[masked]`. */
function maskXml(text: string, start: Progress, step: typeof stepDown): Masked {
  const parser = new SaxesParser();
  const cuts: Cut[] = [];
  const values = new Set<string>();
  const open: Open[] = [{ progress: start, count: 0 }];
  /** The element that is being masked: how many elements are open including it, and where its content begins; `null` when there is none. */
  let hidden: { depth: number; from: number } | null = null;
  const addValue = collector(values);
  const add = (value: string) => void (value.trim() !== '' && addValue(value.trim()));
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes, isSelfClosing }) => {
    const parent = open.at(-1) as Open;
    const index = parent.count++;
    const inside = hidden !== null;
    // payload/render-xml.ts writes names that XML doesn't allow as `<entry key="…">`, and list items as `<item>`.
    const key = name === 'entry' && attributes.key !== undefined ? String(attributes.key) : name;
    const named = step(parent.progress, key);
    const counted = key === 'item' ? step(parent.progress, index) : { masked: false, progress: [] };
    open.push({ progress: counted.progress.length === 0 ? named.progress : [...named.progress, ...counted.progress], count: 0 });
    if (inside || named.masked || counted.masked) for (const value of Object.values(attributes)) add(String(value));
    if (inside || !(named.masked || counted.masked)) return;
    const end = parser.position;
    const written = Object.keys(attributes).map(
      (attribute) => ` ${attribute}="${name === 'entry' && attribute === 'key' ? escapeXml(key) : MASK}"`,
    );
    cuts.push({ from: text.lastIndexOf('<', end - 1), to: end, put: `<${name}${written.join('')}${isSelfClosing ? '/' : ''}>` });
    hidden = { depth: open.length, from: end };
  });
  parser.on('closetag', ({ isSelfClosing }) => {
    if (hidden?.depth === open.length) {
      if (!isSelfClosing) cuts.push({ from: hidden.from, to: text.lastIndexOf('<', parser.position - 1), put: MASK });
      hidden = null;
    }
    open.pop();
  });
  const addText = (value: string) => void (hidden && add(value));
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(text).close();
  return { text: replace(text, cuts), values };
}
