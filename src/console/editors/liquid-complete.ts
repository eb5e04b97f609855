// Completes Liquid: tags, filters, and the paths that a template can read at a position.
import { namesOf, positionAt, type Tag, tagsBefore } from './liquid-position.js';
import { fieldsOf, itemOf, type Shape, type Shapes, shapeAt } from './shape.js';

export interface LiquidScope {
  tags: readonly string[];
  filters: readonly string[];
  /** The variables that the template can read, by name. */
  variables: Shapes;
}

export interface Option {
  kind: 'tag' | 'filter' | 'variable' | 'property';
  label: string;
  /** The type, shown beside the label. */
  detail?: string;
  info?: string;
}

export interface Completions {
  /** The offset at which the typed word begins. */
  from: number;
  options: Option[];
}

export function completeLiquid(source: string, at: number, scope: LiquidScope): Completions | null {
  const position = positionAt(source, at);
  if (position === null) return null;
  const { from } = position;
  const tags = tagsBefore(source, at);
  if (position.kind === 'filter') return { from, options: scope.filters.map((label) => ({ kind: 'filter', label })) };
  if (position.kind === 'tag') {
    const inner = innerTags(tags);
    const labels = [...inner, ...scope.tags.filter((name) => !inner.includes(name))];
    return { from, options: labels.map((label) => ({ kind: 'tag', label })) };
  }
  const variables = { ...scope.variables, ...assigned(tags, scope.variables) };
  if (position.path.length === 0) return { from, options: optionsOf(variables, 'variable') };
  const shape = shapeAt(variables, position.path);
  const options = shape ? optionsOf(fieldsOf(shape), 'property') : [];
  return options.length === 0 ? null : { from, options };
}

const optionsOf = (shapes: Shapes, kind: Option['kind']): Option[] =>
  Object.entries(shapes).map(([label, { type, description }]) => ({
    kind,
    label,
    detail: type,
    ...(description && { info: description }),
  }));

const BRANCHES: Record<string, readonly string[]> = {
  if: ['else', 'elsif'],
  unless: ['else', 'elsif'],
  case: ['when', 'else'],
  for: ['else', 'break', 'continue'],
};
const BLOCKS = new Set(['if', 'unless', 'case', 'for', 'tablerow', 'capture', 'ifchanged']);

/** Returns the tags that are allowed only in the innermost block around the position, its end tag first. */
function innerTags(tags: readonly Tag[]): string[] {
  const last = openBlocks(tags).at(-1)?.name;
  return last === undefined ? [] : [`end${last}`, ...(BRANCHES[last] ?? [])];
}

function openBlocks(tags: readonly Tag[]): Tag[] {
  const open: Tag[] = [];
  for (const tag of tags) {
    if (BLOCKS.has(tag.name)) open.push(tag);
    else if (open.at(-1) && tag.name === `end${open.at(-1)?.name}`) open.pop();
  }
  return open;
}

const NUMBER: Shape = { type: 'number' };
const TRUTH: Shape = { type: 'true or false' };
const LOOP_FIELDS = { index: NUMBER, index0: NUMBER, rindex: NUMBER, rindex0: NUMBER, first: TRUTH, last: TRUTH, length: NUMBER };
const LOOP: Shape = {
  type: 'loop',
  description: 'The position in the loop.',
  fields: { ...LOOP_FIELDS, parentloop: { type: 'loop', fields: LOOP_FIELDS } },
};
const ROW: Shape = {
  type: 'loop',
  description: 'The position in the table.',
  fields: { ...LOOP_FIELDS, col: NUMBER, col0: NUMBER, row: NUMBER, col_first: TRUTH, col_last: TRUTH },
};

/** Returns the variables that the template itself sets before the position. */
function assigned(tags: readonly Tag[], given: Shapes): Shapes {
  const found: Record<string, Shape> = {};
  const at = (path: string) => shapeAt({ ...given, ...found }, namesOf(path));
  const open = new Set(openBlocks(tags));
  for (const tag of tags) {
    const { name, text } = tag;
    const set = name === 'assign' ? /^([\w-]+)\s*=\s*([A-Za-z_][^\s|]*)?(.*)$/s.exec(text) : null;
    if (set?.[1]) found[set[1]] = set[2] && set[3]?.trim() === '' ? (at(set[2]) ?? { type: 'value' }) : { type: 'value' };
    if (name === 'capture' && text) found[text.replaceAll(/["']/g, '')] = { type: 'text' };
    if (name === 'increment' || name === 'decrement') found[text] = NUMBER;
    if (!open.has(tag)) continue;
    const loop = /^([\w-]+)\s+in\s+(\S+)/.exec(text);
    if (!loop?.[1] || !['for', 'tablerow'].includes(name)) continue;
    const list = at(loop[2] ?? '');
    found[loop[1]] = list ? itemOf(list) : { type: 'value' };
    found[name === 'for' ? 'forloop' : 'tablerowloop'] = name === 'for' ? LOOP : ROW;
  }
  return found;
}
