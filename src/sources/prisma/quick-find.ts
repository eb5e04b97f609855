// The arguments of a findUnique of the usual shape (a node by its key, with objects that it points to) -> its row, as Prisma reads it:
// all that are asked for in one tick by one statement. Prisma takes five times as long over it; what is out of the usual stays its own.
import pg from 'pg';
import { columnFields, enumOf, type Field, keyFields, type Model, modelOf } from './datamodel.js';
import type { Row } from './delegate.js';

export interface QuickFind {
  /** Null: Prisma is to be asked. */
  plan(model: Model, args: FindUniqueArgs): Planned | null;
}

export interface FindUniqueArgs {
  where: Row;
  select?: object;
  include?: object;
}

export interface Planned {
  /** Of all that is read by the same statement. */
  key: string;
  /** Each caller's row is its own. @throws QuickFindFailed */
  read(): Promise<Row | null>;
}

/** The statement failed: Prisma is to be asked, whose errors are known. */
export class QuickFindFailed extends Error {
  override name = 'QuickFindFailed';
}

/** Shapes that are kept, each with a prepared statement on each connection. */
const MOST_SHAPES = 500;

type Read = (text: string) => unknown;
type Texts = (string | null)[];

interface Shape {
  key: string;
  statement: { name: string; text: string };
  keyField: Field;
  build(texts: Texts): Row;
  /** What gathers until the tick ends, by the key's text. */
  waiting: Map<string, ((texts: Texts | undefined, error?: Error) => void)[]>;
}

/** Undefined: Prisma is to be asked. */
export async function quicklyOr<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof QuickFindFailed) return undefined;
    throw error;
  }
}

export function createQuickFind(pool: Pick<pg.Pool, 'query'>): QuickFind {
  const shapes = new Map<string, Shape | null>();
  let names = 0;

  function shapeOf(model: Model, include: object | undefined): Shape | null {
    const key = include === undefined ? model.name : `${model.name}${JSON.stringify(include)}`;
    const known = shapes.get(key);
    if (known !== undefined) return known;
    if (shapes.size >= MOST_SHAPES) return null;
    const shape = makeShape(model, { key, include, name: `hookgraph-find-${++names}` });
    shapes.set(key, shape);
    return shape;
  }

  function read(shape: Shape, text: string): Promise<Row | null> {
    return new Promise((resolve, reject) => {
      const told = (texts: Texts | undefined, error?: Error) => {
        if (error) return reject(error);
        try {
          resolve(texts ? shape.build(texts) : null);
        } catch (cause) {
          reject(new QuickFindFailed((cause as Error).message, { cause }));
        }
      };
      const others = shape.waiting.get(text);
      if (others) {
        others.push(told);
        return;
      }
      if (shape.waiting.size === 0) process.nextTick(() => void flush(shape));
      shape.waiting.set(text, [told]);
    });
  }

  async function flush(shape: Shape): Promise<void> {
    const asked = shape.waiting;
    shape.waiting = new Map();
    try {
      const { rows } = await pool.query<Texts>({
        ...shape.statement,
        values: [[...asked.keys()]],
        rowMode: 'array',
        types: TEXTS,
      } as pg.QueryArrayConfig);
      for (const texts of rows as Texts[]) {
        const key = texts[0] as string;
        for (const told of asked.get(key) ?? []) told(texts);
        asked.delete(key);
      }
      for (const all of asked.values()) for (const told of all) told(undefined);
    } catch (cause) {
      const error = isCancelled(cause) ? (cause as Error) : new QuickFindFailed((cause as Error).message, { cause });
      for (const all of asked.values()) for (const told of all) told(undefined, error);
    }
  }

  return {
    plan(model, { where, select, include }) {
      if (select !== undefined) return null;
      const shape = shapeOf(model, include);
      if (shape === null) return null;
      const key = keyText(shape.keyField, where[shape.keyField.name]);
      if (key === null) return null;
      const others = Object.keys(where).filter((name) => name !== shape.keyField.name);
      // Nothing but equalities, as with the tenant.
      for (const name of others) if (typeof where[name] !== 'string') return null;
      return {
        key: shape.key,
        read: async () => {
          const row = await read(shape, key);
          return row !== null && others.every((name) => row[name] === where[name]) ? row : null;
        },
      };
    },
  };
}

const TEXTS = { getTypeParser: () => (text: string) => text };

const QUERY_CANCELLED = '57014';

const isCancelled = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === QUERY_CANCELLED;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** As Postgres writes it: rows are found again by it. */
function keyText({ nativeType, type }: Field, value: unknown): string | null {
  if (type === 'Int') return Number.isInteger(value) ? String(value) : null;
  return typeof value === 'string' && (nativeType !== 'Uuid' || UUID.test(value)) ? value : null;
}

const KEY_TYPES: Record<string, string> = { Uuid: 'uuid', Text: 'text', Int: 'int', Integer: 'int' };

