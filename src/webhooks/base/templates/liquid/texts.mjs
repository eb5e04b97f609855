// @ts-check
// The text filters of Shopify's Liquid. They count characters (code points), so that no character is cut in two.
import { filters } from 'liquidjs';
import { toInteger } from './numbers.mjs';
import { advance, lengthOf, toText } from './values.mjs';

/** @import { FilterImplOptions } from 'liquidjs' */
/** @import { FilterThis } from './values.mjs' */
/** @typedef {(this: FilterThis, value: unknown, ...args: any[]) => unknown} Filter */

/**
 * Makes a filter that gets its input and its arguments as texts, and charges the memory limit for them.
 * @param {(text: string, ...args: string[]) => string | string[]} filter
 * @returns {Filter}
 */
function onText(filter) {
  return function (value, ...args) {
    const { context } = this;
    const text = toText(value, context);
    context.memoryLimit.use(text.length);
    if (args.length === 0) return filter(text);
    const texts = args.map((each) => toText(each, context));
    for (const { length } of texts) context.memoryLimit.use(length);
    return filter(text, ...texts);
  };
}

/**
 * Wraps a filter of LiquidJS, so that it gets its input and arguments that are objects as texts (objects as JSON).
 * @param {string} name
 * @returns {Filter}
 */
function ofLibrary(name) {
  const filter = /** @type {Filter} */ (/** @type {Record<string, FilterImplOptions>} */ (filters)[name]);
  return function (value, ...args) {
    return filter.call(
      this,
      toText(value, this.context),
      ...args.map((each) => (typeof each === 'object' ? toText(each, this.context) : each)),
    );
  };
}

/**
 * Replaces all occurrences of a text. The empty text occurs before, between and after all characters.
 * @this {FilterThis}
 * @param {unknown} value
 * @param {unknown} [part]
 * @param {unknown} [by]
 */
function replace(value, part, by) {
  const text = toText(value, this.context);
  const wanted = toText(part, this.context);
  const replacement = toText(by, this.context);
  const parts = wanted === '' ? ['', ...text, ''] : text.split(wanted);
  this.context.memoryLimit.use(text.length + parts.length * replacement.length);
  return parts.join(replacement);
}

/**
 * @param {string} text
 * @param {number} from
 * @param {string} part
 * @param {string} by
 * @returns {string}
 */
const replaceAt = (text, from, part, by) => (from < 0 ? text : text.slice(0, from) + by + text.slice(from + part.length));

/**
 * Splits as Ruby does: at any white space for `' '`, between all characters for `''`. Leaves out empty texts at the end.
 * @param {string} text
 * @param {string} [separator]
 * @returns {string[]}
 */
function split(text, separator = '') {
  const parts = separator === ' ' ? text.trimStart().split(/\s+/) : separator === '' ? [...text] : text.split(separator);
  while (parts.at(-1) === '') parts.pop();
  return parts;
}

/**
 * Shortens a text to `length` characters, including `end`.
 * @this {FilterThis}
 * @param {unknown} value
 * @param {unknown[]} args
 */
function truncate(value, ...args) {
  const text = toText(value, this.context);
  const most = toInteger(args.length > 0 ? args[0] : 50, 'length');
  const ending = args.length > 1 ? toText(args[1], this.context) : '...';
  this.context.memoryLimit.use(text.length + ending.length);
  if (advance(text, 0, most) >= text.length) return text;
  return text.slice(0, advance(text, 0, Math.max(0, most - lengthOf(ending)))) + ending;
}

/**
 * Shortens a text to a number of words.
 * @this {FilterThis}
 * @param {unknown} value
 * @param {unknown[]} args
 */
function truncatewords(value, ...args) {
  const text = toText(value, this.context);
  const most = Math.max(1, toInteger(args.length > 0 ? args[0] : 15, 'number of words'));
  const ending = args.length > 1 ? toText(args[1], this.context) : '...';
  this.context.memoryLimit.use(text.length + ending.length);
  const words = split(text, ' ');
  return words.length <= most ? text : words.slice(0, most).join(' ') + ending;
}

/** @param {string} text */
function capitalize(text) {
  const end = advance(text, 0, 1);
  return text.slice(0, end).toUpperCase() + text.slice(end).toLowerCase();
}

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** @param {string} character */
const toEntity = (character) => ENTITIES[character] ?? character;

const base64Decode = ofLibrary('base64_decode');

export const textFilters = {
  ...Object.fromEntries(
    'append prepend newline_to_br strip_html lstrip rstrip strip strip_newlines base64_encode base64_decode cgi_escape uri_escape slugify squish normalize_whitespace number_of_words sha256 hmac_sha256'
      .split(' ')
      .map((name) => [name, ofLibrary(name)]),
  ),
  /** @type {Filter} */
  base64_url_safe_decode(value) {
    return base64Decode.call(
      this,
      toText(value, this.context).replace(/[-_]/g, (character) => (character === '-' ? '+' : '/')),
    );
  },
  base64_url_safe_encode: onText((text) =>
    Buffer.from(text)
      .toString('base64')
      .replace(/[+/]/g, (character) => (character === '+' ? '-' : '_')),
  ),
  capitalize: onText(capitalize),
  downcase: onText((text) => text.toLowerCase()),
  escape: onText((text) => text.replace(/[&<>"']/g, toEntity)),
  escape_once: onText((text) => text.replace(/[<>"']|&(?!(?:[a-zA-Z]+|#\d+);)/g, toEntity)),
  remove: onText((text, part = '') => (part === '' ? text : text.split(part).join(''))),
  remove_first: onText((text, part = '') => replaceAt(text, text.indexOf(part), part, '')),
  remove_last: onText((text, part = '') => replaceAt(text, text.lastIndexOf(part), part, '')),
  replace,
  replace_first: onText((text, part = '', by = '') => replaceAt(text, text.indexOf(part), part, by)),
  replace_last: onText((text, part = '', by = '') => replaceAt(text, text.lastIndexOf(part), part, by)),
  split: onText(split),
  truncate,
  truncatewords,
  upcase: onText((text) => text.toUpperCase()),
  xml_escape: onText((text) => text.replace(/[&<>"']/g, toEntity)),
  url_decode: onText((text) => text.replaceAll('+', ' ').replace(/(?:%[\da-fA-F]{2})+/g, (bytes) => decodeURIComponent(bytes))),
  url_encode: onText((text) =>
    encodeURIComponent(text.replace(/\p{Cs}/gu, '\uFFFD'))
      .replace(/%20/g, '+')
      .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
  ),
};
