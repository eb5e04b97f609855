// Runs simple findUnique calls (a row by its key, with to-one relations) without Prisma, which is slower. Batches the
// calls of one tick into one statement, and returns the rows that Prisma would return. Leaves all other calls to Prisma.
import type pg from 'pg';
import type { Datamodel, Model } from './datamodel.js';
import type { Row } from './prisma-types.js';
import { keyText } from './quick-columns.js';
import { planShape, type Shape, type Texts } from './quick-shape.js';

export interface QuickFind {
  /** Plans a findUnique call; `null` when Prisma must run it. */
  plan(model: Model, args: FindUniqueArgs): Planned | null;
}

export interface FindUniqueArgs {
  where: Row;
  select?: object;
  include?: object;
}

export interface Planned {
  /** Names the call's model and relations. Calls of one tick with the same key share one statement and its connection. */
  key: string;
  /**
   * Reads the row; each caller gets a separate object. @throws QuickFindFailed, or pg's error when the statement was
   * cancelled
   */
  read(): Promise<Row | null>;
}

/** Thrown when a read failed, unless Postgres cancelled it. The caller repeats the call through Prisma, to get Prisma's error. */
class QuickFindFailed extends Error {
  override name = 'QuickFindFailed';
}

/** Maximum number of cached shapes (a model and its included relations). Each has a prepared statement on every connection. */
const MAX_SHAPES = 500;

/** Resolves to the found row, or to `undefined` when the read failed with QuickFindFailed; then the caller repeats it in Prisma. */
export async function quicklyOr<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof QuickFindFailed) return undefined;
    throw error;
  }
}

export function createQuickFind(datamodel: Pick<Datamodel, 'modelOf'>, pool: Pick<pg.Pool, 'query'>): QuickFind {
  const readers = new Map<string, ShapeReader | null>();
  let names = 0;
  const readerOf = (key: string, model: Model, include: object | undefined): ShapeReader | null => {
    const known = readers.get(key);
    if (known !== undefined) return known;
    if (readers.size >= MAX_SHAPES) return null;
    const shape = planShape(datamodel, model, include);
    const reader = shape && new ShapeReader(shape, `hookgraph-find-${++names}`, pool);
    readers.set(key, reader);
    return reader;
  };
  return {
    plan(model, { where, include, ...others }) {
      if (!isWithoutOptions(others)) return null;
      const key = include === undefined ? model.name : `${model.name}${JSON.stringify(include)}`;
      const reader = readerOf(key, model, include);
      const condition = reader && conditionOf(reader.shape, where);
      if (!condition) return null;
      return {
        key,
        read: async () => {
          const row = await reader.read(condition.key);
          return row !== null && condition.holds(row) ? row : null;
        },
      };
    },
  };
}

/**
 * Whether a findUnique call has no options besides `where` and `include`. Calls with `select`, `omit` or options of later
 * Prisma versions are left to Prisma.
 */
export const isWithoutOptions = (others: object): boolean => Object.values(others).every((value) => value === undefined);

export interface Condition {
  /** The key's text. */
  key: string;
  /** Whether the row found by its key meets the other conditions of `where`. */
  holds(row: Row): boolean;
}

/**
 * Splits a `where` into the key and a check of the other fields; `null` when only Prisma can evaluate it. The check
 * supports only equality of strings, such as the tenant's id.
 */
export function conditionOf({ keyField }: Pick<Shape, 'keyField'>, where: Row): Condition | null {
  const key = keyText(keyField, where[keyField.name]);
  if (key === null) return null;
  const names = Object.keys(where).filter((name) => name !== keyField.name);
  if (!names.every((name) => typeof where[name] === 'string')) return null;
  return { key, holds: (row) => names.every((name) => row[name] === where[name]) };
}

type Settle = (texts: Texts | undefined, error?: Error) => void;

/** Reads rows of one shape (a model with certain included relations). Reads the keys of all calls in a tick by one statement. */
class ShapeReader {
  /** Calls of the current tick, by the key's text. */
  private waiting = new Map<string, Settle[]>();

  constructor(
    readonly shape: Shape,
    private readonly name: string,
    private readonly pool: Pick<pg.Pool, 'query'>,
  ) {}

  read(key: string): Promise<Row | null> {
    return new Promise((resolve, reject) => {
      const settle: Settle = (texts, error) => {
        if (error) return reject(error);
        try {
          resolve(texts ? this.shape.build(texts) : null);
        } catch (cause) {
          reject(new QuickFindFailed((cause as Error).message, { cause }));
        }
      };
      const others = this.waiting.get(key);
      if (others) {
        others.push(settle);
        return;
      }
      if (this.waiting.size === 0) process.nextTick(() => void this.flush());
      this.waiting.set(key, [settle]);
    });
  }

  private async flush(): Promise<void> {
    const calls = this.waiting;
    this.waiting = new Map();
    try {
      const { name } = this;
      const { text } = this.shape;
      const config = { name, text, values: [[...calls.keys()]], rowMode: 'array', types: TEXTS };
      const { rows } = await this.pool.query<Texts>(config as unknown as pg.QueryArrayConfig);
      for (const texts of rows as Texts[]) {
        const key = texts[0] as string;
        for (const settle of calls.get(key) ?? []) settle(texts);
        calls.delete(key);
      }
      for (const settles of calls.values()) for (const settle of settles) settle(undefined);
    } catch (cause) {
      const error = isCancelled(cause) ? (cause as Error) : new QuickFindFailed((cause as Error).message, { cause });
      for (const settles of calls.values()) for (const settle of settles) settle(undefined, error);
    }
  }
}

const TEXTS = { getTypeParser: () => (text: string) => text };

const QUERY_CANCELLED = '57014';

const isCancelled = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === QUERY_CANCELLED;
