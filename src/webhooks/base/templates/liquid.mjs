// @ts-check
// Parses and renders subscribers' Liquid templates, and reports faults with line and column. Runs in render processes; reads no files.
import { CaptureTag, Context, Drop, Liquid, LiquidError, Tokenizer, toValue } from 'liquidjs';
import { compareNumbers, ExactNumber, stringifyJson, toExact } from '../../../runtime/exact-json.mjs';
import { cpuMs, recentCpuMs, STALE_MS } from './cpu-clock.mjs';
import { dataPaths, readPathsOfEvent } from './data-paths.mjs';
import { escapeXml, MAX_RENDERED_LENGTH, MAX_TEMPLATE_LENGTH, MEMORY_LIMIT, RENDER_LIMIT_MS } from './rendering.mjs';

/** @import { FilterImplOptions, Template as Node } from 'liquidjs' */
/** @import { Escape, TemplateFault } from './rendering.mjs' */
export const OUT_OF_TIME = 'template render limit exceeded';
/** @typedef {{ check(nowMs: number): void }} Clock */

/**
 * Parses a template. Throws errors that `faultOf` understands.
 * @param {string} source
 * @param {Escape} style
 * @returns {Node[]}
 */
export function parseTemplate(source, style) {
  return engines[style].parse(source);
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
  const message = text.replace(/(, file:[^,]*)?, line:\d+, col:\d+$/, '');
  const fault = / limit exceeded/.test(message) ? 'limit' : usual;
  if (!LiquidError.is(error)) return { fault, message, place: null };
  const [line = 1, column = 1] = error.token.getPosition();
  return { fault, message, place: { line, column } };
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

// The properties that templates may read of LiquidJS's own objects (drops), such as `forloop`. LiquidJS would also expose inherited ones.
const OF_DROPS = new Set('name length index index0 rindex rindex0 first last row col col0 col_first col_last'.split(' '));

class OwnContext extends Context {
  /** @override @type {Context['readProperty']} */
  readProperty(object, key) {
    if (/** @type {unknown} */ (object) instanceof Drop && !OF_DROPS.has(String(toValue(key)))) return undefined;
    return super.readProperty(object, key);
  }

  /** @override */
  spawn(scope = {}) {
    const { sync, globals, strictVariables, ownPropertyOnly, renderLimit, memoryLimit, liquid } = this;
    return new OwnContext(scope, this.opts, { sync, globals, strictVariables, ownPropertyOnly }, { renderLimit, memoryLimit, liquid });
  }
}

// LiquidJS reads number literals as doubles; this override keeps all their digits.
const { readNumber } = Tokenizer.prototype;
Tokenizer.prototype.readNumber = function () {
  const token = readNumber.call(this);
  if (token && /\d$/.test(token.getText())) token.content = /** @type {number} */ (toExact(token.getText()));
  return token;
};

/** @typedef {{ context: Context }} FilterThis */
const CAPTURING = 'hookgraph.capturing';

/** Leaves text inside `{% capture %}` unescaped, because the captured value is escaped where it is written. */
class PlainCapture extends CaptureTag {
  /**
   * @override
   * @param {Context} context
   * @returns {Generator<unknown, void, string>}
   */
  *render(context) {
    const outer = context.getRegister(CAPTURING);
    context.setRegister(CAPTURING, true);
    try {
      yield* super.render(context);
    } finally {
      context.setRegister(CAPTURING, outer);
    }
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
    timezoneOffset: 0,
    locale: 'en-US',
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
  engine.registerTag('capture', PlainCapture);
  /** @type {(this: unknown, value: unknown, indent?: unknown) => string} */
  const json = function (value, indent = 0) {
    return toJson(toValue(value), /** @type {FilterThis} */ (this).context, Math.min(Number(indent) || 0, 10));
  };
  // In XML the JSON is text, which must be escaped, so the filter's output isn't raw.
  for (const name of ['json', 'jsonify']) engine.registerFilter(name, { raw: style !== 'xml', handler: json });
  engine.registerFilter('sort', sortExactly(/** @type {FilterImplOptions} */ (engine.filters.sort)));
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
 * Wraps the filter `sort` so that it sorts long numbers exactly. LiquidJS compares them as doubles, for which neighbouring numbers are
 * equal.
 * @param {FilterImplOptions} filter
 * @returns {FilterImplOptions}
 */
function sortExactly(filter) {
  const sort = /** @type {(this: unknown, list: unknown, property?: unknown) => Generator<unknown, unknown[], unknown>} */ (filter);
  return function* (list, property) {
    const sorted = yield* sort.call(this, list, property);
    const path = property === undefined ? [] : String(property).split('.');
    /** @param {any} item */
    const read = (item) => path.reduce((found, name) => (found == null ? found : this.context.readProperty(found, name)), item);
    const values = sorted.map((item) => ({ item, value: read(item) }));
    if (!values.some(({ value }) => value instanceof ExactNumber)) return sorted;
    /** @param {unknown} value */
    const isNumber = (value) => value instanceof ExactNumber || typeof value === 'number';
    return values.sort((a, b) => (isNumber(a.value) && isNumber(b.value) ? compareNumbers(a.value, b.value) : 0)).map(({ item }) => item);
  };
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
  // Without escaping, a list is written as Liquid writes it: its items joined.
  if (style === 'none' && Array.isArray(value)) return value.map((item) => write(toValue(item), 'none', context)).join('');
  const json = toJson(value, context, 0);
  return style === 'xml' ? escapeXml(json) : json;
}

/**
 * Writes JSON. Adds each value to the used memory while writing, because a small value with many references to one list can become a
 * huge text.
 * @param {unknown} value
 * @param {Context} context
 * @param {number} indent
 * @returns {string}
 */
function toJson(value, context, indent) {
  const { memoryLimit } = context;
  if (typeof value !== 'object') {
    const text = JSON.stringify(value) ?? 'null';
    memoryLimit.use(text.length);
    return text;
  }
  return stringifyJson(
    value,
    (key, item) => {
      memoryLimit.use(key.length + (typeof item === 'string' ? item.length : 2));
      return item;
    },
    indent,
  );
}

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
