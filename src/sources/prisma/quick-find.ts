// Runs simple findUnique calls (a row by its key, with to-one relations) without Prisma, which takes longer. Calls of
// one tick become one statement, and results equal Prisma's; all other calls are left to Prisma.
import pg from 'pg';
import { parseJson } from '../../runtime/exact-json.mjs';
import { readMoment } from '../../runtime/moments.js';
import { columnFields, type Datamodel, type Field, keyFields, type Model } from './datamodel.js';
import type { Row } from './prisma-types.js';

export interface QuickFind {
  /** Returns `null` when Prisma must run the call. */
  plan(model: Model, args: FindUniqueArgs): Planned | null;
}

export interface FindUniqueArgs {
  where: Row;
  select?: object;
  include?: object;
}

export interface Planned {
  /** The same for all calls that share a statement. */
  key: string;
  /**
   * Returns a separate object for each caller. @throws QuickFindFailed, or pg's error when the statement was cancelled
   */
  read(): Promise<Row | null>;
}

/** The statement failed, but wasn't cancelled. The caller repeats the call through Prisma, to get Prisma's error. */
class QuickFindFailed extends Error {
  override name = 'QuickFindFailed';
}

/** Maximum number of cached shapes. Each has a prepared statement on every connection. */
const MOST_SHAPES = 500;

type Read = (text: string) => unknown;
type Texts = (string | null)[];

interface Shape {
  key: string;
  statement: { name: string; text: string };
  keyField: Field;
  build(texts: Texts): Row;
  /** Calls of the current tick, by the key's text. */
  waiting: Map<string, ((texts: Texts | undefined, error?: Error) => void)[]>;
}

/** Resolves to `undefined` when Prisma must run the call. */
export async function quicklyOr<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof QuickFindFailed) return undefined;
    throw error;
  }
}

export function createQuickFind(datamodel: Pick<Datamodel, 'modelOf'>, pool: Pick<pg.Pool, 'query'>): QuickFind {
  const shapes = new Map<string, Shape | null>();
  let names = 0;

  function shapeOf(model: Model, include: object | undefined): Shape | null {
    const key = include === undefined ? model.name : `${model.name}${JSON.stringify(include)}`;
    const known = shapes.get(key);
    if (known !== undefined) return known;
    if (shapes.size >= MOST_SHAPES) return null;
    const shape = makeShape(datamodel, model, { key, include, name: `hookgraph-find-${++names}` });
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
    plan(model, { where, include, ...others }) {
      // `select`, `omit` and options of later Prisma versions are left to Prisma.
      for (const name in others) if (others[name as keyof typeof others] !== undefined) return null;
      const shape = shapeOf(model, include);
      if (shape === null) return null;
      const key = keyText(shape.keyField, where[shape.keyField.name]);
      if (key === null) return null;
      const conditions = Object.keys(where).filter((name) => name !== shape.keyField.name);
      // Only equalities of strings, such as the tenant's id, can be checked here.
      for (const name of conditions) if (typeof where[name] !== 'string') return null;
      return {
        key: shape.key,
        read: async () => {
          const row = await read(shape, key);
          return row !== null && conditions.every((name) => row[name] === where[name]) ? row : null;
        },
      };
    },
  };
}

const TEXTS = { getTypeParser: () => (text: string) => text };

const QUERY_CANCELLED = '57014';

const isCancelled = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === QUERY_CANCELLED;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The key's text exactly as Postgres writes it, because results are matched by it; `null` when the value can't be
 * handled here.
 */
function keyText({ nativeType, type }: Field, value: unknown): string | null {
  if (type === 'Int') return Number.isInteger(value) ? String(value) : null;
  return typeof value === 'string' && (nativeType !== 'Uuid' || UUID.test(value)) ? value : null;
}

const KEY_TYPES: Record<string, string> = { Uuid: 'uuid', Text: 'text', Int: 'int', Integer: 'int' };

function makeShape(
  { modelOf }: Pick<Datamodel, 'modelOf'>,
  model: Model,
  { key, include, name }: { key: string; include: object | undefined; name: string },
): Shape | null {
  const columns: string[] = [];
  const joins: string[] = [];
  let tables = 0;

  /** Adds a table to the statement; `null` when it has a column or relation that only Prisma can read. */
  function addTable(own: Model, chosen: object | undefined): ((texts: Texts) => Row | null) | null {
    const table = `t${tables++}`;
    const [keyField, second] = keyFields(own);
    const fields = columnFields(own);
    const reads = fields.map(readOf);
    if (!keyField || second || reads.includes(null)) return null;
    const first = columns.length;
    // The key comes first: if it is null, the joined row doesn't exist.
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
  const [keyField] = keyFields(model);
  if (build === null || !keyField || keyField.kind === 'enum') return null;
  const keyType = KEY_TYPES[keyField.nativeType ?? (keyField.type === 'Int' ? 'Int' : 'Text')];
  if (keyType === undefined) return null;
  const text = `SELECT ${columns.join(', ')} FROM ${tableOf(model)} t0 ${joins.join(' ')} WHERE t0.${quote(keyField.column)} = ANY ($1::${keyType}[])`;
  return { key, statement: { name, text }, keyField, build: build as Shape['build'], waiting: new Map() };
}

/** The nested `include` of a relation; `null` when other options are set. */
function innerOf(value: unknown): { include?: object } | null {
  if (value === true) return {};
  if (typeof value !== 'object' || value === null) return null;
  const { include, ...others } = value as { include?: object };
  return Object.values(others).every((other) => other === undefined) ? { ...(include && { include }) } : null;
}

/** Parses a column's text; `null` when only Prisma can read the column. */
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

const columnOf = (model: Model, name: string): string => (model.fields.find((field) => field.name === name) as Field).column;
