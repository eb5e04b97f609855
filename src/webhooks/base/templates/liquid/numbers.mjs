// @ts-check
// Calculates as Shopify's Liquid does: whole numbers stay whole, decimals are exact, and a decimal result keeps its point (`5.0`).
import { toValue } from 'liquidjs';
import { compareNumbers, ExactNumber, toExact } from '../../../../runtime/exact-json.mjs';

/** @typedef {number | ExactNumber} Numeric */
/**
 * `digits / 10^scale`. `isFloat`: written with a decimal point.
 * @typedef {{ digits: bigint, scale: number, isFloat: boolean }} Decimal
 */
/**
 * `scale`: computes the scale of the result. If it is absent, both numbers are first converted to the same scale.
 * @typedef {{
 *   double: (a: number, b: number) => number,
 *   exact: (a: bigint, b: bigint) => bigint,
 *   scale?: (a: number, b: number) => number,
 * }} Operation
 */

/** Calculations with more digits or a larger exponent fail, because they would take too long. Doubles stay doubles. */
const MAX_DIGITS = 100;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Returns the number that filters see in a value. A text that is no number counts as the whole number at its start, everything else as 0.
 * @param {unknown} value
 * @returns {Numeric}
 */
export function toNumber(value) {
  const plain = toValue(value);
  if (typeof plain === 'number') return Number.isNaN(plain) ? 0 : plain;
  if (plain instanceof ExactNumber) return plain;
  if (typeof plain !== 'string') return 0;
  const text = plain.trim();
  if (NUMBER.test(text)) return readNumber(text);
  return readNumber(/^[+-]?\d+/.exec(text)?.[0].replace('+', '') ?? '0');
}

/**
 * Reads a number without losing digits or its decimal point: `5.0` equals `5`, but is written as `5.0`.
 * @param {string} text a number in JSON's syntax, or with leading zeros
 * @returns {Numeric}
 */
export function readNumber(text) {
  const number = toExact(text.replace(/^(-?)0+(?=\d)/, '$1'));
  return typeof number === 'number' && /\d\.\d/.test(text) ? withPoint(number) : number;
}

/**
 * @param {number} double
 * @returns {Numeric}
 */
function withPoint(double) {
  return Number.isInteger(double) && Math.abs(double) < 1e21 ? new ExactNumber(`${double}.0`) : double;
}

/**
 * Returns an argument as a whole number. Accepts a text that is a whole number; throws for other values.
 * @param {unknown} value
 * @param {string} name what the number means, for the error message
 * @returns {number}
 */
export function toInteger(value, name) {
  const plain = toValue(value);
  const number =
    typeof plain === 'string' && /^\s*[+-]?\d+\s*$/.test(plain) ? Number(plain) : plain instanceof ExactNumber ? plain.valueOf() : plain;
  if (typeof number === 'number' && Number.isInteger(number) && !/\./.test(String(plain))) return number;
  throw new Error(`invalid ${name}: a whole number is expected`);
}

/**
 * @param {Numeric} number
 * @returns {Decimal | null} `null` when it has too many digits
 */
function toDecimal(number) {
  const text = String(number);
  const [, minus, whole = '', fraction = '', exponent = '0'] = (text.length <= MAX_DIGITS && NUMBER.exec(text)) || [];
  const power = Number(exponent);
  if (whole === '' || Math.abs(power) > MAX_DIGITS) return null;
  const digits = BigInt(`${minus}${whole}${fraction}`);
  const scale = fraction.length - power;
  const isFloat = /[.eE]/.test(text);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0, isFloat } : { digits, scale, isFloat };
}

/**
 * @param {Decimal} decimal
 * @returns {Numeric}
 */
function fromDecimal({ digits, scale, isFloat }) {
  if (!isFloat) return toExact(String(digits / 10n ** BigInt(scale)));
  const [minus, absolute] = digits < 0n ? ['-', -digits] : ['', digits];
  const text = String(absolute).padStart(scale + 1, '0');
  const fraction = text.slice(text.length - scale).replace(/0+$/, '');
  return readNumber(`${minus}${text.slice(0, text.length - scale)}.${scale === 0 || fraction === '' ? '0' : fraction}`);
}

/**
 * @param {Decimal} a
 * @param {Decimal} b
 * @returns {[bigint, bigint, number]} the digits of both with the same scale, and that scale
 */
