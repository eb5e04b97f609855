// A JSON or XML text and paths -> the same text, byte for byte but for what the paths name; and the values that were masked.
import { type ParseError, parseTree, type Node as TextNode } from 'jsonc-parser';
import { SaxesParser } from 'saxes';
import { escapeXml } from '../templates/rendering.mjs';
import { type MaskPath, type Progress, stepDown } from './mask-path.js';

export const MASK = '[masked]';

export interface Masked {
  text: string;
  /** Texts of the leaves that were masked. */
  values: Set<string>;
}

/** Null where it can't be read as what it is, so that nothing in it could be found. */
export function maskBody(text: string, format: 'JSON' | 'XML', paths: readonly MaskPath[]): Masked | null {
  if (text.trim() === '') return { text, values: new Set() };
  try {
    return format === 'XML' ? maskXml(text, startOf(paths), walk()) : maskJson(text, startOf(paths), walk());
  } catch {
    // No JSON, no well-formed XML, or nested so deep or so wide that it can't be walked.
    return null;
  }
}

const startOf = (paths: readonly MaskPath[]): Progress => paths.map((path) => ({ path, at: 0 }));

/** Places in paths that all steps down one body may come from: a fraction of a second, in which nobody else is served. */
const MAX_PLACES = 2_000_000;

function walk(): typeof stepDown {
  let left = MAX_PLACES;
  return (progress, key) => {
    left -= progress.length;
    if (left < 0) throw new Error('The body is too large for its paths.');
    return stepDown(progress, key);
  };
}

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

// In place: writing it anew would lose digits of long numbers, repeated keys and the sender's own spacing.
function maskJson(text: string, start: Progress, step: typeof stepDown): Masked {
  JSON.parse(text);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  if (!root || errors.length > 0) throw new Error('The body is no JSON.');
  const cuts: Cut[] = [];
  const values = new Set<string>();
  const visit = (node: TextNode, key: string | number, progress: Progress): void => {
    const { masked, progress: next } = step(progress, key);
    if (masked) {
      cuts.push({ from: node.offset, to: node.offset + node.length, put: `"${MASK}"` });
      collect(node);
    } else down(node, next);
  };
  const down = (node: TextNode, progress: Progress): void => {
    if (progress.length === 0) return;
    for (const [index, child] of (node.children ?? []).entries()) {
      const [name, value] = child.type === 'property' ? (child.children ?? []) : [];
      if (name && value) visit(value, name.value as string, progress);
      else visit(child, index, progress);
    }
  };
  const collect = (node: TextNode): void => {
    if (node.type === 'string') values.add(node.value as string);
    else if (node.type === 'number') values.add(text.slice(node.offset, node.offset + node.length));
    const children = node.type === 'property' ? (node.children ?? []).slice(1) : (node.children ?? []);
    for (const child of children) collect(child);
  };
  down(root, start);
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
  const add = (value: string) => void (value.trim() !== '' && values.add(value.trim()));
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
    open.push({ progress: [...named.progress, ...counted.progress], count: 0 });
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
