// Lists the functions and triggers that announced tables should have, with a comment that records what each function was made for.
import { createHash } from 'node:crypto';
import { localSql } from '../../runtime/schema-name.js';
import { type AnnouncedTable, functionName } from './row-sql.js';
import { type FunctionSql, SHARED_FUNCTIONS } from './shared-functions.js';
import type { Relation } from './table-facts.js';
import { functionsOf, type TriggerSql, triggersOf } from './trigger-sql.js';

/** Prefix of the comment on each of our functions; the fingerprint of its SQL and a CaptureRecord follow. */
export const MARK = 'hookgraph capture';

/**
 * Increase it with every change of the SQL in this folder. An older worker accepts functions of a newer `migrate`; a newer worker
 * reports that `migrate` must run.
 */
export const CAPTURE_VERSION = 2;

/** The record in a function's comment. Capture functions also record the table's `oid` and its announced `columns` (name and type). */
export interface CaptureRecord {
  version: number;
  oid?: number;
  columns?: Record<string, string>;
}

export interface MarkedFunction extends FunctionSql {
  comment: string;
}

/** Returns all functions. Column types are part of the fingerprint, because sessions cache a function's plans until it is replaced. */
export function wantedFunctions(tables: AnnouncedTable[]): MarkedFunction[] {
  return [...SHARED_FUNCTIONS.map((one) => marked(one, '')), ...tables.flatMap((table) => wantedOf(table, tables))];
}

/** Returns the functions of one table. */
export function wantedOf(table: AnnouncedTable, all: AnnouncedTable[]): MarkedFunction[] {
  const { oid, columns } = table.facts;
  const types = Object.fromEntries(
    Object.entries(columns)
      .map(([name, { type }]) => [name, type] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const declared = Object.fromEntries(Object.keys(table.node.columns).map((name) => [name, types[name] as string]));
  const besides = JSON.stringify(types);
  const capture = functionName('capture', table.node);
  return functionsOf(table, all).map((one) => marked(one, besides, one.name === capture ? { oid, columns: declared } : {}));
}

function marked(of: FunctionSql, besides: string, record: Partial<CaptureRecord> = {}): MarkedFunction {
  const fingerprint = createHash('sha256').update(of.sql).update(besides).digest('hex');
  return { ...of, comment: `${MARK}: ${fingerprint} ${JSON.stringify({ version: CAPTURE_VERSION, ...record })}` };
}

/** Reads a function's comment; `null` when it isn't one of ours. Functions from before version 1 have no record. */
export function readRecord(comment: string | null): CaptureRecord | null {
  const found = /^hookgraph capture: [0-9a-f]{64}(?: (\{.*\}))?$/s.exec(comment ?? '');
  if (!found) return null;
  return found[1] === undefined ? { version: 0 } : (JSON.parse(found[1]) as CaptureRecord);
}

/** Returns whether the database has the function with the same body. `schema` is the schema of Hookgraph's functions. */
export const hasBody = (one: FunctionSql, present: { body: string } | undefined, schema: string): boolean =>
  present?.body ===
  createHash('md5')
    .update(localSql(bodyOf(one), schema))
    .digest('hex');

/** Returns the part of the statement that Postgres stores as the function's source. */
const bodyOf = ({ sql }: FunctionSql): string => sql.split('$hookgraph$')[1] as string;

export interface Target {
  relation: Relation;
  /** `null` for the announced table itself. */
  part: 'PARTITION' | 'HEIR' | null;
  /** Every trigger that the relation should have. */
  triggers: TriggerSql[];
  /** The triggers that Postgres doesn't create by itself. */
  create: TriggerSql[];
}

/** Returns the table, its partitions and its child tables. */
export function targetsOf(table: AnnouncedTable, schema: string): Target[] {
  const triggers = triggersOf(table, schema);
  const parts = table.facts.parts.map(
    ({ isPartition, ...relation }): Target => ({
      relation,
      part: isPartition ? 'PARTITION' : 'HEIR',
      triggers,
      create: triggers.filter(({ inherited }) => !(inherited && isPartition)),
    }),
  );
  return [{ relation: table.facts, part: null, triggers, create: triggers }, ...parts];
}
