// @ts-check
// Formats moments as Ruby does. Everything is in UTC, whatever the zone of the machine; a moment without a zone is in UTC, too.
import { toValue } from 'liquidjs';
import { ExactNumber } from '../../../../runtime/exact-json.mjs';
import { MONTHS, readText } from './moments.mjs';
import { toText } from './values.mjs';

/** @import { FilterThis } from './values.mjs' */
/**
 * A moment in a zone. `wall`: a Date whose UTC fields are the zone's. `minutes`: how far the zone is east of UTC.
 * @typedef {{ wall: Date, ms: number, minutes: number, zone: string }} Moment
 */
/** @typedef {{ pad: string, width: number, read: (moment: Moment, width: number, colons: number) => string | number }} Directive */

const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const DAY_MS = 86_400_000;
/** The maximum offset of a zone in minutes: one day. */
const MAX_OFFSET = 1440;

/**
 * @param {unknown} value
 * @returns {number | null} milliseconds since 1970; `null` when the value is no moment
 */
function readMoment(value) {
  const plain = toValue(value);
  const ms = () => {
    if (plain === 'now' || plain === 'today') return Date.now();
    if (typeof plain === 'number' || plain instanceof ExactNumber) return Number(plain) * 1000;
    if (typeof plain !== 'string') return Number.NaN;
    return /^\d+$/.test(plain) ? Number(plain) * 1000 : readText(plain);
  };
  const time = new Date(ms()).getTime();
  return Number.isNaN(time) ? null : time;
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
const MOST_FORMATS = 50;

/**
 * @param {string} zone
 * @param {number} ms
 * @returns {number} minutes east of UTC
 * @throws RangeError when there is no such zone
 */
function minutesOf(zone, ms) {
  let format = formats.get(zone);
  if (!format) {
    if (formats.size >= MOST_FORMATS) formats.clear();
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  return Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes));
}

/**
 * @param {number} ms
 * @param {unknown} zone nil for UTC, a name such as `Europe/Berlin`, or minutes west of UTC
 * @returns {Moment}
 */
function inZone(ms, zone) {
  const plain = toValue(zone);
  if (plain === null || plain === undefined) return { wall: new Date(ms), ms, minutes: 0, zone: 'UTC' };
  const minutes = typeof plain === 'string' ? minutesOf(plain, ms) : -Number(plain);
  if (!(Math.abs(minutes) <= MAX_OFFSET)) throw new Error('invalid time zone: a name or a number of minutes is expected');
  return { wall: new Date(ms + minutes * 60_000), ms, minutes, zone: typeof plain === 'string' ? plain : '' };
}

