// Reads rows of announced tables for one execution of a stored query. Reads only the rows of the owner's tenant. Batches
// look-ups of one tick by the same columns of the same table, with the same page size, into one SQL statement.
import DataLoader from 'dataloader';
import pg, { type Pool } from 'pg';
import { asJson, ExactNumber, parseJson, parseRow, stringifyJson } from '../../runtime/exact-json.mjs';
import { isInfinite, isoOf, readMoment } from '../../runtime/postgres-times.js';
import { UnrepresentableValue } from '../../runtime/unrepresentable-value.js';
import { type AnnouncedNode, isOfTenant, type Json, type Snapshot } from '../../webhooks/index.js';
import type { KnownTable } from './known-table.js';
import type { CatalogColumn } from './read-catalog.js';

const id = pg.escapeIdentifier;

export interface Row {
  /** Maps each column to its value as text; arrays and JSON are JSON texts. */
  columns: Record<string, string | null>;
  /** Returns the GraphQL value of a column. */
  values(column: CatalogColumn): unknown;
}

export interface RowReader {
  /** Reads the row with these values in `columns`; `null` when the tenant has no such row. */
  one(known: KnownTable, columns: string[], values: (string | null)[]): Promise<Row | null>;
  /** Reads at most `first` rows with these values in `columns`, ordered by the key. */
  many(known: KnownTable, columns: string[], page: { values: (string | null)[]; first: number }): Promise<Row[]>;
}

export interface RowReaderOptions {
  pool: Pick<Pool, 'query'>;
  nodes: AnnouncedNode[];
  tenant: string;
  /**
   * Rows as they were at the time of the event; used for rows that the database no longer contains. A snapshot with
   * `ahead` is a row that a write is about to produce; it takes precedence over the database.
   */
  snapshots: Snapshot[];
}

type Texts = Record<string, string | null>;

export function createRowReader({ pool, nodes, tenant, snapshots }: RowReaderOptions): RowReader {
  const loaders = new Map<string, DataLoader<string, Texts[]>>();
  const nodeOf = ({ typename }: KnownTable) => nodes.find((node) => node.typename === typename) as AnnouncedNode;

  function loader(known: KnownTable, columns: string[], first: number): DataLoader<string, Texts[]> {
    const name = JSON.stringify([known.typename, columns, first]);
    const before = loaders.get(name);
    if (before) return before;
    const read = readColumns(known, nodeOf(known));
    const sql = selectRows(known, nodeOf(known), { nodes, columns, read });
    const made = new DataLoader<string, Texts[]>(async (keys) => {
      const values = keys.map((key) => JSON.parse(key) as string[]);
      const { rows } = await pool.query<{ place: string; row: (string | null)[] }>(sql, [
        tenant,
        first,
        ...columns.map((_, at) => values.map((texts) => texts[at])),
      ]);
      const found: Texts[][] = keys.map(() => []);
      for (const { place, row } of rows)
        found[Number(place) - 1]?.push(Object.fromEntries(read.map((column, at) => [column, row[at] ?? null])));
      return found;
    });
    loaders.set(name, made);
    return made;
  }

  /**
   * Looks the row up in the snapshots (rows as they were at the event) by its key. Returns `null` when `columns` aren't the
   * key, or no snapshot has these values. `ahead`: searches only snapshots of rows that a write is about to produce.
   */
  function remembered(known: KnownTable, columns: string[], values: string[], ahead: boolean): Row | null {
    const { key } = nodeOf(known);
    if (key.length !== columns.length || !key.every((column) => columns.includes(column))) return null;
    const texts = key.map((column) => values[columns.indexOf(column)] as string);
    const keyText = texts.length === 1 ? texts[0] : JSON.stringify(texts);
    const snapshot = snapshots.find((one) => one.typename === known.typename && one.key === keyText && (!ahead || one.ahead));
    return snapshot ? rowOfSnapshot(snapshot.columns) : null;
  }

  return {
    async one(known, columns, values) {
      if (values.includes(null)) return null;
      const texts = values as string[];
      const coming = remembered(known, columns, texts, true);
      if (coming) return coming;
      const [row] = await loader(known, columns, 1).load(JSON.stringify(texts));
      return row ? toRow(row) : remembered(known, columns, texts, false);
    },
    async many(known, columns, { values, first }) {
      if (values.includes(null)) return [];
      return (await loader(known, columns, first).load(JSON.stringify(values))).map(toRow);
    },
  };
}

