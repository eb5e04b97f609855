// @ts-check
// Compares values as Shopify's Liquid does. A number and a text that is a number are compared as numbers, since attributes of the types
// Decimal and BigInt are texts.
import { isTruthy, Tokenizer, toValue, toValueSync } from 'liquidjs';

/** @import { Context } from 'liquidjs' */

const [NIL, EMPTY, BLANK] = ['nil', 'empty', 'blank'].map((name) => new Tokenizer(name).readLiteral()?.content);

/** @typedef {(other: unknown) => boolean} Compare */

/**
 * @param {unknown} value
 * @returns {value is { equals: Compare, gt: Compare, geq: Compare, lt: Compare, leq: Compare }}
 */
const isComparable = (value) => typeof value === 'object' && value !== null && 'leq' in value && typeof value.leq === 'function';

/**
 * @param {unknown} left
 * @param {unknown} right
 * @returns {boolean}
 */
export function equals(left, right) {
  const [l, r] = [left === NIL ? null : left, right === NIL ? null : right];
  if (isComparable(l)) return /** @type {boolean} */ (toValueSync(/** @type {any} */ (l.equals(r))));
  if (isComparable(r)) return /** @type {boolean} */ (toValueSync(/** @type {any} */ (r.equals(l))));
  const [a, b] = [toValue(l), toValue(r)];
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equals(item, b[i]));
  return a === b || ((a ?? null) === null && (b ?? null) === null);
}

/**
 * Whether a list has an item, a text contains a text, or an object has a property. As in Ruby, `false` if the right side is nil or false.
 * @param {unknown} left
 * @param {unknown} right
 * @returns {boolean}
 */
function contains(left, right) {
  const [l, r] = [toValue(left), toValue(right)];
  if (right === NIL || r === null || r === undefined || r === false) return false;
  if (typeof l === 'string') return l.includes(String(r));
  if (Array.isArray(l)) return l.some((item) => equals(item, right));
  return typeof l === 'object' && l !== null && !isComparable(l) && typeof r === 'string' && Object.hasOwn(l, r);
}

/** @param {unknown} value */
const hasSize = (value) => value !== null && value !== undefined && value !== NIL && value !== EMPTY && value !== BLANK;

/**
 * Makes an operator that compares by size. If one side is nil, `empty` or `blank`, the result is `false`.
 * @param {'gt' | 'geq' | 'lt' | 'leq'} method
 * @param {'gt' | 'geq' | 'lt' | 'leq'} opposite
 * @param {(left: any, right: any) => boolean} compare
 * @returns {(left: unknown, right: unknown) => boolean}
 */
function bySize(method, opposite, compare) {
  return (left, right) => {
    if (!hasSize(left) || !hasSize(right)) return false;
    if (isComparable(left)) return left[method](right);
    if (isComparable(right)) return right[opposite](left);
    return compare(toValue(left), toValue(right));
  };
}

export const operators = {
  '==': equals,
  /** @type {(left: unknown, right: unknown) => boolean} */
  '!=': (left, right) => !equals(left, right),
  /** @type {(left: unknown, right: unknown) => boolean} */
  '<>': (left, right) => !equals(left, right),
  '>': bySize('gt', 'lt', (left, right) => left > right),
  '<': bySize('lt', 'gt', (left, right) => left < right),
  '>=': bySize('geq', 'leq', (left, right) => left >= right),
  '<=': bySize('leq', 'geq', (left, right) => left <= right),
  contains,
  /** @type {(value: unknown, context: Context) => boolean} */
  not: (value, context) => !isTruthy(value, context),
  /** @type {(left: unknown, right: unknown, context: Context) => boolean} */
  and: (left, right, context) => isTruthy(left, context) && isTruthy(right, context),
  /** @type {(left: unknown, right: unknown, context: Context) => boolean} */
  or: (left, right, context) => isTruthy(left, context) || isTruthy(right, context),
};