/** @param {Moment} moment */
const dayOfYear = ({ wall }) => Math.floor((wall.getTime() - Date.UTC(wall.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;

/**
 * Returns the number of the week that begins at the given day, from 0.
 * @param {Moment} moment
 * @param {number} firstDay 0 for Sunday, 1 for Monday
 */
const week = (moment, firstDay) => Math.floor((dayOfYear(moment) + 6 - ((moment.wall.getUTCDay() - firstDay + 7) % 7)) / 7);

/**
 * Returns year and week by ISO 8601: the week belongs to the year of its Thursday.
 * @param {Moment} moment
 */
function isoWeek({ wall }) {
  const thursday = new Date(wall.getTime() + (4 - (wall.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}

/** @param {number} day */
function ordinal(day) {
  if (day > 10 && day < 14) return 'th';
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th';
}

/** @type {Directive['read']} */
function offset({ minutes }, _width, colons) {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, '0'));
  const seconds = colons > 1 ? ':00' : '';
  return `${minutes < 0 ? '-' : '+'}${hours}${colons > 0 ? ':' : ''}${rest}${seconds}`;
}

/** @type {(digits: number) => Directive['read']} */
const fraction =
  (digits) =>
  ({ wall }, width) => {
    const count = width || digits;
    return String(wall.getUTCMilliseconds()).padStart(3, '0').slice(0, count).padEnd(count, '0');
  };

/** @type {(width: number, read: (moment: Moment) => string | number) => Directive} */
const zeros = (width, read) => ({ pad: '0', width, read });
/** @type {(width: number, read: Directive['read']) => Directive} */
const spaces = (width, read) => ({ pad: ' ', width, read });
/** @type {(format: string) => Directive} */
const combined = (format) => spaces(0, (moment) => formatMoment(moment, format, () => {}));

/** @type {Record<string, Directive>} */
const DIRECTIVES = {
  a: spaces(0, ({ wall }) => /** @type {string} */ (DAYS[wall.getUTCDay()]).slice(0, 3)),
  A: spaces(0, ({ wall }) => /** @type {string} */ (DAYS[wall.getUTCDay()])),
  b: spaces(0, ({ wall }) => /** @type {string} */ (MONTHS[wall.getUTCMonth()]).slice(0, 3)),
  B: spaces(0, ({ wall }) => /** @type {string} */ (MONTHS[wall.getUTCMonth()])),
  c: combined('%a %b %e %H:%M:%S %Y'),
  C: zeros(2, ({ wall }) => Math.floor(wall.getUTCFullYear() / 100)),
  d: zeros(2, ({ wall }) => wall.getUTCDate()),
  D: combined('%m/%d/%y'),
  e: spaces(2, ({ wall }) => wall.getUTCDate()),
  F: combined('%Y-%m-%d'),
  g: zeros(2, (moment) => ((isoWeek(moment).year % 100) + 100) % 100),
  G: zeros(4, (moment) => isoWeek(moment).year),
  H: zeros(2, ({ wall }) => wall.getUTCHours()),
  I: zeros(2, ({ wall }) => wall.getUTCHours() % 12 || 12),
  j: zeros(3, dayOfYear),
  k: spaces(2, ({ wall }) => wall.getUTCHours()),
  l: spaces(2, ({ wall }) => wall.getUTCHours() % 12 || 12),
  L: { pad: '0', width: 0, read: fraction(3) },
  m: zeros(2, ({ wall }) => wall.getUTCMonth() + 1),
  M: zeros(2, ({ wall }) => wall.getUTCMinutes()),
  n: spaces(0, () => '\n'),
  N: { pad: '0', width: 0, read: fraction(9) },
  p: spaces(0, ({ wall }) => (wall.getUTCHours() < 12 ? 'AM' : 'PM')),
  P: spaces(0, ({ wall }) => (wall.getUTCHours() < 12 ? 'am' : 'pm')),
  q: spaces(0, ({ wall }) => ordinal(wall.getUTCDate())),
  Q: zeros(0, ({ ms }) => ms),
  r: combined('%I:%M:%S %p'),
  R: combined('%H:%M'),
  s: zeros(0, ({ ms }) => Math.floor(ms / 1000)),
  S: zeros(2, ({ wall }) => wall.getUTCSeconds()),
  t: spaces(0, () => '\t'),
  T: combined('%H:%M:%S'),
  u: zeros(0, ({ wall }) => wall.getUTCDay() || 7),
  U: zeros(2, (moment) => week(moment, 0)),
  v: combined('%e-%^b-%Y'),
  V: zeros(2, (moment) => isoWeek(moment).week),
  w: zeros(0, ({ wall }) => wall.getUTCDay()),
  W: zeros(2, (moment) => week(moment, 1)),
  x: combined('%m/%d/%y'),
  X: combined('%H:%M:%S'),
  y: zeros(2, ({ wall }) => ((wall.getUTCFullYear() % 100) + 100) % 100),
  Y: zeros(4, ({ wall }) => wall.getUTCFullYear()),
  z: { pad: '0', width: 0, read: offset },
  Z: spaces(0, (moment) => moment.zone || offset(moment, 0, 0)),
  '+': combined('%a %b %e %H:%M:%S %Z %Y'),
  '%': spaces(0, () => '%'),
};
DIRECTIVES.h = /** @type {Directive} */ (DIRECTIVES.b);

/**
 * @param {Moment} moment
 * @param {string} format
 * @param {(characters: number) => void} charge
 * @returns {string}
 */
function formatMoment(moment, format, charge) {
  return format.replace(/%([-_0^#]*)(:{0,2})((?:[1-9]\d*)?)[EO]?([a-zA-Z%+])/g, (found, flags, colons, width, name) => {
    const directive = DIRECTIVES[name];
    if (!directive) return found;
    const wanted = Number(width);
    charge(wanted);
    const text = String(directive.read(moment, wanted, colons.length));
    const cased = flags.includes('^') ? text.toUpperCase() : flags.includes('#') ? swapCase(text) : text;
    const pad = flags.includes('_') ? ' ' : flags.includes('0') ? '0' : directive.pad;
    const length = flags.includes('-') ? 0 : wanted || directive.width;
    const sign = pad === '0' ? (/^[+-]/.exec(cased)?.[0] ?? '') : '';
    return sign + cased.slice(sign.length).padStart(wanted ? length - sign.length : length, pad);
  });
}

/** @param {string} text */
const swapCase = (text) => (/[a-z]/.test(text) ? text.toUpperCase() : text.toLowerCase());

/**
 * Makes a filter that formats a moment. A value that is no moment stays as it is.
 * @param {(...args: any[]) => string} formatOf returns the format for the arguments of the filter
 */
const formatting = (formatOf) =>
  /**
   * @this {FilterThis}
   * @param {unknown} value
   * @param {unknown[]} args
   */
  function (value, ...args) {
    return date.call(this, value, formatOf(...args));
  };

/**
 * Without an argument, uses the default format; with nil as the format, returns the value as it is.
 * @this {FilterThis}
 * @param {unknown} value
 * @param {unknown[]} args
 */
function date(value, ...args) {
  const { memoryLimit } = this.context;
  const [pattern, zone] = args.length === 0 ? ['%A, %B %-e, %Y at %-l:%M %P %z'] : args;
  const text = toText(pattern, this.context);
  const ms = text === '' ? null : readMoment(value);
  if (ms === null) return value;
  memoryLimit.use(text.length);
  const written = formatMoment(inZone(ms, zone), text, (characters) => memoryLimit.use(characters));
  memoryLimit.use(written.length);
  return written;
}

/** @type {(month: string) => (type?: unknown, style?: unknown) => string} */
const dayAndMonth = (month) => (type, style) => {
  if (type !== 'ordinal') return `%d ${month} %Y`;
  return style === 'US' ? `${month} %-d%q, %Y` : `%-d%q ${month} %Y`;
};

export const dateFilters = {
  date,
  date_to_long_string: formatting(dayAndMonth('%B')),
  date_to_rfc822: formatting(() => '%a, %d %b %Y %H:%M:%S %z'),
  date_to_string: formatting(dayAndMonth('%b')),
  date_to_xmlschema: formatting(() => '%Y-%m-%dT%H:%M:%S%:z'),
};
