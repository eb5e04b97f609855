// A JSON or XML text and paths -> the same text, byte for byte but for what the paths name; and the values that were masked.
import { createScanner } from 'jsonc-parser';
import { SaxesParser } from 'saxes';
import { escapeXml } from '../templates/rendering.mjs';
import { type MaskPath, type Progress, stepDown } from './mask-path.js';

export const MASK = '[masked]';

export interface Masked {
  text: string;
  /** Texts of the leaves that were masked, up to one more than MAX_VALUES. */
  values: Set<string>;
}

/** Characters of a body that is read for masking: about 20 ms of the thread that serves everybody. Longer ones aren't recorded. */
export const MAX_MASKED_LENGTH = 131_072;
/** Masked values that are collected; more can't be looked for elsewhere. */
export const MAX_VALUES = 2_000;

/** Null where it can't be read as what it is, or would take too long to read, so that nothing in it could be found. */
export function maskBody(text: string, format: 'JSON' | 'XML', paths: readonly MaskPath[]): Masked | null {
  // Before anything walks it.
  if (text.length > MAX_MASKED_LENGTH) return null;
  if (text.trim() === '') return { text, values: new Set() };
  try {
    return format === 'XML' ? maskXml(text, startOf(paths), walk()) : maskJson(text, startOf(paths), walk());
  } catch {
    // No JSON, no well-formed XML, or so wide that it can't be walked.
    return null;
  }
}

const startOf = (paths: readonly MaskPath[]): Progress => paths.map((path) => ({ path, at: 0 }));

type Step = ReturnType<typeof stepDown>;

const NOWHERE: Step = { masked: false, progress: [] };

/** Places in paths that all different steps down one body may come from: about 50 ms. */
const MAX_PLACES = 500_000;

const collector = (values: Set<string>) => (value: string) => void (values.size <= MAX_VALUES && values.add(value));

interface Steps {
  of: Map<string | number, Step>;
  /** No path names an item by its number. */
  isAlike: boolean;
}

/** Items of a list and objects of a shape take the same steps: each is worked out once. */
function walk(): typeof stepDown {
  const known = new Map<Progress, Steps>();
  let left = MAX_PLACES;
  return (progress, key) => {
    if (progress.length === 0) return NOWHERE;
    let steps = known.get(progress);
    if (!steps) {
      steps = { of: new Map(), isAlike: !progress.some(({ path, at }) => isIndex(path[at]) || isIndex(path[at + 1])) };
      known.set(progress, steps);
    }
    const place = typeof key === 'number' && steps.isAlike ? 0 : key;
    const before = steps.of.get(place);
    if (before) return before;
    left -= progress.length;
    if (left < 0) throw new Error('The body is too large for its paths.');
    const step = stepDown(progress, key);
    steps.of.set(place, step);
    return step;
  };
}

const isIndex = (segment: MaskPath[number] | undefined): boolean => segment?.kind === 'index';

/** In the order of the text, and apart from each other. */
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

/** An object or list that is open. */
interface Level {
  progress: Progress;
  /** Of a list: the number of the item to come. `null`: an object. */
  index: number | null;
  /** Of an object: the name of the value to come; `null` while the name is to come. */
  name: string | null;
}

// In place: writing it anew would lose digits of long numbers, repeated keys and the sender's own spacing.
function maskJson(text: string, start: Progress, step: typeof stepDown): Masked {
  // What it accepts is JSON; the scanner accepts more, and needs no other check then.
  JSON.parse(text);
  const scanner = createScanner(text, true);
  const cuts: Cut[] = [];
  const values = new Set<string>();
  const add = collector(values);
  const levels: Level[] = [];
  /** What is masked as a whole: how many levels are around it, and where it begins. */
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
      // Of what is no string, `true`, `false` and `null` tell nothing.
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
  /** Children so far: of a list of `<item>`, the next one's number. */
  count: number;
}

/** Of a masked element goes what it holds and the values of its attributes. */
function maskXml(text: string, start: Progress, step: typeof stepDown): Masked {
  const parser = new SaxesParser();
  const cuts: Cut[] = [];
  const values = new Set<string>();
  const open: Open[] = [{ progress: start, count: 0 }];
  /** Of the element that is masked as a whole: how many are open with it, and where its content begins. */
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
    // As our own XML writes what is no XML name, and a list.
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
  const heard = (value: string) => void (hidden && add(value));
  parser.on('text', heard);
  parser.on('cdata', heard);
  parser.write(text).close();
  return { text: replace(text, cuts), values };
}
