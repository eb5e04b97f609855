// @ts-check
// The list filters of Shopify's Liquid. They see the items of nested lists, too, and an object as a list of one item.
import { isTruthy, toValue } from 'liquidjs';
import { compareNumbers, ExactNumber } from '../../../../runtime/exact-json.mjs';
import { add, toInteger } from './numbers.mjs';
import { equals } from './operators.mjs';
import { advance, firstPair, isObject, lengthOf, propertyReader, toItems, toJson, toText } from './values.mjs';

/** @import { Context } from 'liquidjs' */
/** @import { FilterThis } from './values.mjs' */

/** @param {unknown} value */
const isNil = (value) => (toValue(value) ?? null) === null;
/** @param {unknown} value */
const isNumber = (value) => typeof value === 'number' || value instanceof ExactNumber;

/**
 * Returns a function that reads a property of a list's items, and throws for numbers, because numbers have no properties.
 * @param {unknown} property
 * @param {Context} context
 * @returns {(item: unknown) => unknown}
 */
function itemReader(property, context) {
  const read = propertyReader(property, context);
  return (item) => {
    if (isNumber(item)) throw new Error(`invalid list item: a number has no property ${JSON.stringify(toText(property, context))}`);
    return read(item);
  };
}

/**
 * Makes the test of `where`, `reject`, `has`, `find` and `find_index`. An object must have the property, with the expected value if one is
 * given. A text must contain the property. An item that is nil, true or false never passes.
 * @param {unknown} property
 * @param {unknown} expected
 * @param {Context} context
 * @returns {(item: unknown) => boolean}
 */
function tester(property, expected, context) {
  const wanted = isNil(toValue(expected)) ? undefined : expected;
  const read = itemReader(property, context);
  const name = toText(property, context);
  const isIndex = isNumber(toValue(property));
  return (item) => {
    if (typeof item === 'string') return item.includes(name) && (wanted === undefined || equals(name, wanted));
    if (isNumber(item) && isIndex) return wanted === undefined;
    const value = read(item);
    return wanted === undefined ? isTruthy(value, context) : equals(value, wanted);
  };
}

/**
 * Compares two values for `sort`; nil is last.
 * @param {unknown} one
 * @param {unknown} other
 * @returns {number}
 */
function compare(one, other) {
  if (isNil(one) || isNil(other)) return isNil(one) ? (isNil(other) ? 0 : 1) : -1;
  if (isNumber(one) && isNumber(other))
    return typeof one === 'number' && typeof other === 'number'
      ? one - other
      : compareNumbers(/** @type {number} */ (one), /** @type {number} */ (other));
  if (typeof one === 'string' && typeof other === 'string') return one < other ? -1 : one > other ? 1 : 0;
  if (one === other) return 0;
  throw new Error('invalid list: values of different types cannot be sorted');
}

/**
 * @param {unknown[]} items
 * @param {(item: any) => unknown} read
 * @param {(one: any, other: any) => number} compare
 * @returns {unknown[]}
 */
function sortBy(items, read, compare) {
  return items
    .map((item) => ({ item, value: read(item) }))
    .sort((a, b) => compare(a.value, b.value))
    .map(({ item }) => item);
}

/**
 * Returns a key that is the same for equal values of the same type.
 * @param {unknown} value
 * @param {Context} context
 * @returns {unknown}
 */
function identity(value, context) {
  const plain = toValue(value) ?? null;
  if (plain instanceof ExactNumber) return `number ${plain}`;
  if (typeof plain === 'string') return `text ${plain}`;
  return typeof plain === 'object' && plain !== null ? `json ${toJson(plain, context, 0)}` : plain;
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown} property
 */
function compact(list, property) {
  const read = isNil(property) ? toValue : itemReader(property, this.context);
  return toItems(list, this.context).filter((item) => !isNil(read(item)));
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown[]} args
 */
function concat(list, ...args) {
  const added = args.length === 0 ? [] : toValue(args[0]);
  if (!Array.isArray(added)) throw new Error('invalid argument: concat expects a list');
  this.context.memoryLimit.use(added.length);
  return [...toItems(list, this.context), ...added];
}

