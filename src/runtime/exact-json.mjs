// @ts-check
// Reads and writes JSON without losing digits: a number that a double can't hold is read as an ExactNumber, every other as a number.
// JavaScript, because render processes run it from `src` and from `dist` with no compiler in between.
// Built on the native parser and serializer, so that duplicate keys, `__proto__`, depth and error messages are as everywhere else.
import { randomUUID } from 'node:crypto';

/** Begins the texts that stand for numbers on their way through the native functions. Random: no document can hold one. */
const MARK = `digits:${randomUUID()}:`;

/** Finds in most documents that no number needs more than a double: none has 16 characters, an exponent, or is a negative zero. */
const SUSPECT = /[[:,\s](?:-0|-?\d(?:[\d.]{15}|[\d.]*[eE]))/;
/** The suspects, each with the character before it. */
const SUSPECTS = /(?:^|[[:,\s])(-0[\d.]*(?:[eE][-+]?\d+)?|-?\d[\d.]*(?:[eE][-+]?\d+|(?<=[\d.]{16})))/g;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const MARKED = new RegExp(`"${MARK}(-?\\d[\\d.eE+-]*)"`, 'g');
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Whether an ExactNumber writes itself for stringifyJson, and whether one did. JSON.stringify is synchronous. */
let isMarking = false;
let hasMarked = false;

/** A number by its digits. `equals`, `gt` and so on are what liquidjs compares by. */
export class ExactNumber {
  #text;

  /** @param {string} text as JSON writes a number */
  constructor(text) {
    this.#text = text;
  }

  toString() {
    return this.#text;
  }

  /** The nearest double. */
  valueOf() {
    return Number(this.#text);
  }

  /** A serializer that isn't stringifyJson keeps the digits as a string. */
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
 * @param {string} text as JSON writes a number
 * @returns {number | ExactNumber}
 */
export function toExact(text) {
  return isDouble(text) ? Number(text) : new ExactNumber(text);
}

/**
 * Whether a JSON text may hold an ExactNumber. Cheap; false is certain.
 * @param {string} text
 */
function mayBeExact(text) {
  if (!SUSPECT.test(text) && !/^[-\d]/.test(text)) return false;
  for (const [, number] of text.matchAll(SUSPECTS)) if (!isDouble(/** @type {string} */ (number))) return true;
  return false;
}

/**
 * Like JSON.parse. Equal digits of one text are one object, so that a Set or Map takes them for one.
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
  return JSON.parse(marked, (_key, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? numbers.get(value.slice(MARK.length)) : value,
  );
}

/**
 * Like JSON.stringify, with every digit of an ExactNumber.
 * @param {unknown} value
 * @param {((this: any, key: string, value: any) => any) | null} [replacer]
 * @param {number} [indent]
 * @returns {string}
 */
export function stringifyJson(value, replacer, indent) {
  return write(value, replacer, indent).text;
}

/**
 * A value for a library that writes JSON by itself: the same, or, where that would lose digits, a string that `readMarked` reads.
 * @template T
 * @param {T} value
 * @returns {T | string}
 */
export function toMarked(value) {
  const { text, isExact } = write(value);
  return isExact ? MARK + text : value;
}

/**
 * The JSON text behind a string of `toMarked`; `null` for any other value.
 * @param {unknown} value
 * @returns {string | null}
 */
export function readMarked(value) {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null;
}

/**
 * A JSON text for a library that parses it by itself: the same, or, where that would lose digits, a JSON string that `readMarked` reads.
 * @param {string} text
 */
export function toMarkedText(text) {
  return mayBeExact(text) ? JSON.stringify(MARK + text) : text;
}

/**
 * The JSON text behind the JSON of a string of `toMarked`; any other text as it is.
 * @param {string} text
 */
export function fromMarkedText(text) {
  return text.startsWith(`"${MARK}`) ? /** @type {string} */ (readMarked(JSON.parse(text))) : text;
}

/**
 * By their value, exactly.
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
 * Whether the double that is nearest is written with the same value again.
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
 * `0.digits` times ten to the power of `exponent`; the first and the last digit are no zeros.
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
