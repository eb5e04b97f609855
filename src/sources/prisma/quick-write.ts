// A write of the usual shape (one row, its own columns) -> that row, as Prisma answers it: one statement, which announces itself, and so
// one message. Prisma needs a transaction of four, and 0.4 ms for its own part; what is out of the usual stays its own.
import pg from 'pg';
import { parseJson, stringifyJson } from '../../runtime/exact-json.mjs';
import { sqlOf } from '../../runtime/moments.js';
import { ANNOUNCE, isForHooks, type Json } from '../../webhooks/index.js';
import { columnFields, type Field, type Model } from './datamodel.js';
import type { PrismaNamespace, Row } from './prisma-types.js';
import { quote, readOf, tableOf } from './quick-find.js';
import { rowOfColumns } from './snapshot-row.js';

/** Takes the engine's `announceValues`; null: there is no such row. @throws what pg throws */
export type PlannedStatement = (announcement: string[]) => Promise<Row | null>;

/** Fields, each with what it has to be: the key, the tenant. */
export type Equalities = [field: string, value: unknown][];

/** Null: Prisma is to write. `data` is Prisma's. */
export interface QuickWrite {
  insert(model: Model, data: Row): PlannedStatement | null;
  update(model: Model, where: Equalities, data: Row): PlannedStatement | null;
  delete(model: Model, where: Equalities): PlannedStatement | null;
}

/** Of values, constraints and rights. Nothing was written, and Prisma, whose errors are known, is to say what is wrong. */
export const isPrismasToTell = (error: unknown): boolean => error instanceof pg.DatabaseError && /^(22|23|42)/.test(error.code ?? '');

/** Statements that stay prepared on each connection; any others are parsed each time. */
const MOST_NAMES = 200;

interface Cell {
  column: string;
  value: unknown;
}

/** `localSql`: Webhooks.localSql, where the engine's tables are in a schema of another name. */
export function createQuickWrite(
  Prisma: PrismaNamespace,
  pool: Pick<pg.Pool, 'connect'>,
  localSql: (sql: string) => string = (sql) => sql,
): QuickWrite {
  const names = new Map<string, string>();
  const usual = new Map<Model, boolean>();

  function isUsual(model: Model): boolean {
    let is = usual.get(model);
    if (is === undefined) {
      is = columnFields(model).every((field) => !field.isMadeByPrisma && readOf(field) !== null);
      usual.set(model, is);
    }
    return is;
  }

  /** Null: there are none, or not of columns alone. */
  function cellsOf(model: Model, entries: Equalities): Cell[] | null {
    if (!isUsual(model)) return null;
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
    if (!names.has(text) && names.size < MOST_NAMES) names.set(text, `hookgraph-write-${names.size}`);
    const name = names.get(text);
    return async (announcement) => {
      const values = [...announcement, ...cells.map(({ value }) => value)];
      const columns = await run({ text, values, ...(name && { name }) });
      return columns && rowOfColumns(model, columns, Prisma);
    };
  }

  /** Not by the pool's own `query`, which ends the connection whatever the failure is. */
  async function run(config: pg.QueryConfig): Promise<Record<string, Json> | null> {
    const client = await pool.connect();
    try {
      const { rows } = await client.query<{ row: string }>(config);
      client.release();
      return rows[0] ? parseJson(rows[0].row) : null;
    } catch (error) {
      client.release(!isPrismasToTell(error) && !isForHooks(error));
      throw error;
    }
  }

  return {
    insert(model, data) {
      const cells = cellsOf(model, Object.entries(data));
      if (!cells) return null;
      const columns = cells.map(({ column }) => column).join(', ');
      return plan(
        model,
        `INSERT INTO ${tableOf(model)} AS t (${columns}) SELECT ${cells.map(placeAt(0)).join(', ')} FROM ${ANNOUNCE}`,
        cells,
      );
    },
    update(model, where, data) {
      const news = cellsOf(model, Object.entries(data));
      const cells = cellsOf(model, where);
      if (!news || !cells) return null;
      const place = placeAt(0);
      const set = news.map((cell, index) => `${cell.column} = ${place(cell, index)}`).join(', ');
      return plan(model, `UPDATE ${tableOf(model)} AS t SET ${set} FROM ${ANNOUNCE} WHERE ${equal(cells, news.length)}`, [
        ...news,
        ...cells,
      ]);
    },
    delete(model, where) {
      const cells = cellsOf(model, where);
      return cells && plan(model, `DELETE FROM ${tableOf(model)} AS t USING ${ANNOUNCE} WHERE ${equal(cells, 0)}`, cells);
    },
  };
}

/** The first three are the announcement's. */
const placeAt = (first: number) => (_cell: Cell, index: number) => `$${first + index + 4}`;

function equal(cells: Cell[], first: number): string {
  const place = placeAt(first);
  return cells.map((cell, index) => `t.${cell.column} = ${place(cell, index)}`).join(' AND ');
}

/** As pg sends it for the column's own type to parse; undefined: it is no plain value. */
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
