// Converts a snapshot (a row as it was at an event, as JSON columns) to the row that Prisma would have read.
import { asJson } from '../../runtime/exact-json.mjs';
import { readMoment } from '../../runtime/postgres-times.js';
import type { Json, Snapshot } from '../../webhooks/index.js';
import { columnFields, type Field, type Model } from './datamodel.js';
import type { PrismaNamespace, Row } from './prisma-types.js';

/** Returns the row of a snapshot. A column that the snapshot lacks becomes `null`. */
export const rowOfSnapshot = (model: Model, { columns }: Snapshot, Prisma: PrismaNamespace): Row => rowOfColumns(model, columns, Prisma);

/** Converts a row from JSON, as written by Postgres functions such as `to_jsonb`, to the row that Prisma would read. */
export function rowOfColumns(model: Model, columns: Snapshot['columns'], Prisma: PrismaNamespace): Row {
  return Object.fromEntries(columnFields(model).map((field) => [field.name, readColumn(field, columns[field.column] ?? null, Prisma)]));
}

function readColumn(field: Field, value: Json, Prisma: PrismaNamespace): unknown {
  if (field.isList) return Array.isArray(value) ? value.map((item) => readValue(field, item, Prisma)) : [];
  return readValue(field, value, Prisma);
}

function readValue({ kind, type, nativeType, values }: Field, value: Json, Prisma: PrismaNamespace): unknown {
  if (value === null || type === 'Json') return asJson(value) as Json;
  if (kind === 'enum') return values?.find(({ stored }) => stored === value)?.name ?? value;
  switch (type) {
    case 'BigInt':
      return BigInt(String(value));
    case 'Decimal':
      return new Prisma.Decimal(nativeType === 'Money' ? digitsOf(String(value)) : String(value));
    case 'Int':
    case 'Float':
      return Number(value);
    case 'Bytes':
      return Uint8Array.from(Buffer.from(String(value).replace(/^\\x/, ''), 'hex'));
    case 'DateTime':
      return readColumnMoment(String(value), nativeType);
    default:
      return value;
  }
}

/**
 * Parses a timestamp, date or time of a snapshot as Prisma would. Prisma reads a timestamp without a zone as UTC, and a
 * time of day as a time on 1970-01-01.
 */
function readColumnMoment(text: string, nativeType: string | null): Date {
  return readMoment(nativeType === 'Time' || nativeType === 'Timetz' ? `1970-01-01T${text}` : text);
}

/** Parses money in any locale: the last separator is the decimal point if at most two digits follow it. */
function digitsOf(money: string): string {
  const [, whole = '', cents = ''] = /^(.*?)(?:[.,](\d{1,2}))?\D*$/.exec(money) ?? [];
  return `${/[-(]/.test(money) ? '-' : ''}${whole.replace(/\D/g, '') || '0'}.${cents || '0'}`;
}
