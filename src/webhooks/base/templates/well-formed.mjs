// @ts-check
// Checks that a rendered body is the JSON or XML that it claims to be. Runs in render processes.
import { createRequire } from 'node:module';

// Loaded when the first XML body is checked, because few subscriptions send XML.
const loadSaxes = () => /** @type {typeof import('saxes')} */ (createRequire(import.meta.url)('saxes'));

/**
 * Returns why the text is not JSON; `null` when it is.
 * @param {string} text
 * @returns {string | null}
 */
export function mistakeInJson(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/**
 * Returns why the text is not an XML document in UTF-8, well-formed and with declared namespaces, with line and column; `null` when it is.
 * @param {string} text
 * @returns {string | null}
 */
export function mistakeInXml(text) {
  const parser = new (loadSaxes().SaxesParser)({ position: true, xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding && !/^utf-?8$/i.test(encoding)) parser.fail(`the declared encoding is ${encoding}, but bodies are sent in UTF-8.`);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const malformed = [name, ...Object.keys(attributes)].find((one) => MALFORMED.test(one));
    if (malformed !== undefined) parser.fail(`malformed name: ${malformed}.`);
  });
  parser.on('doctype', (declared) => {
    const [isDoctype, subset = ''] = DOCTYPE.exec(declared) ?? [];
    if (isDoctype === undefined || !BETWEEN.test(subset.replace(DECLARATION, ' ')))
      parser.fail('the document type declaration is malformed.');
    for (const [, name] of subset.matchAll(DECLARATION))
      if (name?.includes(':')) parser.fail(`the name of the entity ${name} has a colon.`);
      else if (name) parser.ENTITIES[name] = '';
  });
  try {
    parser.write(text).close();
    return null;
  } catch (error) {
    const message = /** @type {Error} */ (error).message.replace(/\.$/, '');
    return BARE_AMPERSAND.test(text) ? `${message} (write & as &amp;)` : message;
  }
}

/** Matches a name whose part after the prefix begins as no name may: with a digit, for instance. */
const MALFORMED = /:(?:[-.\d\u00b7\u203f\u2040]|\p{Mn})/u;

/** A document type declaration after its keyword. The group has its internal subset. */
const DOCTYPE = /^\s+[^\s"'<>[\]]+(?:\s+(?:SYSTEM|PUBLIC\s+(?:"[^"]*"|'[^']*'))\s+(?:"[^"]*"|'[^']*'))?\s*(?:\[(.*)\]\s*)?$/s;
/** A comment, a processing instruction or a declaration of the subset. The group has the name of a declared entity. */
const DECLARATION =
  /<!--(?:[^-]|-[^-])*-->|<\?(?:[^?]|\?(?!>))*\?>|<!(?:ENTITY\s+(?:%\s+[^\s"'<>]+|([^\s%"'<>]+))|(?!ENTITY)[A-Z]+)\s(?:[^"'<>]|"[^"]*"|'[^']*')*>/g;
/** The text of a subset without its declarations: white space and references to parameter entities. */
const BETWEEN = /^(?:\s|%[^\s;]+;)*$/;

const BARE_AMPERSAND = /&(?!#\d+;|#x[\da-fA-F]+;|[\w.-]+;)/;

/**
 * Replaces each half of a character (a lone surrogate) by U+FFFD: UTF-8 can't encode it, and strict JSON parsers reject its escape. A
 * filter that cuts an emoji in two makes such halves.
 * @param {string} json
 * @returns {string}
 */
export const wholeCharacters = (json) => wholeEscapes(json.replace(/\p{Cs}/gu, '\uFFFD'));

/**
 * Like `wholeCharacters`, for JSON that JSON.stringify wrote: it contains lone surrogates only as escapes.
 * @param {string} json
 * @returns {string}
 */
export const wholeEscapes = (json) =>
  json.includes('\\ud') || json.includes('\\uD') ? json.replace(ESCAPE, (found) => (LONE.test(found) ? '\\ufffd' : found)) : json;

// Matches an escaped pair of surrogates, or any other escape.
const ESCAPE = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u[0-9a-fA-F]{4}|.)/g;
const LONE = /^\\u[dD][89a-fA-F][0-9a-fA-F]{2}$/;
