// A snapshot's columns, as jsonb tells them, in; the row as Prisma would have read it out.
import { Prisma } from '../../generated/nodes/client.js';
import type { Json, Snapshot } from '../../webhooks/index.js';
import { columnFields, enumOf, type Field, type Model } from './datamodel.js';
import type { Row } from './delegate.js';

/** A column that the snapshot lacks is null. */
export const rowOfSnapshot = (model: Model, { columns }: Snapshot): Row => rowOfColumns(model, columns);

/** Columns as any of Postgres' ways to make JSON of a row tells them. */
export function rowOfColumns(model: Model, columns: Snapshot['columns']): Row {
  return Object.fromEntries(columnFields(model).map((field) => [field.name, readColumn(field, columns[field.column] ?? null)]));
}

function readColumn(field: Field, value: Json): unknown {
  if (field.isList) return Array.isArray(value) ? value.map((item) => readValue(field, item)) : [];
  return readValue(field, value);
}

function readValue({ kind, type, nativeType }: Field, value: Json): unknown {
  if (value === null || type === 'Json') return value;
  if (kind === 'enum') return enumOf(type).values.find(({ stored }) => stored === value)?.name ?? value;
  switch (type) {
    case 'BigInt':
      return BigInt(String(value));
    case 'Decimal':
      return new Prisma.Decimal(String(value));
    case 'Int':
    case 'Float':
      return Number(value);
    case 'Bytes':
      return Uint8Array.from(Buffer.from(String(value).replace(/^\\x/, ''), 'hex'));
    case 'DateTime':
      return readMoment(String(value), nativeType);
    default:
      return value;
  }
}

/** Postgres writes a zone only for timestamptz; Prisma reads the others as UTC, and a time as of 1970-01-01. */
function readMoment(text: string, nativeType: string | null): Date {
  if (nativeType === 'Time' || nativeType === 'Timetz') return new Date(`1970-01-01T${withZone(text)}`);
  return new Date(text.includes('T') ? withZone(text) : text);
}

function withZone(text: string): string {
  const zoned = /(Z|[+-]\d{2}(:?\d{2})?)$/.test(text) ? text : `${text}Z`;
  return zoned.replace(/([+-]\d{2})$/, '$1:00');
}
