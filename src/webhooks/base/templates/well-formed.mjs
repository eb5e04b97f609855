// @ts-check
// Checks that a rendered body is the JSON or XML that it claims to be. Runs in render processes.
import { createRequire } from 'node:module';

// Loaded by the first XML body, because few subscriptions send XML.
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
 * Returns why the text is not a well-formed XML document in UTF-8; `null` when it is. Namespaces are not checked.
 * @param {string} text
 * @returns {string | null}
 */
export function mistakeInXml(text) {
  const parser = new (loadSaxes().SaxesParser)({ position: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding && !/^utf-?8$/i.test(encoding)) throw new Error(`the declared encoding is ${encoding}, but bodies are sent in UTF-8`);
  });
  parser.on('doctype', (declared) => {
    for (const [, name = ''] of declared.matchAll(/<!ENTITY\s+([^\s%"']+)\s/g)) parser.ENTITIES[name] = '';
  });
  try {
    parser.write(text).close();
    return null;
  } catch (error) {
    const message = /** @type {Error} */ (error).message.replace(/\.$/, '');
    return BARE_AMPERSAND.test(text) ? `${message} (write & as &amp;)` : message;
  }
}

const BARE_AMPERSAND = /&(?!#\d+;|#x[\da-fA-F]+;|[\w.-]+;)/;

/**
 * Replaces each half of a character (a lone surrogate) by U+FFFD: UTF-8 can't encode it, and strict JSON parsers reject its escape. A
 * filter that cuts an emoji in two makes such halves.
 * @param {string} json
 * @returns {string}
 */
export const wholeCharacters = (json) => wholeEscapes(json.replace(/\p{Cs}/gu, '\uFFFD'));

/**
 * Like `wholeCharacters`, for JSON that JSON.stringify wrote, which has escapes in place of halves.
 * @param {string} json
 * @returns {string}
 */
export const wholeEscapes = (json) =>
  json.includes('\\ud') || json.includes('\\uD') ? json.replace(ESCAPE, (found) => (LONE.test(found) ? '\\ufffd' : found)) : json;

// An escaped pair of surrogates, or any other escape.
const ESCAPE = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u[0-9a-fA-F]{4}|.)/g;
const LONE = /^\\u[dD][89a-fA-F][0-9a-fA-F]{2}$/;
