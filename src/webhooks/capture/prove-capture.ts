// Tries the capture triggers of announced tables on copies of the tables, in a transaction that is rolled back, so that `migrate` finds
// tables that can't be captured before it changes anything.
import type { PoolClient } from 'pg';
import pg from 'pg';
import { BEGIN } from '../../runtime/lock-retries.js';
import { DEFAULT_SCHEMA } from '../../runtime/schema-name.js';
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode } from '../base/model.js';
import { type AnnouncedTable, columnsBesides, functionName, virtualColumns } from './row-sql.js';
import { SHARED_FUNCTIONS } from './shared-functions.js';
import type { TableFacts } from './table-facts.js';
import { functionsOf, triggersOf } from './trigger-sql.js';

const id = pg.escapeIdentifier;

/** The copy of the tested table. It has the table's columns, but not its constraints, defaults, triggers, rules or policies. */
const COPY = 'hookgraph.proof_copy';

/**
 * Timeout in milliseconds for copying three rows of the tested table, which is slow if the table begins with many dead rows. After a
 * timeout, the triggers are tried without these rows.
 */
const READ_TIMEOUT_MS = 1000;

/**
 * Returns a problem, with the error of Postgres, for each table that can't be captured. Fires every trigger on the table's copy for an
 * insert, an update and a delete: once without rows, and once with up to three copied rows. Reads the table under the lock of a SELECT, and
 * doesn't change it.
 */
export async function proveCapture(client: PoolClient, tables: AnnouncedTable[], all: AnnouncedTable[]): Promise<WebhooksError[]> {
  const problems: WebhooksError[] = [];
  await client.query(BEGIN);
  try {
    await client.query(`SET LOCAL lock_timeout = '1s'; SET LOCAL hookgraph.capture = 'on'; SET LOCAL check_function_bodies = on`);
    const functions = [...SHARED_FUNCTIONS, ...all.flatMap((table) => functionsOf(table, all))];
    for (const { sql } of functions) await client.query(sql);
    for (const table of tables) {
      const reason = await findReason(client, table, all);
      if (reason === null) continue;
      problems.push(unfit(table, reason, await findColumns(client, table, all)));
    }
  } finally {
    await client.query('ROLLBACK');
  }
  return problems;
}

function unfit({ node }: AnnouncedTable, reason: pg.DatabaseError, columns: [string, string][]): WebhooksError {
  const table = `${node.table.schema}.${node.table.name}`;
  const failing = columns.map(([column, message]) => `"${column}" (${message})`).join(', ');
  return columns.length > 0
    ? new WebhooksError(
        'ANNOUNCED_COLUMN_UNFIT',
        `Triggers can't capture ${columns.length === 1 ? 'the column' : 'the columns'} ${failing} of ${table} for ${node.typename}.`,
        'Leave such a column out of the announced columns, or change its type or expression.',
        { cause: reason },
      )
    : new WebhooksError(
        'ANNOUNCED_TABLE_UNFIT',
        `Triggers can't capture ${table} for ${node.typename}: ${reason.message}.`,
        'Correct the table or the announced node as the reason says.',
        { cause: reason },
      );
}

/**
 * Returns the announced columns that cause a failure: those that fail when they are captured alone, each with the error of Postgres.
 * Returns none when all columns fail, because then they are not the cause.
 */
async function findColumns(client: PoolClient, { node, facts }: AnnouncedTable, all: AnnouncedTable[]): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const [column, field] of Object.entries(node.columns)) {
    const { updatedAt: _, ...rest } = node;
    const alone: AnnouncedNode = { ...rest, columns: columnsBesides(node).includes(column) ? {} : { [column]: field } };
    const reason = await findReason(client, { node: alone, facts }, all, true);
    if (reason !== null) found.push([column, reason.message]);
  }
  return found.length < Object.keys(node.columns).length ? found : [];
}

/**
 * Tries the triggers of one table on a copy, and undoes the trial. Returns the error of Postgres; `null` when the trial succeeded.
 * @throws DatabaseError when a lock was not granted, so that the caller retries
 */
async function findReason(
  client: PoolClient,
  table: AnnouncedTable,
  all: AnnouncedTable[],
  replace = false,
): Promise<pg.DatabaseError | null> {
  await client.query('SAVEPOINT proof');
  try {
    if (replace) for (const { sql } of functionsOf(table, all)) await client.query(sql);
    await tryTriggers(client, table);
    return null;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code === '55P03' || error.code === '40P01') throw error;
    return error;
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT proof');
  }
}

async function tryTriggers(client: PoolClient, table: AnnouncedTable): Promise<void> {
  const { node, facts } = table;
  const source = `${id(facts.schema)}.${id(facts.name)}`;
  const [column] = plainNames(facts);
  if (column === undefined) return;
  await client.query(`CREATE TABLE ${COPY} (LIKE ${source} INCLUDING GENERATED)`);
  await copyRows(client, table, source);
  for (const { sql } of triggersOf(table, DEFAULT_SCHEMA)) await client.query(`${sql[0]} ${COPY} ${sql[1]}`);
  const update = `UPDATE ${COPY} SET ${id(column)} = ${id(column)}`;
  const insert = (names: string) => `INSERT INTO ${COPY} (${names}) SELECT ${names} FROM ${COPY}`;
  await client.query(
    `SET LOCAL hookgraph.proof = 'on'; ${insert(id(column))} WHERE false; ${update} WHERE false; DELETE FROM ${COPY} WHERE false`,
  );
  if (virtualColumns(table).length > 0) {
    await client.query(`SELECT hookgraph.${id(functionName('virtual', node))}('{}')`);
  }
  await client.query(`SET LOCAL hookgraph.proof = 'off'; ${insert(plainNames(facts).map(id).join(', '))}; ${update}; DELETE FROM ${COPY}`);
}

function plainNames({ columns }: TableFacts): string[] {
  return Object.keys(columns).filter((name) => columns[name]?.generatedFrom === null);
}

/**
 * Fills the copy with up to three rows of the table and a row of nulls. Leaves out rows that a domain, a policy or a generated column
 * rejects.
 */
async function copyRows(client: PoolClient, table: AnnouncedTable, source: string): Promise<void> {
  const names = plainNames(table.facts).map(id).join(', ');
  const notNull = Object.keys(table.facts.columns).filter((name) => table.facts.columns[name]?.notNull);
  const nulls = plainNames(table.facts).map(() => 'NULL');
  const nullable = notNull.map((name) => `ALTER COLUMN ${id(name)} DROP NOT NULL`).join(', ');
  if (nullable !== '') await client.query(`ALTER TABLE ${COPY} ${nullable}`);
  for (const rows of [`VALUES (${nulls.join(', ')})`, `SELECT ${names} FROM ${source} LIMIT 3`]) {
    await client.query(`SAVEPOINT rows; SET LOCAL statement_timeout = ${READ_TIMEOUT_MS}`);
    try {
      await client.query(`INSERT INTO ${COPY} (${names}) ${rows}`);
      await client.query('SET LOCAL statement_timeout TO DEFAULT; RELEASE SAVEPOINT rows');
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      await client.query('ROLLBACK TO SAVEPOINT rows');
    }
  }
}
