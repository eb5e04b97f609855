// @ts-check
// The loop tags of Shopify's Liquid: `for`, `tablerow` and `cycle`.
import { CycleTag, Drop, evalToken, ForTag, TablerowTag, toValue, Value } from 'liquidjs';
import { ExactNumber } from '../../../../runtime/exact-json.mjs';
import { isStrict } from './syntax.mjs';
import { trimBlank } from './tags.mjs';
import { toLoop, toText } from './values.mjs';

/** @import { Context, Emitter, Hash, Liquid, Parser, TagToken, Tokenizer, TopLevelToken } from 'liquidjs' */

/** Name of the register (a value of the rendering context) with the `forloop` of the innermost loop. */
const INNERMOST = 'hookgraph.forloop';

/** The variable `forloop`. */
class Loop extends Drop {
  i = 0;

  /**
   * @param {number} length
   * @param {string} name
   * @param {Loop | undefined} parentloop
   */
  constructor(length, name, parentloop) {
    super();
    this.length = length;
    this.name = name;
    this.parentloop = parentloop;
  }

  next() {
    this.i++;
  }

  index0() {
    return this.i;
  }

  index() {
    return this.i + 1;
  }

  rindex() {
    return this.length - this.i;
  }

  rindex0() {
    return this.length - this.i - 1;
  }

  first() {
    return this.i === 0;
  }

  last() {
    return this.i === this.length - 1;
  }

  /** @override */
  valueOf() {
    return this.name;
  }
}

/** The variable `tablerowloop`. */
class TableRowLoop extends Loop {
  /**
   * @param {number} length
   * @param {string} name
   * @param {number} columns
   */
  constructor(length, name, columns) {
    super(length, name, undefined);
    this.columns = columns;
  }

  row() {
    return Math.floor(this.i / this.columns) + 1;
  }

  col0() {
    return this.i % this.columns;
  }

  col() {
    return this.col0() + 1;
  }

  col_first() {
    return this.col0() === 0;
  }

  col_last() {
    return this.col() === this.columns;
  }
}

/**
 * Reads a numeric argument, e.g. `limit`: the whole part of a number, or a text that is a whole number.
 * @param {unknown} value
 * @param {string} name
 * @returns {number | undefined} `undefined` for nil
 */
function toBound(value, name) {
  const plain = toValue(value);
  if (plain === null || plain === undefined) return undefined;
  const isNumeric =
    typeof plain === 'number' || plain instanceof ExactNumber || (typeof plain === 'string' && /^\s*[+-]?\d+\s*$/.test(plain));
  if (!isNumeric) throw new Error(`invalid ${name}: a whole number is expected`);
  return Math.trunc(Number(plain));
}

/**
 * @param {any[]} items
 * @param {number} offset
 * @param {number | undefined} limit
 */
const part = (items, offset, limit) =>
  items.slice(Math.max(0, offset), limit === undefined ? undefined : Math.max(0, offset) + Math.max(0, limit));

/**
 * Refuses arguments that a loop doesn't have, such as a filter, which would be ignored.
 * @param {Tokenizer} tokenizer after the arguments
 * @param {Hash} found
 * @param {string[]} known
 */
function refuseArguments(tokenizer, { hash }, known) {
  if (!isStrict()) return;
  tokenizer.skipBlank();
  if (!tokenizer.end()) throw tokenizer.error(`unexpected ${JSON.stringify(tokenizer.peek())}`);
  for (const [name, value] of Object.entries(hash))
    if (!known.includes(name) || (value === undefined) !== (name === 'reversed'))
      throw new Error(`invalid argument ${JSON.stringify(name)}: expected ${known.join(', ')}`);
}

export class For extends ForTag {
  /**
   * @param {TagToken} token
   * @param {TopLevelToken[]} remaining
   * @param {Liquid} liquid
   * @param {Parser} parser
   */
  constructor(token, remaining, liquid, parser) {
    super(token, remaining, liquid, parser);
    refuseArguments(this.tokenizer, this.hash, ['limit', 'offset', 'reversed']);
    this.isBlank = trimBlank([this.templates, this.elseTemplates]);
    this.loopName = `${this.variable}-${this.collection.getText()}`;
  }

