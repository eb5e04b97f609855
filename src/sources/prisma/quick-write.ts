// Runs simple writes (one row, no relations) as one statement that also records the cause and looks for before-hooks.
// Prisma would need a transaction of several statements. All other writes are left to Prisma.
import pg from 'pg';
import { parseJson, stringifyJson } from '../../runtime/exact-json.mjs';
import { sqlOf } from '../../runtime/postgres-times.js';
import { ANNOUNCE, isForHooks, type Json } from '../../webhooks/index.js';
import { columnFields, type Field, type Model } from './datamodel.js';
import type { PrismaNamespace, Row } from './prisma-types.js';
import { quote, readOf, tableOf } from './quick-columns.js';
import { rowOfColumns } from './snapshot-row.js';

/**
 * Runs a planned write. Resolves to the written row; to `null` when no row matches.
 * @param announcement result of the engine's `announceValues`: says who writes what, so that before-hooks can be found
 * @throws any error of pg
 */
export type PlannedStatement = (announcement: string[]) => Promise<Row | null>;

/** The fields that identify the row, with their values, such as the key and the tenant. */
export type Equalities = [field: string, value: unknown][];

/** Plans writes; each method returns `null` when Prisma must write. `data` is in the form of Prisma's `data`. */
export interface QuickWrite {
  insert(model: Model, data: Row): PlannedStatement | null;
  update(model: Model, where: Equalities, data: Row): PlannedStatement | null;
  delete(model: Model, where: Equalities): PlannedStatement | null;
}

/**
 * Whether a statement failed because of values, constraints or rights. Then nothing was written, and the caller repeats
 * the write through Prisma, so that Prisma throws its own error.
 */
export const isLeftToPrisma = (error: unknown): boolean => error instanceof pg.DatabaseError && /^(22|23|42)/.test(error.code ?? '');

/** Maximum number of prepared statements on each connection. Further statements are unnamed, so Postgres parses them each time. */
const MAX_NAMES = 200;

interface Cell {
  column: string;
  value: unknown;
}

/**
 * Creates the planner of writes.
 * @param localSql replaces the schema name `hookgraph` in a statement by the installation's name for it
 */
export function createQuickWrite(
  Prisma: PrismaNamespace,
  pool: Pick<pg.Pool, 'connect'>,
  localSql: (sql: string) => string = (sql) => sql,
): QuickWrite {
  const names = new Map<string, string>();
  const supported = new Map<Model, boolean>();

  function isSupported(model: Model): boolean {
    let is = supported.get(model);
    if (is === undefined) {
      is = columnFields(model).every((field) => !field.isMadeByPrisma && readOf(field) !== null);
      supported.set(model, is);
    }
    return is;
  }

  /** Returns the columns and values to write; `null` when there are none, or when only Prisma can write one of them. */
  function cellsOf(model: Model, entries: Equalities): Cell[] | null {
    if (!isSupported(model)) return null;
    const cells: Cell[] = [];
    for (const [name, written] of entries) {
      if (written === undefined) continue;
      const field = model.fields.find((candidate) => candidate.name === name);
      const value = field && sentValue(field, written, Prisma);
      if (!field || value === undefined) return null;
      cells.push({ column: quote(field.column), value });
    }
    return cells.length > 0 ? cells : null;
  }

  function plan(model: Model, statement: string, cells: Cell[]): PlannedStatement {
    const text = localSql(`${statement} RETURNING row_to_json(t)::text AS row`);
    if (!names.has(text) && names.size < MAX_NAMES) names.set(text, `hookgraph-write-${names.size}`);
    const name = names.get(text);
    return async (announcement) => {
      const values = [...announcement, ...cells.map(({ value }) => value)];
      const columns = await run(pool, { text, values, ...(name && { name }) });
      return columns && rowOfColumns(model, columns, Prisma);
    };
  }

  return {
    insert(model, data) {
      const cells = cellsOf(model, Object.entries(data));
      return cells && plan(model, insertion(model, cells), cells);
    },
    update(model, where, data) {
      const newCells = cellsOf(model, Object.entries(data));
      const cells = cellsOf(model, where);
      return newCells && cells && plan(model, change(model, cells, newCells), [...newCells, ...cells]);
    },
    delete(model, where) {
      const cells = cellsOf(model, where);
      return cells && plan(model, `DELETE FROM ${tableOf(model)} AS t USING ${ANNOUNCE} WHERE ${equal(cells, 0)}`, cells);
    },
  };
}

function insertion(model: Model, cells: Cell[]): string {
  const columns = cells.map(({ column }) => column).join(', ');
  return `INSERT INTO ${tableOf(model)} AS t (${columns}) SELECT ${cells.map(placeholderFrom(0)).join(', ')} FROM ${ANNOUNCE}`;
}

function change(model: Model, where: Cell[], newCells: Cell[]): string {
  const placeholder = placeholderFrom(0);
  const set = newCells.map((cell, index) => `${cell.column} = ${placeholder(cell, index)}`).join(', ');
  return `UPDATE ${tableOf(model)} AS t SET ${set} FROM ${ANNOUNCE} WHERE ${equal(where, newCells.length)}`;
}

/** Runs a statement on a client, because the pool's `query` closes the connection after any error. */
async function run(pool: Pick<pg.Pool, 'connect'>, config: pg.QueryConfig): Promise<Record<string, Json> | null> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ row: string }>(config);
    client.release();
    return rows[0] ? parseJson(rows[0].row) : null;
  } catch (error) {
    client.release(!isLeftToPrisma(error) && !isForHooks(error));
    throw error;
  }
}

/** Returns the SQL placeholder for a cell's value. The first is $4, because $1 to $3 are the values of the announcement. */
const placeholderFrom = (first: number) => (_cell: Cell, index: number) => `$${first + index + 4}`;

function equal(cells: Cell[], first: number): string {
  const placeholder = placeholderFrom(first);
  return cells.map((cell, index) => `t.${cell.column} = ${placeholder(cell, index)}`).join(' AND ');
}

/** Converts a value of Prisma's `data` to the value for pg; `undefined` when only Prisma can write it, such as `{ increment: 1 }`. */
function sentValue({ kind, type, isList, values }: Field, written: unknown, Prisma: PrismaNamespace): unknown {
  if (written === null || written === Prisma.DbNull) return null;
  if (isList) {
    const { set } = written as { set?: unknown };
    return Array.isArray(set) ? set : undefined;
  }
  if (type === 'Json') return stringifyJson(written);
  if (kind === 'enum') return values?.find(({ name }) => name === written)?.stored;
  if (written instanceof Date) return sqlOf(written);
  return typeof written === 'object' ? undefined : written;
}
