// @ts-check
// Finds the paths that a template reads: those of `data`, those of `event`, and all of them with their positions. Runs in render processes.

/** @import { Liquid, Template as Node, Variable } from 'liquidjs' */
/** @import { Read } from './rendering.mjs' */

/**
 * A path from a variable: names, list indexes, and at the end `null` if the rest is known only at rendering, as in `data[x]`.
 * @typedef {(string | number | null)[]} Path
 */

/**
 * A value that a variable may have. `path`: the part of another variable that it comes from; `null` for other values, e.g. a text.
 * `isExact`: no filter has changed the value.
 * @typedef {{ path: Path | null, isExact: boolean }} Source
 */

/** Maximum number of variables that are followed from a name to `data`, e.g. in `{% assign b = a %}{% assign c = b %}`. */
const MOST_STEPS = 20;
/** Maximum number of paths that a variable may stand for, and maximum number of reads that are returned. */
const MOST_PATHS = 20;
const MOST_READS = 1_000;
/**
 * Maximum product of a template's length and its number of tags, filters, arguments and names for which reads are found. LiquidJS counts
 * the lines up to each variable, so that its analysis of a larger template could take longer than PARSE_LIMIT_MS.
 */
const MOST_WORK = 20_000_000;

/**
 * Returns the paths of `data` that a parsed template reads, without list indexes, since all items of a list have the same fields. A
 * variable that two tags assign stands for both values.
 * @param {Node[]} nodes
 * @param {Liquid} engine
 * @returns {string[][]}
 */
export function dataPaths(nodes, engine) {
  const named = namesIn(nodes, engine);
  const found = new Map();
  /** @type {(path: Path, stepsLeft: number) => void} */
  const follow = ([root, ...names], stepsLeft) => {
    const isName = (/** @type {unknown} */ name) => typeof name === 'string' && !['first', 'last', 'size'].includes(name);
    if (root === 'data') found.set(names.filter(isName).join('.'), names.filter(isName));
    else if (stepsLeft > 0) for (const { path } of named.get(String(root)) ?? []) if (path) follow([...path, ...names], stepsLeft - 1);
  };
  for (const variable of variablesIn(nodes, engine)) follow(pathOf(variable), MOST_STEPS);
  return [...found.values()];
}

/**
 * Returns each path that a parsed template reads, with the position of its first use and the paths from `data`, `event` or another outer
 * variable that it stands for. There are several if several tags assign the variable. Returns none if the template is too large.
 * @param {Node[]} nodes
 * @param {string} source
 * @param {Liquid} engine
 * @returns {Read[]}
 */
