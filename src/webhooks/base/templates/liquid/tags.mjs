// @ts-check
// The tags of Shopify's Liquid that LiquidJS doesn't have, or that behave differently in it.
import { CaptureTag, evalToken, IfTag, Tag, TypeGuards, toValue, UnlessTag, Value } from 'liquidjs';
import { equals } from './operators.mjs';
import { isStrict } from './syntax.mjs';

/** @import { Context, Emitter, Liquid, Parser, TagToken, Template, Tokenizer, TopLevelToken } from 'liquidjs' */

/** Name of the register with the flag that text is being captured. Such text is escaped where the captured value is written. */
export const CAPTURING = 'hookgraph.capturing';

/** Name of the register with the text that `ifchanged` wrote last. */
const LAST_WRITTEN = 'hookgraph.ifchanged';

/** Tags that write nothing. A block with nothing but such tags and white space writes nothing, either. */
const SILENT = new Set(['assign', 'capture', 'comment', 'doc', '#']);

/**
 * @param {any} node a node of a parsed template
 * @returns {boolean}
 */
function isBlank(node) {
  if (TypeGuards.isHTMLToken(node.token)) return !/\S/.test(node.str);
  return SILENT.has(node.name) || node.isBlank === true || (node.name === 'liquid' && node.templates.every(isBlank));
}

/**
 * Removes the white space of a tag's blocks if they hold nothing else that writes text.
 * @param {(Template[] | undefined)[]} blocks
 * @returns {boolean} whether the blocks write nothing
 */
export function trimBlank(blocks) {
  const found = blocks.filter((block) => block !== undefined);
  if (!found.every((block) => block.every(isBlank))) return false;
  for (const block of found) block.splice(0, block.length, ...block.filter((node) => !TypeGuards.isHTMLToken(node.token)));
  return true;
}

export class If extends IfTag {
  isBlank = trimBlank([...this.branches.map(({ templates }) => templates), this.elseTemplates]);
}

export class Unless extends UnlessTag {
  isBlank = trimBlank([...this.branches.map(({ templates }) => templates), this.elseTemplates]);
}

/** Leaves text inside `{% capture %}` unescaped, because the captured value is escaped where it is written. */
export class Capture extends CaptureTag {
  /**
   * @override
   * @param {Context} context
   * @returns {Generator<unknown, void, string>}
   */
  *render(context) {
    const outer = context.getRegister(CAPTURING);
    context.setRegister(CAPTURING, true);
    try {
      yield* super.render(context);
    } finally {
      context.setRegister(CAPTURING, outer);
    }
  }
}

/** A comment may contain comments. */
export class Comment extends Tag {
  /**
   * @param {TagToken} token
   * @param {TopLevelToken[]} remaining
   * @param {Liquid} liquid
   */
  constructor(token, remaining, liquid) {
    super(token, remaining, liquid);
    let depth = 1;
    for (let next = remaining.shift(); next; next = remaining.shift()) {
      const name = TypeGuards.isTagToken(next) ? next.name : '';
      if (name === 'comment') depth++;
      if (name === 'endcomment' && --depth === 0) return;
    }
    throw new Error(`tag ${token.getText()} not closed`);
  }

  render() {}
}

/** Documents a template. `readDocumentation` has skipped its text. */
export class Doc extends Tag {
  /**
   * @param {TagToken} token
   * @param {TopLevelToken[]} remaining
   * @param {Liquid} liquid
   */
  constructor(token, remaining, liquid) {
    super(token, remaining, liquid);
    if (token.args.trim() !== '') throw new Error('the tag doc takes no arguments');
    const end = remaining.shift();
    if (!end || !TypeGuards.isTagToken(end) || end.name !== 'enddoc') throw new Error(`tag ${token.getText()} not closed`);
  }

  render() {}
}

/** Writes its block if the text differs from what the tag wrote last. */
export class IfChanged extends Tag {
  /** @type {Template[]} */
  templates = [];

