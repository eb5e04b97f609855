// @ts-check
// Extends LiquidJS's tokenizer to Shopify's syntax, and refuses what other implementations refuse (strict reading). LiquidJS creates its
// tokenizers itself, so that their prototype is changed.
import { Expression, TagToken, Tokenizer, TokenKind, TypeGuards, toValue } from 'liquidjs';
import { readNumber as exactNumber, toNumber } from './numbers.mjs';

/** @import { Context } from 'liquidjs' */

/** The least and the greatest number of arguments of Shopify's filters. Filters that only LiquidJS has take any number. */
const ARGUMENTS = new Map(
  Object.entries({
    '0,0':
      'abs base64_decode base64_encode base64_url_safe_decode base64_url_safe_encode capitalize ceil downcase escape escape_once first floor last lstrip newline_to_br reverse rstrip size strip strip_html strip_newlines upcase url_decode url_encode',
    '0,1': 'compact default join round sort sort_natural sum uniq',
    '0,2': 'truncate truncatewords',
    '1,1': 'append at_least at_most concat divided_by map minus modulo plus prepend remove remove_first remove_last split times',
    '1,2': 'date find find_index has reject replace replace_first slice where',
    '2,2': 'replace_last',
  }).flatMap(([range, names]) => names.split(' ').map((name) => [name, /** @type {[number, number]} */ (range.split(',').map(Number))])),
);

let strict = false;

/** Whether the template that is being parsed is read strictly. */
export const isStrict = () => strict;

/**
 * Parses strictly: refuses missing or surplus arguments of filters, and comparisons that have no value on one side.
 * @template T
 * @param {() => T} parse
 * @returns {T}
 */
export function readStrictly(parse) {
  strict = true;
  try {
    return parse();
  } finally {
    strict = false;
  }
}

/** A bound of a range. Converts any value to a whole number. */
class WholeNumber extends Expression {
  /**
   * @override
   * @param {Context} context
   * @returns {Generator<any, number, any>}
   */
  *evaluate(context) {
    return Math.trunc(Number(toNumber(toValue(yield super.evaluate(context, false)))));
  }
}

/** @param {any} bound */
function toWhole(bound) {
  if (TypeGuards.isNumberToken(bound) && Number.isInteger(bound.content)) return bound;
  const { input, begin, end } = bound;
  return { kind: TokenKind.FilteredValue, initial: new WholeNumber([bound].values()), filters: [], input, begin, end };
}