  /**
   * @override
   * @param {Context} context
   * @param {Emitter} emitter
   * @returns {Generator<any, void, any>}
   */
  *render(context, emitter) {
    const { renderer } = this.liquid;
    const all = toLoop(yield evalToken(this.collection, context), context);
    const continueKey = `continue-${this.loopName}`;
    context.push({ continue: context.getRegister(continueKey) ?? 0 });
    const { offset, limit, reversed } = yield this.hash.render(context);
    context.pop();
    const start = toBound(offset, 'offset') ?? 0;
    const items = part(all, start, toBound(limit, 'limit'));
    context.setRegister(continueKey, start + items.length);
    if (items.length === 0) {
      yield renderer.renderTemplates(this.elseTemplates, context, emitter);
      return;
    }
    if (reversed) items.reverse();
    const outer = context.getRegister(INNERMOST);
    const forloop = new Loop(items.length, this.loopName, outer);
    const scope = Object.create(null);
    scope.forloop = forloop;
    context.push(scope);
    context.setRegister(INNERMOST, forloop);
    for (const item of items) {
      scope[this.variable] = item;
      yield renderer.renderTemplates(this.templates, context, emitter);
      const isBroken = context.breakCalled;
      context.breakCalled = context.continueCalled = false;
      if (isBroken) break;
      forloop.next();
    }
    context.setRegister(INNERMOST, outer);
    context.pop();
  }
}

export class TableRow extends TablerowTag {
  /**
   * @param {TagToken} token
   * @param {TopLevelToken[]} remaining
   * @param {Liquid} liquid
   * @param {Parser} parser
   */
  constructor(token, remaining, liquid, parser) {
    super(token, remaining, liquid, parser);
    refuseArguments(this.tokenizer, this.args, ['cols', 'limit', 'offset']);
  }

  /**
   * @override
   * @param {Context} context
   * @param {Emitter} emitter
   * @returns {Generator<any, void, any>}
   */
  *render(context, emitter) {
    const all = toLoop(yield evalToken(this.collection, context), context);
    const { offset, limit, cols } = yield this.args.render(context);
    const items = part(all, toBound(offset, 'offset') ?? 0, toBound(limit, 'limit'));
    if (items.length === 0) return;
    const columns = Math.max(1, toBound(cols, 'cols') ?? items.length);
    const tablerowloop = new TableRowLoop(items.length, `${this.variable}-${this.collection.getText()}`, columns);
    const scope = Object.assign(Object.create(null), { tablerowloop });
    context.push(scope);
    emitter.write('<tr class="row1">\n');
    for (const item of items) {
      scope[this.variable] = item;
      if (tablerowloop.col_first() && !tablerowloop.first()) emitter.write(`</tr>\n<tr class="row${tablerowloop.row()}">`);
      emitter.write(`<td class="col${tablerowloop.col()}">`);
      yield this.liquid.renderer.renderTemplates(this.templates, context, emitter);
      emitter.write('</td>');
      const isBroken = context.breakCalled;
      context.breakCalled = context.continueCalled = false;
      if (isBroken) break;
      tablerowloop.next();
    }
    emitter.write('</tr>\n');
    context.pop();
  }
}

/** A named cycle continues where another cycle with the same name stopped, even if their values differ. */
export class Cycle extends CycleTag {
  /**
   * @override
   * @param {Context} context
   * @returns {Generator<any, unknown, any>}
   */
  *render(context) {
    const { candidates, group } = /** @type {{ candidates: any[], group: any }} */ (/** @type {unknown} */ (this));
    const name = group ? `named ${toText(yield evalToken(group, context), context)}` : candidates.map((each) => each.getText()).join(',');
    /** @type {Map<string, number>} */
    const positions = context.getRegister('hookgraph.cycle') ?? context.setRegister('hookgraph.cycle', new Map());
    const at = positions.get(name) ?? 0;
    positions.set(name, at + 1 < candidates.length ? at + 1 : 0);
    if (at >= candidates.length) return '';
    const candidate = new Value(candidates[at], this.liquid);
    const value = yield candidate.value(context, false);
    const { outputEscape } = this.liquid.options;
    const isRaw = /** @type {any} */ (candidate.filters.at(-1))?.raw;
    return outputEscape && !isRaw ? yield outputEscape.call(/** @type {any} */ ({ context, liquid: this.liquid }), value) : value;
  }
}
