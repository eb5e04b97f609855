// @ts-check
// Parses and renders subscribers' Liquid templates, and reports faults with line and column. Runs in render processes; reads no files.
import { Context, Drop, isTruthy, Liquid, LiquidError, toValue } from 'liquidjs';
import { ExactNumber } from '../../../runtime/exact-json.mjs';
import { cpuMs, recentCpuMs, STALE_MS } from './cpu-clock.mjs';
import { dataPaths, readPathsOfEvent, readsOf } from './data-paths.mjs';
import { dateFilters } from './liquid/dates.mjs';
import { explain } from './liquid/explain.mjs';
import { listFilters } from './liquid/lists.mjs';
import { Cycle, For, TableRow } from './liquid/loops.mjs';
import { numberFilters } from './liquid/numbers.mjs';
import { operators } from './liquid/operators.mjs';
import { readStrictly } from './liquid/syntax.mjs';
import { CAPTURING, Capture, Case, Comment, Doc, If, IfChanged, Unless } from './liquid/tags.mjs';
import { textFilters } from './liquid/texts.mjs';
import { firstPair, isObject, lengthOf, toJson, toText } from './liquid/values.mjs';
import { escapeXml, MAX_RENDERED_LENGTH, MAX_TEMPLATE_LENGTH, MEMORY_LIMIT, RENDER_LIMIT_MS } from './rendering.mjs';

/** @import { FilterImplOptions, Template as Node } from 'liquidjs' */
/** @import { FilterThis } from './liquid/values.mjs' */
/** @import { Escape, TemplateFault } from './rendering.mjs' */
export const OUT_OF_TIME = 'template render limit exceeded';
/** @typedef {{ check(nowMs: number): void }} Clock */

/**
 * Parses a template. Throws errors that `faultOf` understands.
 * @param {string} source
 * @param {Escape} style
 * @param {boolean} [isStored] accept what LiquidJS accepts, because the template was saved before, maybe by an older version
 * @returns {Node[]}
 */
export function parseTemplate(source, style, isStored = false) {
  const parse = () => engines[style].parse(source);
  return isStored ? parse() : readStrictly(parse);
}

/**
 * Renders a template. Only own properties of `data` are visible, and it is not modified. Throws errors that `faultOf` understands.
 * @param {Node[]} nodes
 * @param {Escape} style
 * @param {object} data
 * @returns {string}
 */
export function renderNodes(nodes, style, data) {
  const engine = engines[style];
  const renderLimit = /** @type {Context['renderLimit']} */ (/** @type {unknown} */ (startClock()));
  // A copy, because the tag `increment` writes its counters into it.
  const environment = Object.assign(Object.create(null), data);
  const context = new OwnContext(environment, engine.options, { sync: true }, { liquid: engine, renderLimit });
  const rendered = String(engine.renderSync(nodes, context));
  if (rendered.length > MAX_RENDERED_LENGTH)
    throw new Error(`rendered length limit exceeded: ${rendered.length} characters; the maximum is ${MAX_RENDERED_LENGTH}`);
  return rendered;
}

/**
 * Returns the paths of `event` that a template reads, each of at most two names, e.g. `['before', 'email']`. `[]` means the whole event.
 * @param {Node[]} nodes
 * @param {string} source
 * @param {Escape} style
 * @returns {string[][]}
 */
export const eventPaths = (nodes, source, style) => readPathsOfEvent(nodes, source, engines[style]);

/**
 * Returns the paths of `data` that a template reads, without list indexes.
 * @param {Node[]} nodes
 * @param {Escape} style
 * @returns {string[][]}
 */
export const pathsOfData = (nodes, style) => dataPaths(nodes, engines[style]);

/**
 * Returns all paths that a template reads, with their positions.
 * @param {Node[]} nodes
 * @param {string} source
 * @param {Escape} style
 */
export const listReads = (nodes, source, style) => readsOf(nodes, source, engines[style]);

