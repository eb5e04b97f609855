// Inserts rows in the form of Prisma's createMany as one INSERT, which is faster for thousands of rows.
import pg from 'pg';
import type { Prisma } from '../../generated/nodes/client.js';
import { fieldOf } from '../../sources/prisma/index.js';
import { modelOf } from '../prisma.js';

/** A column that a row lacks becomes `null`. */
export async function insertRows<T extends object>(tx: Prisma.TransactionClient, modelName: string, rows: T[]): Promise<void> {
  if (rows.length === 0) return;
  const model = modelOf(modelName);
  const columns = [...new Set(rows.flatMap(Object.keys))].map((name) => [name, fieldOf(model, name).column] as const);
  const written = rows.map((row) => Object.fromEntries(columns.map(([name, column]) => [column, (row as Record<string, unknown>)[name]])));
  const table = `${pg.escapeIdentifier(model.schema)}.${pg.escapeIdentifier(model.table)}`;
  const names = columns.map(([, column]) => pg.escapeIdentifier(column)).join(', ');
  await tx.$executeRawUnsafe(
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
    JSON.stringify(written),
  );
}