function readColumns({ table }: KnownTable, node: AnnouncedNode): string[] {
  return [...new Set([...Object.keys(node.columns), ...node.key, ...table.foreignKeys.flatMap((key) => key.columns)])];
}

interface Selected {
  nodes: AnnouncedNode[];
  /** The columns by which rows are found. */
  columns: string[];
  /** The columns that are read. */
  read: string[];
}

function selectRows(known: KnownTable, node: AnnouncedNode, { nodes, columns, read }: Selected): string {
  const typeOf = (name: string) => known.table.columns.find((column) => column.name === name) as CatalogColumn;
  // An array, because a function takes at most 100 arguments.
  const row = read.map((column) => textSql(typeOf(column))).join(', ');
  const alive = node.softDelete ? ` AND r.${id(node.softDelete.column)} IS NULL` : '';
  const arrays = columns.map((_, at) => `$${at + 3}::text[]`).join(', ');
  const parts = columns.map((_, at) => `k${at}`).join(', ');
  // Compares in the column's own type, so that Postgres uses the column's index. A text that isn't a valid integer or
  // UUID for such a column matches no row.
  const equal = columns.map((column, at) => `${keySql(typeOf(column))} = ${castSql(typeOf(column), `k.k${at}`)}`).join(' AND ');
  return `SELECT k.place, x.row FROM unnest(${arrays}) WITH ORDINALITY AS k (${parts}, place)
    CROSS JOIN LATERAL (
      SELECT ARRAY[${row}]::text[] AS row FROM ${id(known.table.schema)}.${id(known.table.name)} r
      WHERE ${equal}${alive} AND ${isOfTenant(node, nodes, 'r')}
      ORDER BY ${node.key.map((column) => `r.${id(column)}`).join(', ')} LIMIT $2) x`;
}

/** Returns SQL for a key column. Casts an enum to its own type, because a domain over an enum has no comparison operator. */
const keySql = ({ name, type, typeSchema, labels }: CatalogColumn): string => `r.${id(name)}${labels ? `::${typeSchema}.${id(type)}` : ''}`;

const UUID = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
const BITS: Record<string, bigint> = { int2: 15n, int4: 31n, int8: 63n };

function castSql({ type, typeSchema }: CatalogColumn, text: string): string {
  const bits = BITS[type];
  if (bits) {
    const limit = 2n ** bits;
    const isWithin = `${text}::numeric BETWEEN ${-limit} AND ${limit - 1n}`;
    return `(CASE WHEN ${text} ~ '^-?\\d{1,19}$' THEN CASE WHEN ${isWithin} THEN ${text}::${type} END END)`;
  }
  if (type === 'uuid') return `(CASE WHEN ${text} ~ '${UUID}' THEN ${text}::uuid END)`;
  return ['text', 'varchar'].includes(type) ? text : `${text}::${typeSchema}.${id(type)}`;
}

/**
 * The types whose text doesn't depend on settings of the session. Types of extensions, composite types, and dates and times are read as
 * `to_json` writes them.
 */
const PLAIN = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'bool', 'text', 'varchar', 'uuid', 'json', 'jsonb', 'xml']);

/** Returns SQL that converts a column to text without losing digits, whatever the column's type. */
function textSql({ name, type, isArray }: CatalogColumn): string {
  const value = `r.${id(name)}`;
  if (isArray) return `to_json(${value})::text`;
  if (type === 'bytea') return `encode(${value}, 'base64')`;
  return PLAIN.has(type) ? `${value}::text` : `(to_json(${value}) #>> '{}')`;
}

function toRow(columns: Texts): Row {
  return {
    columns,
    values: (column) => {
      const text = columns[column.name] ?? null;
      if (text === null) return null;
      return column.isArray ? itemsIn(column, parseRow(text)) : valueIn(column, text);
    },
  };
}

/** Returns the items of a Postgres array. A nested array becomes a JSON text, which only a list of texts can hold. */
function itemsIn(column: CatalogColumn, value: Json): unknown {
  if (!Array.isArray(value)) return jsonIn(column, value);
  return value.map((item) => {
    if (!Array.isArray(item) || column.type.startsWith('json')) return jsonIn(column, item);
    if (LISTED_AS_VALUES.has(column.type))
      throw new UnrepresentableValue(`${column.name} is an array of several dimensions, which a list cannot represent.`);
    return stringifyJson(inOrder(column, item));
  });
}

