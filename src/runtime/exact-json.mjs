// @ts-check
// Reads and writes JSON without losing digits: a number that no double represents becomes an ExactNumber. This file is
// plain JavaScript, because render processes load it without a compiler. It uses JSON.parse and JSON.stringify, so that
// duplicate keys, `__proto__`, nesting depth and error messages behave as usual.
import { randomUUID } from 'node:crypto';

/**
 * Prefix of the strings that stand for exact numbers inside JSON.parse and JSON.stringify. Random, so that no document
 * can contain it.
 */
const MARK = `digits:${randomUUID()}:`;

/**
 * Fast check: a JSON text without a match has no number of 16 characters or more, no exponent and no negative zero, so
 * doubles represent all of its numbers.
 */
const SUSPECT = /[[:,\s](?:-0|-?\d(?:[\d.]{15}|[\d.]*[eE]))/;
/** Matches each number that a double may not represent, with the character before it. */
const SUSPECTS = /(?:^|[[:,\s])(-0[\d.]*(?:[eE][-+]?\d+)?|-?\d[\d.]*(?:[eE][-+]?\d+|(?<=[\d.]{16})))/g;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const MARKED = new RegExp(`"${MARK}(-?\\d[\\d.eE+-]*)"`, 'g');
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * `isMarking`: whether ExactNumber.toJSON must write a string with MARK, because stringifyJson called it. `hasMarked`:
 * whether it has written such a string. Module state is safe here, because JSON.stringify is synchronous.
 */
let isMarking = false;
let hasMarked = false;

/** A number stored as its decimal digits. liquidjs compares values by `equals`, `gt`, `geq`, `lt` and `leq`. */
export class ExactNumber {
  #text;

  /** @param {string} text a number in JSON's syntax */
  constructor(text) {
    this.#text = text;
  }

  toString() {
    return this.#text;
  }

  /** Returns the nearest double. */
  valueOf() {
    return Number(this.#text);
  }

  /** Makes serializers other than stringifyJson write the digits as a string. */
  toJSON() {
    if (!isMarking) return this.#text;
    hasMarked = true;
    return MARK + this.#text;
  }

  /** @param {unknown} other */
  equals(other) {
    return isNumber(other) && compareNumbers(this, other) === 0;
  }

  /** @param {unknown} other */
  gt(other) {
    return isNumber(other) ? compareNumbers(this, other) > 0 : this.valueOf() > /** @type {number} */ (other);
  }

  /** @param {unknown} other */
  geq(other) {
    return isNumber(other) ? compareNumbers(this, other) >= 0 : this.valueOf() >= /** @type {number} */ (other);
  }

  /** @param {unknown} other */
  lt(other) {
    return isNumber(other) ? compareNumbers(this, other) < 0 : this.valueOf() < /** @type {number} */ (other);
  }

  /** @param {unknown} other */
  leq(other) {
    return isNumber(other) ? compareNumbers(this, other) <= 0 : this.valueOf() <= /** @type {number} */ (other);
  }
}

/**
 * Returns a number, or an ExactNumber if a double would lose digits.
 * @param {string} text a number in JSON's syntax
 * @returns {number | ExactNumber}
 */
export function toExact(text) {
  return isDouble(text) ? Number(text) : new ExactNumber(text);
}

/**
 * Whether a JSON text may contain an ExactNumber. This check is fast: it may return `true` for a text without such a
 * number, but never `false` for a text with one.
 * @param {string} text
 */
function mayBeExact(text) {
  if (!SUSPECT.test(text) && !/^[-\d]/.test(text)) return false;
  for (const [, number] of text.matchAll(SUSPECTS)) if (!isDouble(/** @type {string} */ (number))) return true;
  return false;
}

/**
 * Like JSON.parse. Equal digits in one text become the same object, so that a Set or Map treats them as equal.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError}
 */
export function parseJson(text) {
  const rounded = JSON.parse(text);
  if (typeof text !== 'string' || !mayBeExact(text)) return rounded;
  /** @type {Map<string, ExactNumber>} */
  const numbers = new Map();
  const marked = text.replace(TOKENS, (token) => {
    if (token.startsWith('"') || isDouble(token)) return token;
    if (!numbers.has(token)) numbers.set(token, new ExactNumber(token));
    return `"${MARK}${token}"`;
  });
  if (numbers.size === 0) return rounded;
  return replaceMarked([JSON.parse(marked)], numbers)[0];
}

/** Matches a text with a number that JavaScript would write otherwise: 1.10, or one of 22 digits or 0.0000001, which get an exponent. */
const OTHERWISE = /\.\d*0[,\]}\s]|\d{22}|\b0\.0{6}/;

/**
 * Like parseJson, for a row by its columns: each number is written again as it was, such as 1.10 of a `numeric`. The value of a JSON column
 * is read from it by `asJson`.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError}
 */
export function parseRow(text) {
  if (!OTHERWISE.test(text)) return parseJson(text);
  /** @type {Map<string, ExactNumber>} */
  const numbers = new Map();
  const marked = text.replace(TOKENS, (token) => {
    if (token.startsWith('"') || (isDouble(token) && String(Number(token)) === token)) return token;
    if (!numbers.has(token)) numbers.set(token, new ExactNumber(token));
    return `"${MARK}${token}"`;
  });
  return replaceMarked([JSON.parse(marked)], numbers)[0];
}

/**
 * Returns a value of parseRow as parseJson would have read it: 1.10 is 1.1.
 * @param {any} value
 * @returns {any}
 */
export const asJson = (value) => (typeof value === 'object' && value !== null ? parseJson(stringifyJson(value)) : value);

/**
 * Replaces each marked string by its ExactNumber. It has no recursion, as a reviver of JSON.parse would have, because JSON may be nested
 * more deeply than the stack.
 * @param {any[]} root
 * @param {Map<string, ExactNumber>} numbers
 */
function replaceMarked(root, numbers) {
  const open = [root];
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    for (const key of Object.keys(holder)) {
      const value = holder[/** @type {any} */ (key)];
      if (typeof value === 'object' && value !== null) open.push(value);
      else if (typeof value === 'string' && value.startsWith(MARK))
        holder[/** @type {any} */ (key)] = numbers.get(value.slice(MARK.length));
    }
  }
  return root;
}