/** @param {unknown} value */
function first(value) {
  const plain = toValue(value);
  if (typeof plain === 'string') return [...plain.slice(0, 2)][0] ?? '';
  if (Array.isArray(plain)) return plain[0];
  return isObject(plain) ? firstPair(plain) : '';
}

/** @param {unknown} value */
function last(value) {
  const plain = toValue(value);
  if (typeof plain === 'string') return [...plain.slice(-2)].at(-1) ?? '';
  return Array.isArray(plain) ? plain.at(-1) : '';
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown[]} args
 */
function join(list, ...args) {
  const { context } = this;
  const between = args.length === 0 ? ' ' : toText(args[0], context);
  const items = toItems(list, context).map((item) => toText(item, context));
  context.memoryLimit.use(items.reduce((sum, item) => sum + item.length + between.length, 0));
  return items.join(between);
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown} property
 */
function map(list, property) {
  return toItems(list, this.context).map(itemReader(property, this.context));
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 */
function reverse(list) {
  return [...toItems(list, this.context)].reverse();
}

/** @param {unknown} value */
function size(value) {
  const plain = toValue(value);
  if (typeof plain === 'string') return lengthOf(plain);
  if (Array.isArray(plain)) return plain.length;
  return isObject(plain) ? Object.keys(plain).length : 0;
}

/**
 * Returns a part of a text or list that starts at the index `begin`; a negative index counts from the end.
 * @this {FilterThis}
 * @param {unknown} value
 * @param {unknown[]} args
 */
function slice(value, ...args) {
  const [begin, length] = args.length === 0 ? [0] : args;
  const from = toInteger(begin, 'position');
  const count = isNil(length) ? 1 : toInteger(length, 'length');
  const plain = toValue(value);
  if (Array.isArray(plain)) {
    const start = from < 0 ? plain.length + from : from;
    return start < 0 || count < 0 ? [] : plain.slice(start, start + count);
  }
  const text = toText(plain, this.context);
  const skipped = from < 0 ? lengthOf(text) + from : from;
  if (skipped < 0 || count < 0) return '';
  const start = advance(text, 0, skipped);
  return text.slice(start, advance(text, start, count));
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown} property
 */
function sort(list, property) {
  return sortBy(toItems(list, this.context), isNil(property) ? toValue : propertyReader(property, this.context), compare);
}

/**
 * Sorts by text, without regard to upper and lower case.
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown} property
 */
function sort_natural(list, property) {
  const { context } = this;
  const read = isNil(property) ? toValue : propertyReader(property, context);
  /** @param {unknown} item */
  const key = (item) => (isNil(read(item)) ? null : toText(read(item), context).toLowerCase());
  return sortBy(toItems(list, context), key, compare);
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown} property
 */
function sum(list, property) {
  const read = isNil(property) ? toValue : itemReader(property, this.context);
  return toItems(list, this.context).reduce((total, item) => add(total, read(item)), 0);
}

/**
 * @this {FilterThis}
 * @param {unknown} list
 * @param {unknown} property
 */
function uniq(list, property) {
  const { context } = this;
  const read = isNil(property) ? toValue : itemReader(property, context);
  const found = new Map();
  for (const item of toItems(list, context)) {
    const key = identity(read(item), context);
    if (!found.has(key)) found.set(key, item);
  }
  return [...found.values()];
}

/**
 * Makes a filter that applies the test of `tester` to the items of a list.
 * @template Found
 * @param {(items: unknown[], test: (item: unknown) => boolean) => Found} pick
 * @returns {(this: FilterThis, list: unknown, property: unknown, expected: unknown) => Found}
 */
function picking(pick) {
  return function (list, property, expected) {
    return pick(toItems(list, this.context), tester(property, expected, this.context));
  };
}

export const listFilters = {
  compact,
  concat,
  find: picking((items, test) => items.find(test)),
  find_index: picking((items, test) => (items.some(test) ? items.findIndex(test) : undefined)),
  first,
  has: picking((items, test) => items.some(test)),
  join,
  last,
  map,
  reject: picking((items, test) => items.filter((item) => !test(item))),
  reverse,
  size,
  slice,
  sort,
  sort_natural,
  sum,
  uniq,
  where: picking((items, test) => items.filter(test)),
};
