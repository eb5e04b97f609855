// Converts Postgres timestamps and dates to JavaScript Dates and back, including infinity, -infinity and years beyond
// 275760. A JavaScript Date ends in the year 275760, a Postgres timestamp in 294276 and a Postgres date in 5874897.
// Prisma passes only Dates, so a value beyond a Date's range is encoded as a Date before the year -4712, which Postgres
// can't hold. Use `isoOf` and `sqlOf` to decode such a Date, and `millisecondsOf` for arithmetic.

const DAY_MS = 86_400_000;
/** The Gregorian calendar repeats every 400 years. */
const CYCLE = { years: 400, days: 146_097 };
/** The length of a thousand cycles. A timestamp beyond a Date's range fits into a Date after this length is subtracted. */
const FAR = { years: 400_000, ms: 146_097_000 * DAY_MS };
/** The last moment that a Date can represent, in milliseconds since 1970. */
const LAST_MS = 8.64e15;

/** For each kind of value that a Date can't hold: the first of the milliseconds since 1970, before the year -4712, that encode it. */
const STAND_INS = { end: -7.9e15, timestamps: -8.5e15, days: -8.6e15, infinity: -8.62e15, minusInfinity: -8.63e15 };

const MOMENT =
  /^([+-]?\d{4,7})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)?( BC)?(?:\+00:00)?$/;
const PLAIN = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::\d\d)?)?)?$/;

/**
 * Parses a Postgres date or timestamp. Encodes a value beyond a Date's range, as this file's first lines describe.
 * @param text a date or timestamp as Postgres writes it with DateStyle ISO, or in ISO 8601; UTC if it has no zone
 * @throws RangeError when the text has neither form
 */
export function readMoment(text: string): Date {
  // Handles the usual format of Hookgraph's sessions first, for speed.
  if (text.charAt(10) === ' ' && text.endsWith('+00')) return new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  if (PLAIN.test(text)) return readPlain(text);
  if (/^-?infinity/.test(text)) return new Date(text.startsWith('-') ? STAND_INS.minusInfinity : STAND_INS.infinity);
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHour, zoneMinute = '0', zoneSecond = '0', bc] =
    MOMENT.exec(text) ?? [];
  if (year === undefined) throw new RangeError(`${text} is not a date and time`);
  const zoneMs = sign ? Number(`${sign}1`) * ((Number(zoneHour) * 60 + Number(zoneMinute)) * 60 + Number(zoneSecond)) * 1000 : 0;
  const astronomical = bc ? 1 - Number(year) : Number(year);
  const cycles = Math.floor((astronomical - 2000) / CYCLE.years);
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0'));
  // Date.UTC maps the years 0 to 99 to 1900 to 1999, so the year is shifted by whole cycles to 2000 or later.
  const within = Date.UTC(astronomical - cycles * CYCLE.years, Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0));
  const rest = within + Number(second ?? 0) * 1000 + ms - zoneMs;
  const date = new Date(rest + cycles * CYCLE.days * DAY_MS);
  if (!Number.isNaN(date.getTime())) return date;
  if (hour === undefined) return new Date(STAND_INS.days + within / DAY_MS + cycles * CYCLE.days);
  // Adds in this order, so that every intermediate sum is an integer that a double represents exactly.
  const beyond = rest + (cycles - 1000) * CYCLE.days * DAY_MS + (FAR.ms - LAST_MS);
  return new Date(STAND_INS.timestamps + beyond);
}

function readPlain(text: string): Date {
  if (text.length === 10) return new Date(text);
  const zoned = /(?:Z|[+-]\d\d(?::\d\d)?)$/.test(text.slice(10)) ? text : `${text}Z`;
  return new Date(zoned.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
}

/**
 * Formats a Date as ISO 8601 in UTC, with sign and six digits for a year before 0 or after 9999. Returns `infinity` or
 * `-infinity` for an infinite value.
 */
export function isoOf(date: Date): string {
  const ms = date.getTime();
  if (!(ms < STAND_INS.end)) return date.toISOString();
  if (ms === STAND_INS.infinity) return 'infinity';
  if (ms === STAND_INS.minusInfinity) return '-infinity';
  if (ms >= STAND_INS.timestamps) return later(new Date(ms - STAND_INS.timestamps - (FAR.ms - LAST_MS)), FAR.years);
  const days = ms - STAND_INS.days;
  const cycles = Math.floor(days / CYCLE.days);
  return later(new Date((days - cycles * CYCLE.days) * DAY_MS), cycles * CYCLE.years);
}

function later(date: Date, years: number): string {
  const [, year, rest] = /^([+-]?\d+)(-.*)$/.exec(date.toISOString()) as unknown as [string, string, string];
  return `+${String(Number(year) + years).padStart(6, '0')}${rest}`;
}

export function isInfinite(date: Date): boolean {
  const ms = date.getTime();
  return ms === STAND_INS.infinity || ms === STAND_INS.minusInfinity;
}

/** Formats a timestamp in UTC, in a form that Postgres accepts. */
export function sqlOf(date: Date): string {
  const iso = isoOf(date);
  const [, year, rest, time] = /^([+-]?\d+)(-\d\d-\d\d)T(.*)Z$/.exec(iso) ?? [];
  if (year === undefined) return iso;
  const written = Number(year);
  const own = String(written > 0 ? written : 1 - written).padStart(4, '0');
  return `${own}${rest} ${time}+00${written > 0 ? '' : ' BC'}`;
}

/**
 * Returns the milliseconds since 1970, for arithmetic. Beyond a Date's range they are exact to 2 ms. Returns Infinity or
 * -Infinity for an infinite value.
 */
export function millisecondsOf(date: Date): number {
  const ms = date.getTime();
  if (!(ms < STAND_INS.end)) return ms;
  if (isInfinite(date)) return ms === STAND_INS.infinity ? Infinity : -Infinity;
  return ms >= STAND_INS.timestamps ? ms - STAND_INS.timestamps + LAST_MS : (ms - STAND_INS.days) * DAY_MS;
}