export function readsOf(nodes, source, engine) {
  if (source.length * source.split(/\{[{%]|[|:,.[]/).length > MOST_WORK) return [];
  const named = namesIn(nodes, engine);
  /** @type {Map<string, Read>} */
  const found = new Map();
  for (const variable of variablesIn(nodes, engine)) {
    const text = variable.toString();
    if (found.has(text)) continue;
    const paths = expand(pathOf(variable), named, MOST_STEPS);
    const { row: line, col: column } = variable.location;
    found.set(text, { text, paths, place: { line, column } });
    if (found.size === MOST_READS) break;
  }
  return [...found.values()].filter(({ paths }) => paths.length > 0);
}

/**
 * Replaces an assigned variable at the start of a path by the paths that it stands for. Returns `[]` if one of its values is no such path.
 * @param {Path} path
 * @param {Map<string, Source[]>} named
 * @param {number} stepsLeft
 * @returns {Path[]}
 */
function expand([root, ...rest], named, stepsLeft) {
  const sources = named.get(String(root));
  if (!sources) return typeof root === 'string' ? [[root, ...rest]] : [];
  /** @type {Path[]} */
  const paths = [];
  for (const { path, isExact } of sources) {
    const expanded = path && isExact && stepsLeft > 0 ? expand([...path, ...rest], named, stepsLeft - 1) : [];
    paths.push(...expanded);
    if (expanded.length === 0 || paths.length > MOST_PATHS) return [];
  }
  return paths;
}

/**
 * @param {Node[]} nodes
 * @param {Liquid} engine
 * @returns {Variable[]} each variable in each place
 */
function variablesIn(nodes, engine) {
  return Object.values(engine.analyzeSync(nodes, { partials: false }).variables).flat();
}

/**
 * @param {Variable} variable
 * @returns {Path}
 */
function pathOf({ segments }) {
  /** @type {Path} */
  const path = [];
  for (const segment of segments) {
    const isDynamic = typeof segment === 'object' && 'segments' in segment;
    path.push(isDynamic ? null : typeof segment === 'string' ? segment : 0);
    if (isDynamic) break;
  }
  return path;
}

/**
 * Maps each variable that the template sets (by `assign`, `capture`, `for` …) to its values.
 * @param {Node[]} nodes
 * @param {Liquid} engine
 * @returns {Map<string, Source[]>}
 */
function namesIn(nodes, engine) {
  /** @type {Map<string, Source[]>} */
  const named = new Map();
  /** @type {(name: string, source: Source) => void} */
  const add = (name, source) => void named.set(name, [...(named.get(name) ?? []), source]);
  const unknown = { path: null, isExact: false };
  /** @type {any[]} */
  const open = [...nodes];
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.children) open.push(...childrenOf(node));
    const loop = node.name === 'for' || node.name === 'tablerow' ? node.variable : undefined;
    for (const { content } of node.localScope?.() ?? []) add(content, node.name === 'assign' ? assigned(node, engine) : unknown);
    for (const name of node.blockScope?.() ?? []) if (name !== loop) add(name, unknown);
    if (loop !== undefined) add(loop, itemOf(sourceOf(node.collection, engine)));
  }
  return named;
}

/**
 * @param {any} node a tag `assign`
 * @param {Liquid} engine
 * @returns {Source}
 */
function assigned({ value: { initial, filters } }, engine) {
  const { path, isExact } = sourceOf(initial.postfix[0], engine);
  return { path, isExact: isExact && initial.postfix.length === 1 && filters.length === 0 };
}

/** @param {Source} source the list of a loop */
const itemOf = ({ path, isExact }) => ({ path: path && [...path, 0], isExact });

/**
 * @param {any} token
 * @param {Liquid} engine
 * @returns {Source}
 */
function sourceOf(token, engine) {
  const text = token?.getText?.() ?? '';
  if (!/^[\w-]+\s*([.[].*)?$/s.test(text)) return { path: null, isExact: false };
  const [variable] = variablesIn(/** @type {any} */ ([{ arguments: () => [token] }]), engine);
  return { path: variable ? pathOf(variable) : null, isExact: true };
}

/**
 * @param {any} node
 * @returns {any[]}
 */
function childrenOf(node) {
  const children = node.children(false, true);
  // `children` is a generator that waits only for partials. They are disabled, so it can run synchronously.
  for (let step = children.next(); ; step = children.next(step.value)) if (step.done) return step.value ?? [];
}

/**
 * Returns the paths of `event` that a template reads, each of at most two names, e.g. `['before', 'email']`. `[]` means the whole event.
 * @param {Node[]} nodes
 * @param {string} source
 * @param {Liquid} engine
 * @returns {string[][]}
 */
export function readPathsOfEvent(nodes, source, engine) {
  if (!/\bevent\b/.test(source)) return [];
  // Filters such as `where_exp` take an expression as text, which the static analysis can't see. It may read any part of `event`.
  /** @type {string[][]} */
  const paths = /_exp\b/.test(source) ? [[]] : [];
  for (const [root, ...names] of engine.variableSegmentsSync(nodes, { partials: false }))
    if (typeof root !== 'string') paths.push([]);
    else if (root === 'event') paths.push(leadingNames(names.slice(0, 2)));
  return paths;
}

/**
 * Returns the names in a path up to the first segment that is known only at rendering, such as `[x]`.
 * @param {unknown[]} segments
 * @returns {string[]}
 */
function leadingNames(segments) {
  const end = segments.findIndex((segment) => typeof segment !== 'string');
  return /** @type {string[]} */ (end < 0 ? segments : segments.slice(0, end));
}