/**
 * Converts a thrown error to a fault that the template's author understands, with its position.
 * @param {unknown} error
 * @param {'syntax' | 'render'} usual the fault of an error that exceeds no limit
 * @returns {{ fault: TemplateFault, message: string, place: { line: number, column: number } | null }}
 */
export function faultOf(error, usual) {
  const original = LiquidError.is(error) ? (error.originalError ?? error) : error;
  if (original instanceof RangeError && /call stack|Invalid (string|array) length|Invalid count|too large/.test(original.message))
    return { fault: 'limit', message: 'nested too deeply, or rendered too much', place: null };
  const text = error instanceof Error ? error.message : String(error);
  const plain = text.replace(/(, file:[^,]*)?, line:\d+, col:\d+$/, '');
  const fault = / limit exceeded/.test(plain) ? 'limit' : usual;
  if (!LiquidError.is(error)) return { fault, message: plain, place: null };
  const { message, at } = explain(plain, error.token, listLiquid());
  const lines = error.token.input.slice(0, at).split('\n');
  return { fault, message, place: { line: lines.length, column: (lines.at(-1) ?? '').length + 1 } };
}

/** The names of the filters and tags that templates may use; the same for all escape styles. */
export function listLiquid() {
  const { filters, tags } = engines.none;
  return { filters: Object.keys(filters).sort(), tags: Object.keys(tags).sort() };
}

/**
 * Limits the CPU time of a rendering. LiquidJS calls `check` with the wall-clock time. CPU time is never longer than that, so it is
 * measured only when the wall-clock time reaches the limit.
 * @returns {Clock}
 */
function startClock() {
  const start = recentCpuMs();
  let dueMs = performance.now() + RENDER_LIMIT_MS;
  return {
    check(nowMs) {
      if (nowMs < dueMs) return;
      const leftMs = RENDER_LIMIT_MS + STALE_MS - (cpuMs() - start);
      if (leftMs <= 0) throw new Error(OUT_OF_TIME);
      dueMs = nowMs + leftMs;
    },
  };
}

// The properties of LiquidJS's own objects (drops), e.g. `forloop`, that templates may read. LiquidJS would also expose inherited ones.
const OF_DROPS = new Set('name length index index0 rindex rindex0 first last parentloop row col col0 col_first col_last'.split(' '));

class OwnContext extends Context {
  /** @override @type {Context['readProperty']} */
  readProperty(object, key) {
    const name = toValue(key);
    if (/** @type {unknown} */ (object) instanceof Drop && !OF_DROPS.has(String(name))) return undefined;
    // LiquidJS counts UTF-16 units.
    if (name === 'size' && typeof object === 'string') return lengthOf(object);
    if (name === 'first' && isObject(object) && !Object.hasOwn(object, 'first')) return firstPair(object);
    return super.readProperty(object, key);
  }

  /** @override */
  spawn(scope = {}) {
    const { sync, globals, strictVariables, ownPropertyOnly, renderLimit, memoryLimit, liquid } = this;
    return new OwnContext(scope, this.opts, { sync, globals, strictVariables, ownPropertyOnly }, { renderLimit, memoryLimit, liquid });
  }
}

/**
 * Creates the LiquidJS engine of an escape style.
 * @param {Escape} style
 * @returns {Liquid}
 */