/** @type {Record<string, (this: any, ...args: any[]) => any>} */
const extensions = {
  // LiquidJS reads number literals as doubles; this override keeps all digits.
  readNumber() {
    const token = original.readNumber.call(this);
    if (token && /\d$/.test(token.getText())) token.content = exactNumber(token.getText());
    return token;
  },

  readFilter() {
    const begin = this.p;
    const token = original.readFilter.call(this);
    if (strict && token) refuseArguments(this, token);
    if (strict && token && /,\s*$/.test(token.getText())) throw this.error('expected an argument after ","', token.begin);
    if (strict && !token && /\S/.test(this.input.slice(begin, this.p))) throw this.error('expected filter name', begin);
    return token;
  },

  readQuoted() {
    const token = original.readQuoted.call(this);
    if (strict && token && !/^(["']).*\1$/s.test(token.getText()))
      throw this.error(`quotation ${this.snapshot(token.begin)} not closed`, token.begin);
    return token;
  },

  readTagName() {
    this.tagName = original.readTagName.call(this);
    return this.tagName;
  },

  readFilteredValue() {
    const token = original.readFilteredValue.call(this);
    const isList = this.tagName === 'cycle' && this.peek() === ',';
    if (strict && !this.end() && !isList) throw this.error(`unexpected ${JSON.stringify(this.peek())}`);
    return token;
  },

  *readExpressionTokens() {
    let last = null;
    let isCompared = false;
    for (const token of original.readExpressionTokens.call(this)) {
      if (strict) refuseOrder(this, last, token);
      if (TypeGuards.isOperatorToken(token) && token.getText() !== 'not') {
        const compares = token.getText() !== 'and' && token.getText() !== 'or';
        if (strict && compares && isCompared) throw this.error(`unexpected "${token.getText()}" after a comparison`, token.begin);
        isCompared = compares;
      }
      last = token;
      yield token;
    }
    if (strict && last && TypeGuards.isOperatorToken(last)) throw this.error(`value expected after "${last.getText()}"`, last.begin);
  },

  // White space may stand before `.` and `[`.
  readProperties(isBegin = true) {
    if (strict && isBegin && this.peek() === '.' && this.peek(1) !== '.') throw this.error('unexpected "."');
    const properties = original.readProperties.call(this, isBegin);
    const empty = properties.find((/** @type {any} */ { begin, end }) => begin === end);
    if (strict && empty) throw this.error('expected a value between "[" and "]"', empty.begin);
    if (strict && this.input[this.p - 1] === '.' && properties.length > 0) throw this.error('expected a name after "."');
    if (isBegin && properties.length === 0) return properties;
    for (;;) {
      const end = this.p;
      this.skipBlank();
      const isProperty = this.p > end && (this.peek() === '[' || (this.peek() === '.' && this.peek(1) !== '.'));
      const more = isProperty ? original.readProperties.call(this, false) : [];
      if (more.length === 0) {
        this.p = end;
        return properties;
      }
      properties.push(...more);
    }
  },

  readGroupOrRange() {
    const range = original.readGroupOrRange.call(this);
    if (range && TypeGuards.isRangeToken(range))
      for (const side of /** @type {const} */ (['lhs', 'rhs'])) range[side] = /** @type {any} */ (toWhole(range[side]));
    return range;
  },

  readTagToken(options) {
    const token = original.readTagToken.call(this, options);
    if (token.name === 'doc') readDocumentation(this);
    return token;
  },

  // Unlike LiquidJS, finds `{%- endraw -%}`.
  readEndrawOrRawContent(options) {
    const { input, p: begin } = this;
    const end = matchFrom(/\{%-?\s*endraw\s*-?%\}/g, input, begin);
    if (!end) throw this.error(`raw ${this.snapshot(this.rawBeginAt)} not closed`, begin);
    if (end.index > begin) {
      this.p = end.index;
      const text = new Tokenizer(input, undefined, this.file, [begin, end.index]);
      return text.readHTMLToken([]);
    }
    this.p = begin + end[0].length;
    this.rawBeginAt = -1;
    return new TagToken(input, begin, this.p, options, this.file);
  },
};
/** @type {any} */
const prototype = Tokenizer.prototype;
/** @type {Record<string, any>} */
const original = Object.fromEntries(Object.keys(extensions).map((name) => [name, prototype[name]]));
Object.assign(prototype, extensions);

/**
 * @param {RegExp} pattern with the flag g
 * @param {string} input
 * @param {number} from
 * @returns {RegExpExecArray | null}
 */
function matchFrom(pattern, input, from) {
  pattern.lastIndex = from;
  return pattern.exec(input);
}

/**
 * Skips the text of a tag `doc`, which may hold anything.
 * @param {Tokenizer} tokenizer
 */
function readDocumentation(tokenizer) {
  const end = matchFrom(/\{%-?\s*(?:end)?doc\b/g, tokenizer.input, tokenizer.p);
  if (!end) throw tokenizer.error('tag doc not closed');
  tokenizer.p = end.index;
}

/**
 * @param {Tokenizer} tokenizer
 * @param {any} filter
 */
function refuseArguments(tokenizer, { name, args, begin }) {
  const range = ARGUMENTS.get(name);
  if (!range) return;
  const [least, most] = range;
  const count = args.filter((/** @type {unknown} */ arg) => !Array.isArray(arg)).length;
  if (count >= least && count <= most) return;
  const expected = most === 0 ? 'no arguments' : least === most ? `${least}` : `${least} to ${most}`;
  throw tokenizer.error(`invalid arguments: the filter ${name} expects ${expected}, but has ${count}`, begin);
}

/**
 * Refuses two values without an operator between them, and an operator without a value before it.
 * @param {Tokenizer} tokenizer
 * @param {any} last
 * @param {any} token
 */
function refuseOrder(tokenizer, last, token) {
  const isAfterValue = last !== null && !TypeGuards.isOperatorToken(last);
  const needsValueBefore = TypeGuards.isOperatorToken(token) && token.getText() !== 'not';
  if (isAfterValue === needsValueBefore) return;
  throw tokenizer.error(`unexpected ${JSON.stringify(token.getText())}`, token.begin);
}
