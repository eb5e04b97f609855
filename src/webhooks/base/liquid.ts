// A subscriber's Liquid source -> Template, or a TemplateError that points at the character; Template + data -> text. Reads no file.
import { CaptureTag, type Context, type FilterImplOptions, Liquid, LiquidError, type Template as Node, toValue } from 'liquidjs';
import { caret, type Place } from './errors.js';
import type { Json } from './model.js';

/** How `{{ x }}` is written: as the inside of a JSON string, as XML text, or as it is. */
export type Escape = 'json' | 'xml' | 'none';

export interface Template {
  source: string;
  escape: Escape;
  nodes: Node[];
}

/** Characters of a template's source. */
export const MAX_TEMPLATE_LENGTH = 65_536;
/** Characters of what a template renders. */
export const MAX_RENDERED_LENGTH = 2_000_000;
export const RENDER_LIMIT_MS = 50;
/** Characters and list items that a rendering may create. */
const MEMORY_LIMIT = 5_000_000;

/** `syntax`: found at parsing; `limit`: too long, too slow, too big; `render`: this data made it fail. */
export type TemplateFault = 'syntax' | 'limit' | 'render';

export class TemplateError extends Error {
  override name = 'TemplateError';
  constructor(
    message: string,
    readonly fault: TemplateFault,
    readonly place: Place | null,
    /** The line with a caret below the character; empty where no place is known. */
    readonly frame: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Throws TemplateError for bad syntax, an unknown filter or tag, and a source that is too long. */
export function parseTemplate(source: string, style: Escape): Template {
  try {
    return { source, escape: style, nodes: engines[style].parse(source) };
  } catch (error) {
    throw toTemplateError(error, source, 'syntax');
  }
}

/** Synchronous: at most twice RENDER_LIMIT_MS. Throws TemplateError. `data` is only read, and of it only own properties. */
export function renderTemplate(template: Template, data: object): string {
  try {
    return renderOnce(template, data);
  } catch (error) {
    // The clock is the wall's: a process that was paused in the middle isn't the template's fault, a second time it is.
    if (!(error instanceof TemplateError) || !error.message.startsWith('template render limit')) throw error;
    return renderOnce(template, data);
  }
}

/** What a template may use, by name: the same in all three styles. */
export function listLiquid(): { filters: string[]; tags: string[] } {
  const { filters, tags } = engines.none;
  return { filters: Object.keys(filters).sort(), tags: Object.keys(tags).sort() };
}

/** Header names are looked up without case: `headers.Retry-After` and `headers.retry-after` are one. */
export function caselessHeaders(headers: Record<string, string>): object {
  const lower: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  const key = (name: string | symbol): string | symbol => (typeof name === 'string' ? name.toLowerCase() : name);
  return new Proxy(lower, {
    get: (target, name) => Reflect.get(target, key(name)),
    has: (target, name) => Reflect.has(target, key(name)),
    getOwnPropertyDescriptor: (target, name) => Reflect.getOwnPropertyDescriptor(target, key(name)),
  });
}

export function escapeXml(text: string): string {
  return text.replace(XML_FORBIDDEN, '\uFFFD').replace(/[&<>"'\r]/g, (character) => XML_ENTITIES[character] as string);
}

function renderOnce(template: Template, data: object): string {
  let text: unknown;
  try {
    text = engines[template.escape].renderSync(template.nodes, data);
  } catch (error) {
    throw toTemplateError(error, template.source, 'render');
  }
  const rendered = String(text);
  if (rendered.length > MAX_RENDERED_LENGTH)
    throw new TemplateError(`rendered ${rendered.length} characters, more than ${MAX_RENDERED_LENGTH}`, 'limit', null, '');
  return rendered;
}

function toTemplateError(error: unknown, source: string, fault: TemplateFault): TemplateError {
  if (error instanceof RangeError || (LiquidError.is(error) && error.originalError instanceof RangeError))
    return new TemplateError('nested too deeply, or rendered too much', 'limit', null, '', { cause: error });
  if (!LiquidError.is(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return new TemplateError(message, / limit exceeded/.test(message) ? 'limit' : fault, null, '', { cause: error });
  }
  const message = error.message.replace(/(, file:[^,]*)?, line:\d+, col:\d+$/, '');
  const [line = 1, column = 1] = error.token.getPosition();
  const place = { line, column };
  return new TemplateError(message, / limit exceeded$/.test(message) ? 'limit' : fault, place, caret(source, place), { cause: error });
}

type FilterThis = { context: Context };
const CAPTURING = 'hookgraph.capturing';

/** What `{% capture %}` collects is text like any other: it is escaped once, where it is written. */
class PlainCapture extends CaptureTag {
  override *render(context: Context): Generator<unknown, void, string> {
    const outer = context.getRegister(CAPTURING);
    context.setRegister(CAPTURING, true);
    try {
      yield* super.render(context);
    } finally {
      context.setRegister(CAPTURING, outer);
    }
  }
}

function createEngine(style: Escape): Liquid {
  const engine = new Liquid({
    parseLimit: MAX_TEMPLATE_LENGTH,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
    ownPropertyOnly: true,
    strictFilters: true,
    timezoneOffset: 0,
    locale: 'en-US',
    fs: NO_FILES,
    relativeReference: false,
    outputEscape(this: unknown, value: unknown) {
      const { context } = this as FilterThis;
      const text = write(toValue(value), context.getRegister(CAPTURING) ? 'none' : style);
      context.memoryLimit.use(text.length);
      return text;
    },
  });
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag];
  engine.registerTag('capture', PlainCapture);
  const json = function (this: unknown, value: unknown, indent: unknown = 0): string {
    const text = JSON.stringify(toValue(value), null, Math.min(Number(indent) || 0, 10)) ?? 'null';
    (this as FilterThis).context.memoryLimit.use(text.length);
    return text;
  };
  // In XML a JSON value is text, to be escaped like all text.
  for (const name of ['json', 'jsonify']) engine.registerFilter(name, { raw: style !== 'xml', handler: json });
  if (style === 'xml')
    for (const name of ['escape', 'xml_escape'])
      engine.registerFilter(name, { raw: true, handler: (value) => write(toValue(value), 'xml') });
  // The library looks at the clock between tags only; a chain of filters in one of them is as long as its author likes.
  for (const [name, filter] of Object.entries(engine.filters)) engine.registerFilter(name, watchClock(filter));
  return engine;
}

function watchClock(filter: FilterImplOptions): FilterImplOptions {
  const { handler, raw } = typeof filter === 'function' ? { handler: filter, raw: false } : filter;
  return {
    raw: raw ?? false,
    handler(value, ...args) {
      this.context.renderLimit.check(performance.now());
      return handler.call(this, value, ...args);
    },
  };
}

function write(value: unknown, style: Escape): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') {
    if (style === 'json') return JSON.stringify(value).slice(1, -1);
    return style === 'xml' ? escapeXml(value) : value;
  }
  if (typeof value !== 'object') return String(value);
  // Liquid joins the items of a list; where nothing is escaped, that stays.
  if (style === 'none' && Array.isArray(value)) return value.map((item) => write(toValue(item), 'none')).join('');
  const json = JSON.stringify(value as Json);
  return style === 'xml' ? escapeXml(json) : json;
}

const refuse = (): never => {
  throw new Error('templates read no files');
};
const NO_FILES = {
  exists: async () => false,
  existsSync: () => false,
  readFile: async () => refuse(),
  readFileSync: refuse,
  resolve: refuse,
};

// What XML 1.0 has no way to write, not even as a character reference: https://www.w3.org/TR/xml/#charsets
const XML_FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
const XML_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\r': '&#13;' };

const engines: Record<Escape, Liquid> = { json: createEngine('json'), xml: createEngine('xml'), none: createEngine('none') };