function makeShape(model: Model, { key, include, name }: { key: string; include: object | undefined; name: string }): Shape | null {
  const columns: string[] = [];
  const joins: string[] = [];
  let tables = 0;

  /** Adds a table; null: it holds what only Prisma reads. */
  function addTable(own: Model, chosen: object | undefined): ((texts: Texts) => Row | null) | null {
    const table = `t${tables++}`;
    const [keyField, second] = keyFields(own);
    const fields = columnFields(own);
    const reads = fields.map(readOf);
    if (!keyField || second || reads.includes(null)) return null;
    const first = columns.length;
    // The key comes first: where it is null, the table has no such row.
    const ordered = [keyField, ...fields.filter((field) => field !== keyField)];
    columns.push(...ordered.map(({ column }) => `${table}.${quote(column)}`));
    const parts = ordered.map((field) => ({ name: field.name, isList: field.isList, read: readOf(field) as Read }));
    const relations: { name: string; build: (texts: Texts) => Row | null }[] = [];
    for (const [relation, value] of Object.entries(chosen ?? {})) {
      if (value === false || value === undefined) continue;
      const field = own.fields.find((candidate) => candidate.name === relation);
      const inner = innerOf(value);
      const [from, otherFrom] = field?.relationFromFields ?? [];
      const [to] = field?.relationToFields ?? [];
      if (!field || field.isList || inner === null || !from || otherFrom || !to) return null;
      const other = modelOf(field.type);
      const place = `t${tables}`;
      const at = joins.push('') - 1;
      const build = addTable(other, inner.include);
      if (build === null) return null;
      joins[at] = `LEFT JOIN ${tableOf(other)} ${place} ON ${place}.${quote(columnOf(other, to))} = ${table}.${quote(columnOf(own, from))}`;
      relations.push({ name: relation, build });
    }
    return (texts) => {
      if (texts[first] === null) return null;
      const row: Row = {};
      for (let i = 0; i < parts.length; i++) {
        const { name, isList, read } = parts[i] as (typeof parts)[number];
        const text = texts[first + i] as string | null;
        row[name] = text === null ? (isList ? [] : null) : read(text);
      }
      for (const { name, build } of relations) row[name] = build(texts);
      return row;
    };
  }

  const build = addTable(model, include);
  const keyField = keyFields(model)[0] as Field;
  const keyType = KEY_TYPES[keyField.nativeType ?? (keyField.type === 'Int' ? 'Int' : 'Text')];
  if (build === null || keyType === undefined) return null;
  const text = `SELECT ${columns.join(', ')} FROM ${tableOf(model)} t0 ${joins.join(' ')} WHERE t0.${quote(keyField.column)} = ANY ($1::${keyType}[])`;
  return { key, statement: { name, text }, keyField, build: build as Shape['build'], waiting: new Map() };
}

/** Null: more than that the object be there, with what it points to. */
function innerOf(value: unknown): { include?: object } | null {
  if (value === true) return {};
  if (typeof value !== 'object' || value === null) return null;
  const { include, ...others } = value as { include?: object };
  return Object.values(others).every((other) => other === undefined) ? { ...(include && { include }) } : null;
}

/** Null: Prisma reads it. */
export function readOf(field: Field): Read | null {
  const read = scalarOf(field);
  if (!field.isList || read === null) return read;
  if (field.kind === 'enum' || field.type !== 'String') return null;
  return parseTextArray;
}

/** `text[]`; the types know no arrays. */
const TEXT_ARRAY = 1009 as never;
const parseTextArray = pg.types.getTypeParser(TEXT_ARRAY) as Read;
const same: Read = (text) => text;

function scalarOf({ kind, type, nativeType }: Field): Read | null {
  if (kind === 'enum') {
    const names = new Map(enumOf(type).values.map(({ stored, name }) => [stored, name]));
    return (text) => names.get(text) ?? text;
  }
  const native = nativeType ?? '';
  if (type === 'String') return ['', 'Uuid', 'Text', 'VarChar'].includes(native) ? same : null;
  if (type === 'Boolean') return native === '' || native === 'Boolean' ? (text) => text === 't' : null;
  if (type === 'Int') return ['', 'Integer', 'SmallInt'].includes(native) ? Number : null;
  if (type === 'Float') return ['', 'DoublePrecision'].includes(native) ? Number : null;
  if (type === 'Json') return ['', 'JsonB', 'Json'].includes(native) ? JSON.parse : null;
  if (type === 'DateTime') return ['', 'Timestamp', 'Timestamptz'].includes(native) ? readMoment : null;
  return null;
}

/** The reader's sessions write UTC: `2026-01-02 03:04:05.678+00`, and without a zone what Prisma keeps in UTC. */
function readMoment(text: string): Date {
  if (text.charAt(10) !== ' ' || text.endsWith('BC')) throw new Error(`${text} is no usual moment`);
  return new Date(`${text.slice(0, 10)}T${text.endsWith('+00') ? text.slice(11, -3) : text.slice(11)}Z`);
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const tableOf = ({ schema, table }: Model): string => `${quote(schema)}.${quote(table)}`;

const columnOf = (model: Model, name: string): string => (model.fields.find((field) => field.name === name) as Field).column;
