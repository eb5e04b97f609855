// Lists the functions and triggers that announced tables should have. The comment on each function in the database holds the fingerprint of
// its SQL and a version.
import { createHash } from 'node:crypto';
import { localSql } from '../../runtime/schema-name.js';
import { type AnnouncedTable, functionName } from './row-sql.js';
import { type FunctionSql, SHARED_FUNCTIONS } from './shared-functions.js';
import type { Relation } from './table-facts.js';
import { functionsOf, type TriggerSql, triggersOf } from './trigger-sql.js';

/** The beginning of the comment (COMMENT ON FUNCTION) on each generated function; the fingerprint of its SQL and a CaptureRecord follow. */
export const MARK = 'hookgraph capture';

/**
 * Version of the generated SQL; increase it with every change. A worker of an older version accepts the functions of a newer `migrate`; a
 * worker of a newer version reports that `migrate` must run.
 */
export const CAPTURE_VERSION = 5;

/**
 * What `migrate` records, as JSON, in the comment on a generated function. The comment on a capture function, which a table's triggers
 * call, also contains the table's `oid` and the name and type of its announced `columns`.
 */
export interface CaptureRecord {
  version: number;
  oid?: number;
  columns?: Record<string, string>;
}

export interface MarkedFunction extends FunctionSql {
  comment: string;
}

/**
 * Returns all functions of these tables, each with its comment. Column types are part of the fingerprint: sessions cache a function's plans
 * until it is replaced, so a changed type must replace it.
 */
export function expectedFunctions(tables: AnnouncedTable[]): MarkedFunction[] {
  return [...SHARED_FUNCTIONS.map((one) => marked(one, '')), ...tables.flatMap((table) => expectedFunctionsOf(table, tables))];
}

/** Returns the functions of one table. `all` are all announced tables, because the functions may read the tenant from a parent table. */
export function expectedFunctionsOf(table: AnnouncedTable, all: AnnouncedTable[]): MarkedFunction[] {
  const { oid, columns } = table.facts;
  const types = Object.fromEntries(
    Object.entries(columns)
      .map(([name, { type }]) => [name, type] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const declared = Object.fromEntries(Object.keys(table.node.columns).map((name) => [name, types[name] as string]));
  const columnTypes = JSON.stringify(types);
  const capture = functionName('capture', table.node);
  return functionsOf(table, all).map((one) => marked(one, columnTypes, one.name === capture ? { oid, columns: declared } : {}));
}

function marked(of: FunctionSql, columnTypes: string, record: Partial<CaptureRecord> = {}): MarkedFunction {
  const fingerprint = createHash('sha256').update(of.sql).update(columnTypes).digest('hex');
  return { ...of, comment: `${MARK}: ${fingerprint} ${JSON.stringify({ version: CAPTURE_VERSION, ...record })}` };
}

/**
 * Returns the record in a function's comment; `null` when Hookgraph didn't generate the function. Returns version 0 for a comment without a
 * record.
 */
export function readRecord(comment: string | null): CaptureRecord | null {
  const found = /^hookgraph capture: [0-9a-f]{64}(?: (\{.*\}))?$/s.exec(comment ?? '');
  if (!found) return null;
  return found[1] === undefined ? { version: 0 } : (JSON.parse(found[1]) as CaptureRecord);
}

/** Returns whether the function in the database has the same body. `schema` is the schema of Hookgraph's functions. */
export const hasBody = (one: FunctionSql, present: { body: string } | undefined, schema: string): boolean =>
  present?.body ===
  createHash('md5')
    .update(localSql(bodyOf(one), schema))
    .digest('hex');

/** Returns the part of the statement that Postgres stores as the body of the function. */
const bodyOf = ({ sql }: FunctionSql): string => sql.split('$hookgraph$')[1] as string;

export interface Target {
  relation: Relation;
  /** `null` for the announced table itself. */
  part: 'PARTITION' | 'CHILD_TABLE' | null;
  /** Every capture trigger that the relation should have. */
  triggers: TriggerSql[];
  /** The triggers to create explicitly. Postgres creates the others on a partition by itself. */
  create: TriggerSql[];
}

/** Returns the table, its partitions and its child tables, each with its triggers. */
export function targetsOf(table: AnnouncedTable, schema: string): Target[] {
  const triggers = triggersOf(table, schema);
  const parts = table.facts.parts.map(
    ({ isPartition, ...relation }): Target => ({
      relation,
      part: isPartition ? 'PARTITION' : 'CHILD_TABLE',
      triggers,
      create: triggers.filter(({ inherited }) => !(inherited && isPartition)),
    }),
  );
  return [{ relation: table.facts, part: null, triggers, create: triggers }, ...parts];
}