/**
 * Like JSON.stringify, but writes every digit of an ExactNumber.
 * @param {unknown} value
 * @param {((this: any, key: string, value: any) => any) | null} [replacer]
 * @param {number} [indent]
 * @returns {string}
 */
export function stringifyJson(value, replacer, indent) {
  return write(value, replacer, indent).text;
}

/**
 * Prepares a value for a library that calls JSON.stringify itself. Returns the value or, if digits would be lost, a marked
 * string with its JSON text, which `readMarked` recognises.
 * @template T
 * @param {T} value
 * @returns {T | string}
 */
export function toMarked(value) {
  const { text, isExact } = write(value);
  return isExact ? MARK + text : value;
}

/**
 * Returns the JSON text inside a string that `toMarked` has made; `null` for any other value.
 * @param {unknown} value
 * @returns {string | null}
 */
export function readMarked(value) {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null;
}

/**
 * Prepares a JSON text for a library that calls JSON.parse itself. Returns the text or, if digits would be lost, the JSON
 * of a marked string, which `readMarked` recognises.
 * @param {string} text
 */
export function toMarkedText(text) {
  return mayBeExact(text) ? JSON.stringify(MARK + text) : text;
}

/**
 * Returns the JSON text inside a marked string that a library has serialized; returns any other text unchanged.
 * @param {string} text
 */
export function fromMarkedText(text) {
  return text.startsWith(`"${MARK}`) ? /** @type {string} */ (readMarked(JSON.parse(text))) : text;
}

/**
 * Compares two numbers by their exact value.
 * @param {number | ExactNumber} one
 * @param {number | ExactNumber} other
 * @returns {number} negative, 0 or positive
 */
export function compareNumbers(one, other) {
  if (one === Infinity || other === -Infinity) return one === other ? 0 : 1;
  if (one === -Infinity || other === Infinity) return one === other ? 0 : -1;
  const [a, b] = [partsOf(String(one)), partsOf(String(other))];
  if (a.sign !== b.sign) return a.sign - b.sign;
  if (a.exponent !== b.exponent) return (a.exponent - b.exponent) * a.sign;
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -a.sign : a.sign;
}

/**
 * @param {unknown} value
 * @param {((this: any, key: string, value: any) => any) | null} [replacer]
 * @param {number} [indent]
 */
function write(value, replacer, indent) {
  isMarking = true;
  hasMarked = false;
  try {
    const text = JSON.stringify(value, /** @type {undefined} */ (replacer), indent);
    return { text: hasMarked ? text.replace(MARKED, '$1') : text, isExact: hasMarked };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // JSON.stringify recurses: it fails at some thousand levels of nesting, and for a text longer than a string can be.
    throw new RangeError(
      `The value can't be written as JSON, because it nests too many lists and objects or is too long: ${error.message}.`,
      { cause: error },
    );
  } finally {
    isMarking = false;
  }
}

/**
 * @param {unknown} value
 * @returns {value is number | ExactNumber}
 */
function isNumber(value) {
  return value instanceof ExactNumber || (typeof value === 'number' && !Number.isNaN(value));
}

/**
 * Whether a double represents the number without losing digits.
 * @param {string} text
 */
function isDouble(text) {
  const double = Number(text);
  if (!Number.isFinite(double)) return false;
  if (double === 0 && text.startsWith('-')) return false;
  if (text.length <= 15 && !/[eE]/.test(text)) return true;
  const again = String(double);
  if (again === text) return true;
  const [written, held] = [partsOf(text), partsOf(again)];
  return written.exponent === held.exponent && written.digits === held.digits;
}

/**
 * Splits a number into sign, digits and exponent: its value is `0.digits` times ten to the power of `exponent`, without
 * leading or trailing zeros.
 * @param {string} text
 */
function partsOf(text) {
  const [, minus, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  const all = whole + fraction;
  let from = 0;
  while (all[from] === '0') from++;
  let to = all.length;
  while (to > from && all[to - 1] === '0') to--;
  if (from === to) return { sign: 0, digits: '', exponent: 0 };
  return { sign: minus ? -1 : 1, digits: all.slice(from, to), exponent: whole.length - from + Number(exponent) };
}
