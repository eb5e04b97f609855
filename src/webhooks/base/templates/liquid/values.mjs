// @ts-check
// Converts values of templates to text, to JSON and to lists, and reads their properties. Charges the memory limit for what it creates.
import { Drop, toValue } from 'liquidjs';
import { ExactNumber, stringifyJson } from '../../../../runtime/exact-json.mjs';

/** @import { Context } from 'liquidjs' */
/** @typedef {{ context: Context, token: { args: unknown[] } }} FilterThis */

/**
 * Returns the text of a value, as text filters and unescaped templates see it: the items of a list without a separator, JSON for an object.
 * @param {unknown} value
 * @param {Context} context
 * @returns {string}
 */
export function toText(value, context) {
  const plain = toValue(value);
  if (typeof plain === 'string') return plain;
  if (plain === null || plain === undefined) return '';
  if (Array.isArray(plain)) {
    const text = plain.map((item) => toText(item, context)).join('');
    context.memoryLimit.use(plain.length + text.length);
    return text;
  }
  return typeof plain === 'object' && !(plain instanceof ExactNumber) ? toJson(plain, context, 0) : String(plain);
}

/**
 * Writes JSON. Adds each value to the used memory while writing, because a small value with many references to one list can become a
 * huge text.
 * @param {unknown} value
 * @param {Context} context
 * @param {number} indent
 * @returns {string}
 */
export function toJson(value, context, indent) {
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

/**
 * Returns the items that a list filter processes, including the items of nested lists. A value that is no list is one item; nil is none.
 * @param {unknown} value
 * @param {Context} context
 * @returns {unknown[]}
 */
export function toItems(value, context) {
  const plain = toValue(value);
  if (plain === null || plain === undefined) return [];
  if (!Array.isArray(plain)) return [plain];
  context.memoryLimit.use(plain.length);
  return plain.some(Array.isArray) ? plain.flatMap((item) => (Array.isArray(item) ? toItems(item, context) : [item])) : plain;
}

/**
 * Returns what `for` loops over: items of a list, or pairs of name and value of an object.
 * @param {unknown} value
 * @param {Context} context
 * @returns {unknown[]}
 */
export function toLoop(value, context) {
  const plain = toValue(value);
  if (Array.isArray(plain)) return plain;
  if (typeof plain === 'string') return plain === '' ? [] : [plain];
  return isObject(plain) ? toPairs(plain, context) : [];
}

/**
 * @param {object} object
 * @param {Context} context
 * @returns {[string, unknown][]}
 */
function toPairs(object, context) {
  const names = Object.keys(object);
  context.memoryLimit.use(names.length);
  return names.map((name) => [name, /** @type {Record<string, unknown>} */ (object)[name]]);
}

/**
 * Returns the first pair of name and value of an object.
 * @param {object} object
 * @returns {[string, unknown] | undefined}
 */
export function firstPair(object) {
  for (const name in object) if (Object.hasOwn(object, name)) return [name, /** @type {Record<string, unknown>} */ (object)[name]];
  return undefined;
}

/**
 * Whether a value has properties that templates can read.
 * @param {unknown} value
 * @returns {value is object}
 */
export function isObject(value) {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber) && !(value instanceof Drop)
  );
}

/**
 * Returns the index after a number of characters (code points, not UTF-16 units).
 * @param {string} text
 * @param {number} from
 * @param {number} count
 * @returns {number}
 */
export function advance(text, from, count) {
  let index = from;
  for (let passed = 0; passed < count && index < text.length; passed++)
    index += /** @type {number} */ (text.codePointAt(index)) > 0xffff ? 2 : 1;
  return index;
}

/**
 * Counts characters (code points, not UTF-16 units).
 * @param {string} text
 * @returns {number}
 */
export function lengthOf(text) {
  let length = 0;
  for (let index = 0; index < text.length; index = advance(text, index, 1)) length++;
  return length;
}

/**
 * Returns a function that reads a property, such as `title` or `author.name`, of an item.
 * @param {unknown} property
 * @param {Context} context
 * @returns {(item: unknown) => unknown}
 */
export function propertyReader(property, context) {
  const name = toText(property, context);
  const path = name.split('.');
  if (path.length === 1) return (item) => context.readProperty(/** @type {object} */ (item), name);
  return (item) => path.reduce((/** @type {any} */ found, part) => context.readProperty(found, part), item);
}
