// Finds breaches of the rules for texts in source files: descriptions, help texts, errors and log messages.
import ts from 'typescript';

const HIDES_SUBJECT = 'starts with a word that hides its subject';
const NO_TERM = 'has a word that is no term of the field';
const OPENINGS =
  /^(Of|So many|So long|Whoever|Whose|Nothing|Nobody|Somebody|What|Null|One that|That|Those|It|Its|They|Their|How many|How much|Where|Who|Only (?:those|what|this|these))\b/i;
/** Errors may start with words that other texts may not, because the name of a field or command precedes the error. */
const OPENINGS_OF_ERRORS = /^(Of|So many|So long|Whoever|Nothing|What|Null|One that|Nobody|Its?)\b/i;
const NO_TERMS =
  /\b(parcel|courier|anew|in vain|in no circle|bur(?:y|ied)|whoever|nobody|so many|ours|theirs|tells?|told|hears?|heard|in earnest|all is well)\b/i;

/** @typedef {'description' | 'help text' | 'error' | 'log message'} Kind */
/** @type {Record<Kind, { breaks: RegExp, says: string }[]>} */
const RULES = {
  description: [
    { breaks: OPENINGS, says: HIDES_SUBJECT },
    { breaks: NO_TERMS, says: NO_TERM },
  ],
  'help text': [
    { breaks: OPENINGS, says: HIDES_SUBJECT },
    { breaks: NO_TERMS, says: NO_TERM },
  ],
  error: [
    { breaks: OPENINGS_OF_ERRORS, says: HIDES_SUBJECT },
    { breaks: NO_TERMS, says: NO_TERM },
  ],
  'log message': [
    { breaks: /^[A-Z][a-z]/, says: 'starts with a capital letter' },
    { breaks: /\$\{/, says: 'contains a value: pass it as a field' },
    { breaks: NO_TERMS, says: NO_TERM },
  ],
};

/**
 * Returns a line for each breach in a source file.
 * @param {string} path
 * @param {string} text
 * @returns {string[]}
 */
export const breachesOfTexts = (path, text) =>
  literals(path, text).flatMap(({ kind, words, line }) =>
    RULES[kind].filter(({ breaks }) => breaks.test(words)).map(({ says }) => `${path}:${line} ${kind} ${says}: ${words}`),
  );

/**
 * Index of the argument that `--help` shows, in functions of src/cli/command.ts and methods of commander.
 * @type {Record<string, number>}
 */
const SHOWN = {
  addCommand: 2,
  addAnswering: 2,
  addListing: 2,
  option: 1,
  requiredOption: 1,
  Option: 1,
  addHelpText: 1,
  description: 0,
  commandsGroup: 0,
};
const ERROR = /(Error|Refused|Failed)$/;
const LOG = /(^|\.)log\??\.(trace|debug|info|warn|error|fatal)$/;

/**
 * Finds the literals that people read. A template's values are replaced by `${}`.
 * @param {string} path
 * @param {string} text
 */
function literals(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  /** @type {{ kind: Kind, words: string, line: number }[]} */
  const found = [];
  visit(source, null);
  return found;

  /**
   * @param {ts.Node} node
   * @param {Kind | null} kind
   */
  function visit(node, kind) {
    if (kind !== null && isText(node)) {
      const words = wordsOf(node);
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      if (words.includes(' ')) found.push({ kind, words, line: line + 1 });
    } else ts.forEachChild(node, (child) => visit(child, kindOf(node, child, kind)));
  }
}

/**
 * @param {ts.Node} node
 * @returns {node is ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.TemplateExpression}
 */
const isText = (node) => ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);

/** @param {ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.TemplateExpression} node */
function wordsOf(node) {
  const parts = ts.isTemplateExpression(node) ? [node.head, ...node.templateSpans.map(({ literal }) => literal)] : [node];
  return parts
    .map(({ text }) => text)
    .join(`\${}`)
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * Returns the kind of text that `child` of `node` belongs to; `null` when people don't read that text.
 * @param {ts.Node} node
 * @param {ts.Node} child
 * @param {Kind | null} kind
 * @returns {Kind | null}
 */
function kindOf(node, child, kind) {
  if (ts.isPropertyAssignment(node)) {
    if (child !== node.initializer) return null;
    const name = node.name.getText();
    return name === 'description' || name === 'meaning' ? 'description' : name === 'message' ? 'error' : null;
  }
  if (ts.isFunctionLike(node) || ts.isBlock(node)) return null;
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return kindOfArgument(node, /** @type {ts.Expression} */ (child));
  return ts.isConditionalExpression(node) && child === node.condition ? null : kind;
}

/**
 * @param {ts.CallExpression | ts.NewExpression} call
 * @param {ts.Expression} argument
 * @returns {Kind | null}
 */
function kindOfArgument(call, argument) {
  const index = call.arguments?.indexOf(argument) ?? -1;
  const callee = call.expression.getText();
  if (index < 0) return null;
  if (LOG.test(callee)) return ts.isObjectLiteralExpression(argument) ? null : 'log message';
  if (ts.isNewExpression(call) && ERROR.test(callee)) return 'error';
  return SHOWN[callee.replace(/^.*\./s, '')] === index ? 'help text' : null;
}
