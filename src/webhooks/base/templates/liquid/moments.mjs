// @ts-check
// Reads a moment from a text. A moment without a zone is in UTC. A day that a month has not, such as April 31, is no moment.

export const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const MAX_TEXT = 100;

/** Matches the end of a text that names its zone. An offset must follow a time of day, because a date may end like an offset. */
const ZONED =
  /(?:(?<=\d)z|\b(?:z|utc?|gmt|[ecmp][sd]t)|\d:\d\d(?::\d\d)?(?:[.,]\d+)?\s*(?:[ap]m\s*)?(?:utc|gmt|z)?[+-]\d\d:?\d\d)\s*(?:\([^)]*\))?$/i;
const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\dT/;
/** A date, and maybe a time of day, as ISO 8601 and Postgres write them. */
const ISO = /^([+-]?)(\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * @param {string} text
 * @returns {number} milliseconds since 1970; NaN when the text is no moment
 */
export function readText(text) {
  const trimmed = text.trim();
  if (trimmed.length > MAX_TEXT) return Number.NaN;
  // Postgres writes an offset of whole hours without its minutes.
  const whole = trimmed.replace(/(:\d\d(?:\.\d+)?[+-]\d\d)$/, '$1:00');
  const iso = ISO.exec(whole);
  if (iso) return readIso(iso);
  const dated = withYear(whole);
  const asLocal = Date.parse(dated);
  if (Number.isNaN(asLocal) || !isInCalendar(dated)) return Number.NaN;
  if (ZONED.test(dated)) return asLocal;
  if (ISO_TIME.test(dated)) return Date.parse(`${dated}Z`);
  const inUtc = Date.parse(`${dated} UTC`);
  return Number.isNaN(inUtc) ? asLocal : inUtc;
}

/** A time of day, with the zone after it. */
const TIME = /\b(\d+):(\d+)(?::(\d+)(?:[.,]\d+)?)?\s*(?:[ap]m\b)?\s*(?:(?:utc|gmt|z)?\s*[+-]\d\d:?\d\d\b)?/i;
const NAMED_MONTH = new RegExp(`\\b(${MONTHS.map((name) => name.slice(0, 3)).join('|')})`, 'i');

/**
 * Returns the part of a text that says the day.
 * @param {string} text
 */
const dayOf = (text) =>
  text
    .replace(/\(.*?\)/g, ' ')
    .replace(TIME, ' ')
    .replace(/(?:\bz|\butc?|\bgmt|\b[ecmp][sd]t|(?<=\d)[tz])\b/gi, ' ')
    .trim();

/**
 * Adds the present year to a day of a month, such as March 7, for which Date.parse takes 2001.
 * @param {string} text
 */
function withYear(text) {
  const day = dayOf(text);
  const numbers = day.match(/\d+/g) ?? [];
  if (numbers.length !== 1 || Number(numbers[0]) > 31 || !NAMED_MONTH.test(day)) return text;
  return `${new Date().getUTCFullYear()} ${text.replace(/\b(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*,?\s/i, '')}`;
}

/**
 * Returns whether a month has the day, and a day the time, which Date.parse takes for others: April 31 for May 1, and 10:61 for 10:00. What
 * Date.parse makes of the day must have the numbers and the name that the text has.
 * @param {string} text a text that Date.parse reads
 */
function isInCalendar(text) {
  const [, , minutes = 0, seconds = 0] = TIME.exec(text) ?? [];
  if (Number(minutes) > 59 || Number(seconds) > 59) return false;
  const day = dayOf(text);
  const read = new Date(Date.parse(`${day} UTC`));
  if (Number.isNaN(read.getTime())) return true;
  const numbers = (day.match(/\d+/g) ?? []).map(Number);
  const name = NAMED_MONTH.exec(day)?.[1]?.toLowerCase();
  const year = read.getUTCFullYear();
  const parts = [[year, year % 100], ...(name ? [] : [[read.getUTCMonth() + 1]]), [read.getUTCDate()]];
  if (name && MONTHS[read.getUTCMonth()]?.slice(0, 3).toLowerCase() !== name) return false;
  if (numbers.length < parts.length) return true;
  return parts.every((values) => {
    const place = numbers.findIndex((number) => values.includes(number));
    if (place >= 0) numbers.splice(place, 1);
    return place >= 0;
  });
}

/**
 * Reads what Date.parse may misread in these forms: it takes the year 44 for 2044, and February 30 for March 1.
 * @param {RegExpExecArray} iso
 * @returns {number} milliseconds since 1970; NaN when there is no such day or time
 */
function readIso([, sign = '', year = '', month = '', day = '', time = '00:00', zone = 'Z']) {
  const isFar = sign !== '' || year.length > 4;
  const date = `${isFar ? `${sign || '+'}${year.padStart(6, '0')}` : year}-${month}-${day}`;
  const midnight = new Date(`${date}T00:00Z`);
  if (midnight.getUTCDate() !== Number(day)) return Number.NaN;
  return Date.parse(`${date}T${time}${zone.toUpperCase().replace(/(\d\d)(\d\d)$/, '$1:$2')}`);
}
