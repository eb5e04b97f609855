// @ts-check
// Explains mistakes in templates better than LiquidJS: finds the position of an unknown filter, and suggests the likely filter or tag.
import { didYouMean } from 'graphql/jsutils/didYouMean.js';
import { suggestionList } from 'graphql/jsutils/suggestionList.js';

/** @typedef {{ input: string, begin: number, end: number }} Token */
/** @typedef {{ filters: string[], tags: string[] }} Known the names that templates may use */

/** The tags that only occur inside others. */
const INNER_TAGS = ['else', 'elsif', 'when'];

/**
 * @param {string} message
 * @param {Token} token where LiquidJS found the mistake
 * @param {Known} known
 * @returns {{ message: string, at: number }} the message, and the index in the template
 */
export function explain(message, { input, begin, end }, { filters, tags }) {
  const [, filter] = /^undefined filter: (.+)$/s.exec(message) ?? [];
  if (filter !== undefined) {
    // The filter's name follows a `|`. If a string contains the same text earlier, only the caret is at the wrong place.
    const found = new RegExp(`\\|\\s*${filter.replace(/\W/g, '\\$&')}(?![\\w-])`).exec(input.slice(begin, end));
    const at = found ? begin + found.index + found[0].length - filter.length : begin;
    return { message: `${message}${suggest(filter, filters)}`, at };
  }
  const [, tag] = /^tag "(.+)" not found$/s.exec(message) ?? [];
  if (tag === undefined) return { message, at: begin };
  const words = tags.filter((name) => name !== '#');
  return { message: `${message}${suggest(tag, [...words, ...words.map((name) => `end${name}`), ...INNER_TAGS])}`, at: begin };
}

/**
 * @param {string} name
 * @param {string[]} known
 */
function suggest(name, known) {
  if (known.includes(name)) return '';
  const near = didYouMean(suggestionList(name, known).slice(0, 1));
  return near === '' ? '' : `.${near}`;
}
