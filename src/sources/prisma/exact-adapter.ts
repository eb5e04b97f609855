// Extends Prisma's Postgres adapter to keep values that Prisma would lose: digits of numbers in JSON, timestamps beyond
// a Date's range, infinite timestamps, money. Prisma parses and writes JSON and dates itself, so the adapter passes
// JSON with such numbers as a marked string (exact-json.mjs), and such timestamps as an encoded Date (postgres-times.ts).
import { PrismaPg } from '@prisma/adapter-pg';
import type { ColumnTypeEnum, SqlQuery, SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils';
import { fromMarkedText, toMarkedText } from '../../runtime/exact-json.mjs';
import { readMoment, sqlOf } from '../../runtime/postgres-times.js';

export class ExactPg extends PrismaPg {
  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = keepExact(await super.connect());
    const start = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (level) => keepExact(await start(level));
    return adapter;
  }
}

function keepExact<T extends SqlQueryable>(queryable: T): T {
  const [queryRaw, executeRaw] = [queryable.queryRaw.bind(queryable), queryable.executeRaw.bind(queryable)];
  return Object.assign(queryable, {
    queryRaw: async (query: SqlQuery) => toRead(await queryRaw(toSend(query))),
    executeRaw: (query: SqlQuery) => executeRaw(toSend(query)),
  });
}

/** Matches an ISO text whose year Postgres writes differently: a year before 1 or after 9999. */
const OWN_YEAR = /^[+-]\d|^0000-/;

function toSend(query: SqlQuery): SqlQuery {
  let sent = query;
  for (const [index, value] of query.args.entries()) {
    const written = argumentOf(value, query.argTypes[index]?.scalarType, query.argTypes[index]?.dbType);
    if (written === value) continue;
    if (sent === query) sent = { ...query, args: [...query.args], argTypes: [...query.argTypes] };
    sent.args[index] = written;
    // Declares the formatted timestamp as a string, so that PrismaPg doesn't parse it as a Date again.
    const argType = sent.argTypes[index];
    if (argType?.scalarType === 'datetime') sent.argTypes[index] = { ...argType, scalarType: 'string' };
  }
  return sent;
}

function argumentOf(value: unknown, scalarType: string | undefined, dbType: string | undefined): unknown {
  if (Array.isArray(value)) {
    const written = value.map((item) => argumentOf(item, scalarType, dbType));
    return written.some((item, index) => item !== value[index]) ? written : value;
  }
  if (scalarType === 'datetime' || value instanceof Date) {
    const iso = value instanceof Date ? new Date(value).toISOString() : String(value);
    if (!OWN_YEAR.test(iso)) return value;
    const sql = sqlOf(new Date(iso));
    return dbType === 'DATE' ? sql.replace(/ [\d:.]+\+00/, '') : sql;
  }
  return typeof value === 'string' ? fromMarkedText(value) : value;
}

type Read = (text: string) => string;

/**
 * Converts a timestamp's text to one that Prisma can parse as a Date. Only infinite timestamps, and years BC or with more
 * than four digits, need it: `readMoment` encodes them as a Date. Returns all other texts unchanged.
 */
const moment: Read = (text) => (/^\d{4}-/.test(text) && !text.includes('BC') ? text : readMoment(text).toISOString());

/**
 * Converts the text of a money value to a number's text. PrismaPg has removed the first character, a currency sign or a
 * minus: `-$1,234.50` arrives as `$1,234.50`, so a leading `$` means a negative amount.
 */
const money: Read = (text) => (/[$,]/.test(text) ? text.replace(/^\$/, '-').replaceAll(',', '') : text);

/**
 * Prisma's numbers of column types. They are copied from `@prisma/driver-adapter-utils`, so that adopters need not install
 * that package; the compiler checks them.
 */
const TYPES = {
  Numeric: 4,
  Date: 8,
  DateTime: 10,
  Json: 11,
  NumericArray: 68,
  DateArray: 72,
  DateTimeArray: 74,
  JsonArray: 75,
} as const satisfies Partial<typeof ColumnTypeEnum>;

const READS = new Map<number, Read>([
  [TYPES.Json, toMarkedText],
  [TYPES.JsonArray, toMarkedText],
  [TYPES.Date, moment],
  [TYPES.DateArray, moment],
  [TYPES.DateTime, moment],
  [TYPES.DateTimeArray, moment],
  [TYPES.Numeric, money],
  [TYPES.NumericArray, money],
]);

function toRead(result: SqlResultSet): SqlResultSet {
  for (const [index, type] of result.columnTypes.entries()) {
    const read = READS.get(type);
    if (!read) continue;
    for (const row of result.rows) row[index] = readWith(read, row[index]);
  }
  return result;
}

function readWith(read: Read, value: unknown): unknown {
  if (typeof value === 'string') return read(value);
  return Array.isArray(value) ? value.map((item) => readWith(read, item)) : value;
}