  /**
   * @param {TagToken} token
   * @param {TopLevelToken[]} remaining
   * @param {Liquid} liquid
   * @param {Parser} parser
   */
  constructor(token, remaining, liquid, parser) {
    super(token, remaining, liquid);
    const stream = parser
      .parseStream(remaining)
      .on('tag:endifchanged', () => stream.stop())
      .on('template', (/** @type {Template} */ template) => this.templates.push(template))
      .on('end', () => {
        throw new Error(`tag ${token.getText()} not closed`);
      });
    stream.start();
  }

  /**
   * @override
   * @param {Context} context
   * @param {Emitter} emitter
   * @returns {Generator<unknown, void, string>}
   */
  *render(context, emitter) {
    const text = yield this.liquid.renderer.renderTemplates(this.templates, context);
    if (text === context.getRegister(LAST_WRITTEN)) return;
    context.setRegister(LAST_WRITTEN, text);
    emitter.write(text);
  }

  /** @returns {Generator<Template[], Template[], Template[]>} */
  *children() {
    return yield this.templates;
  }
}

/**
 * Renders each matching `when` once for each of its matching values, and every `else` that comes before the first match.
 */
export class Case extends Tag {
  /** `values`: `null` for an `else`. @type {{ values: any[] | null, templates: Template[] }[]} */
  branches = [];

  /**
   * @param {TagToken} token
   * @param {TopLevelToken[]} remaining
   * @param {Liquid} liquid
   * @param {Parser} parser
   */
  constructor(token, remaining, liquid, parser) {
    super(token, remaining, liquid);
    this.value = new Value(this.tokenizer.readFilteredValue(), liquid);
    const stream = parser
      .parseStream(remaining)
      .on('tag:when', (/** @type {any} */ when) => this.branches.push({ values: readValues(when.tokenizer), templates: [] }))
      .on('tag:else', () => this.branches.push({ values: null, templates: [] }))
      .on('tag:endcase', () => stream.stop())
      .on('template', (/** @type {Template} */ template) => this.branches.at(-1)?.templates.push(template))
      .on('end', () => {
        throw new Error(`tag ${token.getText()} not closed`);
      });
    stream.start();
    this.isBlank = trimBlank(this.branches.map(({ templates }) => templates));
  }

  /**
   * @override
   * @param {Context} context
   * @param {Emitter} emitter
   * @returns {Generator<any, void, any>}
   */
  *render(context, emitter) {
    const target = toValue(yield this.value.value(context));
    let isMatched = false;
    for (const { values, templates } of this.branches) {
      if (context.breakCalled || context.continueCalled) return;
      if (!values) {
        if (!isMatched) yield this.liquid.renderer.renderTemplates(templates, context, emitter);
        continue;
      }
      for (const token of values) {
        if (!equals(target, yield evalToken(token, context))) continue;
        isMatched = true;
        yield this.liquid.renderer.renderTemplates(templates, context, emitter);
        if (context.breakCalled || context.continueCalled) return;
      }
    }
  }

  /** @returns {Generator<Template[], Template[], Template[]>} */
  *children() {
    return yield this.branches.flatMap(({ templates }) => templates);
  }

  *arguments() {
    yield this.value;
    yield* this.branches.flatMap(({ values }) => values ?? []);
  }
}

/**
 * Reads the values of a `when`, which are separated by `,` or `or`.
 * @param {Tokenizer} tokenizer
 * @returns {unknown[]}
 */
function readValues(tokenizer) {
  const values = [];
  if (tokenizer.end() && isStrict()) throw tokenizer.error('value expected after when');
  while (!tokenizer.end()) {
    values.push(tokenizer.readValueOrThrow());
    tokenizer.skipBlank();
    if (tokenizer.end()) break;
    if (tokenizer.peek() === ',') tokenizer.advance();
    else if (tokenizer.readIdentifier().getText() !== 'or') {
      if (isStrict()) throw tokenizer.error('expected "," or "or" between the values of when');
      tokenizer.p = tokenizer.N;
    }
  }
  return values;
}