/** The types whose GraphQL type is not String. */
const LISTED_AS_VALUES = new Set(['int2', 'int4', 'float4', 'float8', 'bool', 'timestamptz', 'timestamp']);

/** A row as it was at an event: its values are JSON. */
function rowOfSnapshot(snapshot: Snapshot['columns']): Row {
  const texts = Object.entries(snapshot).flatMap(([column, value]) => (isComposed(value) ? [] : [[column, textOf(value)]]));
  return {
    columns: Object.fromEntries(texts),
    values: (column) => {
      const value = snapshot[column.name] ?? null;
      return column.isArray ? itemsIn(column, value) : jsonIn(column, value);
    },
  };
}

/** Returns the GraphQL value of a value in the form in which `to_json` writes it. */
function jsonIn(column: CatalogColumn, value: Json): unknown {
  if (value === null) return null;
  const { type } = column;
  if (type === 'json' || type === 'jsonb') return typeof value === 'string' && REFUSED_BY_JSONB.test(value) ? parsed(value) : asJson(value);
  if (type === 'bytea') return Buffer.from(String(value).replace(/^\\x/, ''), 'hex').toString('base64');
  return valueIn(column, type === 'numeric' ? withoutExponent(textOf(value)) : textOf(inOrder(column, value)));
}

/** Sorts the attributes of composite values, which jsonb keeps in an order of its own, as their types declare them. */
function inOrder(column: CatalogColumn, value: Json): Json {
  if (!column.attributeLists || !isComposed(value)) return value;
  if (Array.isArray(value)) return value.map((item) => inOrder(column, item));
  const given = value as Record<string, Json>;
  const names = Object.keys(given);
  const list = column.attributeLists.find((one) => one.length === names.length && one.every((name) => Object.hasOwn(given, name)));
  return Object.fromEntries((list ?? names).map((name) => [name, inOrder(column, given[name] as Json)]));
}

/** Matches JSON that jsonb refuses, and that capture therefore records as text: `\u0000`, half a surrogate, a number out of range. */
const REFUSED_BY_JSONB = /\\u(?:0000|d[89a-f])|[eE][-+]?\d{5}|\d{1000}/i;

function parsed(text: string): Json {
  try {
    return parseJson(text) as Json;
  } catch {
    return text;
  }
}

const isComposed = (value: Json): boolean => typeof value === 'object' && value !== null && !(value instanceof ExactNumber);

const textOf = (value: Json): string => (typeof value === 'string' ? value : stringifyJson(value));

/** Writes a number of JSON without an exponent, as Postgres writes a numeric. */
function withoutExponent(number: string): string {
  const [, minus = '', whole = '', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?[eE]([-+]?\d+)$/.exec(number) ?? [];
  if (exponent === undefined) return number;
  const point = whole.length + Number(exponent);
  const digits = (whole + fraction).padStart(whole.length + fraction.length + Math.max(0, 1 - point), '0').padEnd(point, '0');
  const at = Math.max(1, point);
  return `${minus}${digits.slice(0, at)}${digits.length > at ? `.${digits.slice(at)}` : ''}`;
}

function valueIn({ name, type }: CatalogColumn, text: string): unknown {
  switch (type) {
    case 'int2':
    case 'int4':
      return Number(text);
    case 'float4':
    case 'float8':
      if (!Number.isFinite(Number(text))) throw new UnrepresentableValue(`${name} is ${text}, which a Float cannot represent.`);
      return Number(text);
    case 'bool':
      return text === 't' || text === 'true';
    case 'json':
    case 'jsonb':
      return parseJson(text);
    case 'timestamptz':
    case 'timestamp':
      return momentOf(name, text);
    default:
      return text;
  }
}

/** Formats a timestamp as ISO 8601 in UTC, with milliseconds. @throws UnrepresentableValue for an infinite timestamp */
function momentOf(name: string, text: string): string {
  const moment = readMoment(text);
  if (isInfinite(moment)) throw new UnrepresentableValue(`${name} is ${isoOf(moment)}, which a DateTime cannot represent.`);
  return isoOf(moment);
}