function align(a, b) {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

/**
 * @param {unknown} left
 * @param {unknown} right
 * @param {Operation} operation
 * @returns {Numeric}
 */
function calculate(left, right, { double, exact, scale }) {
  const [l, r] = [toNumber(left), toNumber(right)];
  if (Number.isSafeInteger(l) && Number.isSafeInteger(r)) {
    const result = double(/** @type {number} */ (l), /** @type {number} */ (r)) + 0;
    if (Number.isSafeInteger(result)) return result;
  }
  const [a, b] = [toDecimal(l), toDecimal(r)];
  if (!a || !b) return doubleOf(l, r, double);
  const isFloat = a.isFloat || b.isFloat;
  if (scale) return fromDecimal({ digits: exact(a.digits, b.digits), scale: scale(a.scale, b.scale), isFloat });
  const [x, y, common] = align(a, b);
  return fromDecimal({ digits: exact(x, y), scale: common, isFloat });
}

/**
 * Calculates with doubles. @throws Error if digits would be lost
 * @param {Numeric} left
 * @param {Numeric} right
 * @param {(a: number, b: number) => number} double
 * @returns {number}
 */
function doubleOf(left, right, double) {
  const result = double(Number(left), Number(right));
  const isExact = typeof left === 'number' && typeof right === 'number';
  if (isExact && Number.isFinite(result)) return result;
  throw new Error(`invalid number: filters calculate with at most ${MAX_DIGITS} digits`);
}

/** @type {Operation} */
const ADD = { double: (a, b) => a + b, exact: (a, b) => a + b };
/** @type {Operation} */
const SUBTRACT = { double: (a, b) => a - b, exact: (a, b) => a - b };
/** @type {Operation} */
const MULTIPLY = { double: (a, b) => a * b, exact: (a, b) => a * b, scale: (a, b) => a + b };
// The remainder has the same sign as the divisor.
/** @type {Operation} */
const REMAINDER = { double: (a, b) => ((a % b) + b) % b, exact: (a, b) => ((a % b) + b) % b };

/** @param {unknown} divisor */
function refuseZero(divisor) {
  if (compareNumbers(toNumber(divisor), 0) === 0) throw new Error('invalid divisor: a number cannot be divided by 0');
}

/**
 * Divides. Two whole numbers give a whole number, rounded down. Any other quotient has about 16 digits, or 40 if a number has more than 15.
 * @param {unknown} dividend
 * @param {unknown} divisor
 * @param {unknown} [isWhole] round down in any case
 * @returns {Numeric}
 */
function divide(dividend, divisor, isWhole = false) {
  refuseZero(divisor);
  const [l, r] = [toNumber(dividend), toNumber(divisor)];
  const [a, b] = [toDecimal(l), toDecimal(r)];
  if (!a || !b) return doubleOf(l, r, (one, other) => (isWhole ? Math.floor(one / other) : one / other));
  const [x, y] = align(a, b);
  if (!toValue(isWhole) && (a.isFloat || b.isFloat)) {
    if (lengthOf(a.digits) <= 15 && lengthOf(b.digits) <= 15) return withPoint(Number(l) / Number(r));
    const scale = Math.max(0, 40 - lengthOf(x) + lengthOf(y));
    return fromDecimal({ digits: (x * 10n ** BigInt(scale)) / y, scale, isFloat: true });
  }
  return toExact(String((x - (((x % y) + y) % y)) / y));
}

/** @param {bigint} digits */
const lengthOf = (digits) => String(digits).replace('-', '').length;

/**
 * Rounds; halves are rounded away from zero. Returns a whole number if no decimal places are left.
 * @param {unknown} value
 * @param {number} places
 * @param {(digits: bigint, unit: bigint) => bigint} toUnits divides `digits` by `unit` and rounds
 * @returns {Numeric}
 */
function roundTo(value, places, toUnits) {
  const number = toNumber(value);
  const decimal = toDecimal(number);
  if (!decimal) return number;
  const dropped = decimal.scale - places;
  if (dropped > 3 * MAX_DIGITS) return 0;
  if (dropped <= 0) return places > 0 ? number : fromDecimal({ ...decimal, isFloat: false });
  const units = toUnits(decimal.digits, 10n ** BigInt(dropped));
  if (places > 0) return fromDecimal({ digits: units, scale: places, isFloat: true });
  return toExact(String(units * 10n ** BigInt(-places)));
}

/** @type {(digits: bigint, unit: bigint) => bigint} */
const down = (digits, unit) => (digits - (((digits % unit) + unit) % unit)) / unit;
/** @type {(digits: bigint, unit: bigint) => bigint} */
const up = (digits, unit) => -down(-digits, unit);
/** @type {(digits: bigint, unit: bigint) => bigint} */
const nearest = (digits, unit) => (digits < 0n ? -down(-digits + unit / 2n, unit) : down(digits + unit / 2n, unit));

/**
 * @param {unknown} one
 * @param {unknown} other
 * @param {1 | -1} sign 1: the larger one, -1: the smaller one
 * @returns {Numeric}
 */
function choose(one, other, sign) {
  const [a, b] = [toNumber(one), toNumber(other)];
  return compareNumbers(b, a) * sign > 0 ? b : a;
}

/** @type {(one: unknown, other: unknown) => Numeric} */
export const add = (one, other) => calculate(one, other, ADD);

/** The filters that calculate. */
export const numberFilters = {
  /** @param {unknown} value */
  abs: (value) => (compareNumbers(toNumber(value), 0) < 0 ? calculate(0, value, SUBTRACT) : toNumber(value)),
  /** @type {(value: unknown, least: unknown) => Numeric} */
  at_least: (value, least) => choose(value, least, 1),
  /** @type {(value: unknown, most: unknown) => Numeric} */
  at_most: (value, most) => choose(value, most, -1),
  /** @param {unknown} value */
  ceil: (value) => roundTo(value, 0, up),
  divided_by: divide,
  /** @param {unknown} value */
  floor: (value) => roundTo(value, 0, down),
  /** @type {(value: unknown, by: unknown) => Numeric} */
  minus: (value, by) => calculate(value, by, SUBTRACT),
  /** @type {(value: unknown, by: unknown) => Numeric} */
  modulo(value, by) {
    refuseZero(by);
    return calculate(value, by, REMAINDER);
  },
  plus: add,
  /** @type {(value: unknown, places: unknown) => Numeric} */
  round: (value, places) => roundTo(value, Math.max(-3 * MAX_DIGITS, Math.trunc(Number(toNumber(places)))), nearest),
  /** @type {(value: unknown, by: unknown) => Numeric} */
  times: (value, by) => calculate(value, by, MULTIPLY),
};
