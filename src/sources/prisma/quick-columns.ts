// Converts between the values of Prisma's fields and the texts of Postgres' columns, and quotes names in SQL.
import pg from 'pg';
import { parseJson } from '../../runtime/exact-json.mjs';
import { readMoment } from '../../runtime/postgres-times.js';
import type { Field, Model } from './datamodel.js';

/** Parses a column's text. */
export type Read = (text: string) => unknown;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Returns the key's text exactly as Postgres writes it, because quick-find.ts finds the calls of a result row by this
 * text; `null` when only Prisma can handle the value.
 */
export function keyText({ nativeType, type }: Field, value: unknown): string | null {
  if (type === 'Int') return Number.isInteger(value) ? String(value) : null;
  return typeof value === 'string' && (nativeType !== 'Uuid' || UUID.test(value)) ? value : null;
}

/** Returns the parser of a column's text; `null` when only Prisma can read the column. */
export function readOf(field: Field): Read | null {
  const read = scalarOf(field);
  if (!field.isList || read === null) return read;
  if (field.kind === 'enum' || field.type !== 'String') return null;
  return parseTextArray;
}

/** The OID of `text[]`; pg's type definitions have no array types. */
const TEXT_ARRAY = 1009 as never;
const parseTextArray = pg.types.getTypeParser(TEXT_ARRAY) as Read;
const same: Read = (text) => text;

function scalarOf({ kind, type, nativeType, values }: Field): Read | null {
  if (kind === 'enum') {
    const names = new Map(values?.map(({ stored, name }) => [stored, name]));
    return (text) => names.get(text) ?? text;
  }
  const native = nativeType ?? '';
  if (type === 'String') return ['', 'Uuid', 'Text', 'VarChar'].includes(native) ? same : null;
  if (type === 'Boolean') return native === '' || native === 'Boolean' ? (text) => text === 't' : null;
  if (type === 'Int') return ['', 'Integer', 'SmallInt'].includes(native) ? Number : null;
  if (type === 'Float') return ['', 'DoublePrecision'].includes(native) ? Number : null;
  if (type === 'Json') return ['', 'JsonB', 'Json'].includes(native) ? parseJson : null;
  if (type === 'DateTime') return ['', 'Timestamp', 'Timestamptz'].includes(native) ? readMoment : null;
  return null;
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const tableOf = ({ schema, table }: Model): string => `${quote(schema)}.${quote(table)}`;

export const columnOf = (model: Model, name: string): string => (model.fields.find((field) => field.name === name) as Field).column;