function createEngine(style) {
  const engine = new Liquid({
    parseLimit: MAX_TEMPLATE_LENGTH,
    memoryLimit: MEMORY_LIMIT,
    ownPropertyOnly: true,
    strictFilters: true,
    // If no locale is set, LiquidJS loads the data of all locales.
    locale: 'en-US',
    operators,
    fs: NO_FILES,
    relativeReference: false,
    /** @this {unknown} */
    outputEscape(value) {
      const { context } = /** @type {FilterThis} */ (this);
      const text = write(toValue(value), context.getRegister(CAPTURING) ? 'none' : style, context);
      context.memoryLimit.use(text.length);
      return text;
    },
  });
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag];
  for (const [name, tag] of Object.entries(TAGS)) engine.registerTag(name, tag);
  for (const [name, filter] of Object.entries(FILTERS)) engine.registerFilter(name, /** @type {FilterImplOptions} */ (filter));
  /** @type {(this: unknown, value: unknown, indent?: unknown) => string} */
  const json = function (value, indent = 0) {
    return toJson(toValue(value), /** @type {FilterThis} */ (this).context, Math.min(Number(indent) || 0, 10));
  };
  // In XML the JSON is text, which must be escaped, so the filter's output isn't raw.
  for (const name of ['json', 'jsonify']) engine.registerFilter(name, { raw: style !== 'xml', handler: json });
  engine.registerFilter('inspect', json);
  if (style === 'xml')
    for (const name of ['escape', 'xml_escape'])
      engine.registerFilter(name, {
        raw: true,
        handler(value) {
          return write(toValue(value), 'xml', this.context);
        },
      });
  // LiquidJS checks its time limit only between tags, but one tag may have any number of filters.
  for (const [name, filter] of Object.entries(engine.filters)) engine.registerFilter(name, watchClock(filter));
  return engine;
}

/**
 * Wraps a filter so that it checks the time limit of the rendering before each call.
 * @param {FilterImplOptions} filter
 * @returns {FilterImplOptions}
 */
function watchClock(filter) {
  const { handler, raw } = typeof filter === 'function' ? { handler: filter, raw: false } : filter;
  return {
    raw: raw ?? false,
    handler(value, ...args) {
      this.context.renderLimit.check(performance.now());
      return handler.call(this, value, ...args);
    },
  };
}

/**
 * Writes a value as text in the escape style.
 * @param {unknown} value
 * @param {Escape} style
 * @param {Context} context
 * @returns {string}
 */
function write(value, style, context) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') {
    if (style === 'json') return JSON.stringify(value).slice(1, -1);
    return style === 'xml' ? escapeXml(value) : value;
  }
  if (typeof value !== 'object' || value instanceof ExactNumber) return String(value);
  if (style === 'none') return toText(value, context);
  const json = toJson(value, context, 0);
  return style === 'xml' ? escapeXml(json) : json;
}

/**
 * Returns the default for nil, false and empty values. With `allow_false: true`, returns false as it is.
 * @this {FilterThis}
 * @param {unknown} value
 * @param {any[]} args
 */
function defaultFilter(value, ...args) {
  if (typeof value === 'string' ? value !== '' : typeof value === 'number') return value;
  const isNamed = this.token.args.map(Array.isArray);
  const [fallback] = [...args.filter((_, i) => !isNamed[i]), ''];
  const allowsFalse = args.some((arg, i) => isNamed[i] && arg[0] === 'allow_false' && isTruthy(arg[1], this.context));
  const plain = toValue(value);
  if (plain === false) return allowsFalse ? false : fallback;
  const isEmpty =
    plain === null ||
    plain === undefined ||
    plain === '' ||
    (typeof plain === 'object' && !(plain instanceof ExactNumber) && Object.keys(plain).length === 0);
  return isEmpty ? fallback : plain;
}

const TAGS = {
  capture: Capture,
  case: Case,
  comment: Comment,
  cycle: Cycle,
  doc: Doc,
  for: For,
  if: If,
  ifchanged: IfChanged,
  tablerow: TableRow,
  unless: Unless,
};
const FILTERS = { ...numberFilters, ...textFilters, ...listFilters, ...dateFilters, default: defaultFilter };

const refuse = () => {
  throw new Error('templates can not include other files');
};
const NO_FILES = {
  exists: async () => false,
  existsSync: () => false,
  readFile: async () => refuse(),
  readFileSync: refuse,
  resolve: refuse,
};

/** @type {Record<Escape, Liquid>} */
const engines = { json: createEngine('json'), xml: createEngine('xml'), none: createEngine('none') };
