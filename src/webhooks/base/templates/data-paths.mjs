// @ts-check
// Finds the paths of `data` and of `event` that a template reads, as lists of names. Runs in render processes.

/** @import { Liquid, Template as Node } from 'liquidjs' */

/** Maximum number of variables that are followed from a name to `data`, e.g. in `{% assign b = a %}{% assign c = b %}`. */
const MOST_STEPS = 20;

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
  /** @type {(path: string[], stepsLeft: number) => void} */
  const follow = ([root = '', ...names], stepsLeft) => {
    if (root === 'data') found.set(names.join('.'), names);
    else if (stepsLeft > 0) for (const leads of named.get(root) ?? []) follow([...leads, ...names], stepsLeft - 1);
  };
  for (const segments of engine.variableSegmentsSync(nodes, { partials: false })) follow(namesOf(segments), MOST_STEPS);
  return [...found.values()];
}

/**
 * @param {unknown[]} segments
 * @returns {string[]} the names up to the first segment that is known only at rendering
 */
function namesOf(segments) {
  const end = segments.findIndex((segment) => typeof segment !== 'string' && typeof segment !== 'number');
  const known = end < 0 ? segments : segments.slice(0, end);
  return /** @type {string[]} */ (known.filter((segment) => typeof segment === 'string' && !['first', 'last', 'size'].includes(segment)));
}

/**
 * Maps each variable that the template assigns (by `assign`, `for` or `tablerow`) to the paths it stands for.
 * @param {Node[]} nodes
 * @param {Liquid} engine
 * @returns {Map<string, string[][]>}
 */
function namesIn(nodes, engine) {
  /** @type {Map<string, string[][]>} */
  const named = new Map();
  /** @type {any[]} */
  const open = [...nodes];
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.children) open.push(...childrenOf(node));
    const name = node.name === 'assign' ? node.key : node.name === 'for' || node.name === 'tablerow' ? node.variable : undefined;
    if (name === undefined) continue;
    const [source] = [...(node.arguments?.() ?? [])];
    const text = source?.getText?.() ?? source?.initial?.postfix?.[0]?.getText?.();
    if (!/^[\w-]+([.[].*)?$/s.test(text ?? '')) continue;
    const [segments] = engine.variableSegmentsSync(engine.parse(`{{ ${text} }}`), { partials: false });
    if (segments) named.set(name, [...(named.get(name) ?? []), namesOf(segments)]);
  }
  return named;
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
