// Prisma's driver adapter for Postgres, with what Prisma loses on the way: digits of numbers in JSON, far and infinite moments, money.
// Prisma parses and writes JSON and moments itself. So JSON that needs it is a marked string for Prisma (see exact-json.mjs), and a moment
// that no Date holds is a Date that stands in for it (see moments.ts).
import { PrismaPg } from '@prisma/adapter-pg';
import type { ColumnTypeEnum, SqlQuery, SqlQueryable, SqlResultSet } from '@prisma/driver-adapter-utils';
import { fromMarkedText, toMarkedText } from '../../runtime/exact-json.mjs';
import { readMoment, sqlOf } from '../../runtime/moments.js';

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

/** Before year 1 and after 9999, JavaScript and Postgres write years each in their own way. */
const OWN_YEAR = /^[+-]\d|^0000-/;

function toSend(query: SqlQuery): SqlQuery {
  let sent = query;
  for (const [index, value] of query.args.entries()) {
    const written = argumentOf(value, query.argTypes[index]?.scalarType, query.argTypes[index]?.dbType);
    if (written === value) continue;
    if (sent === query) sent = { ...query, args: [...query.args], argTypes: [...query.argTypes] };
    sent.args[index] = written;
    // A moment that is written already is not to be read as a Date again.
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

/** What the four digits of a year begin is no stand-in. */
const moment: Read = (text) => (/^\d{4}-/.test(text) && !text.includes('BC') ? text : readMoment(text).toISOString());

/** The adapter took the first character away, be it a currency or a sign: what is left of `-$1,234.50` begins with the currency. */
const money: Read = (text) => (/[$,]/.test(text) ? text.replace(/^\$/, '-').replaceAll(',', '') : text);

/** Written here, and checked by the compiler: adopters of Prisma need not have its utilities for adapters. */
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
