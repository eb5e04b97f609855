// Says which functions and triggers the announced tables should have, each function marked with what it was made for. Runs nothing.
import { createHash } from 'node:crypto';
import { localSql } from '../../runtime/schema-name.js';
import { type AnnouncedTable, functionName } from './row-sql.js';
import { type FunctionSql, SHARED_FUNCTIONS } from './shared-functions.js';
import type { Relation } from './table-facts.js';
import { functionsOf, type TriggerSql, triggersOf } from './trigger-sql.js';

/** What the comment of each of our functions starts with; the fingerprint of its SQL and a CaptureRecord follow. */
export const MARK = 'hookgraph capture';

/**
 * Raise it with every change of the SQL that this folder writes. A worker of an older version doesn't complain about functions that a
 * newer `migrate` made; a newer worker asks for `migrate`.
 */
export const CAPTURE_VERSION = 1;

/** What a function was made for. `oid` and `columns` (name -> type) are those of the table, for its capture function alone. */
export interface CaptureRecord {
  version: number;
  oid?: number;
  columns?: Record<string, string>;
}

export interface MarkedFunction extends FunctionSql {
  comment: string;
}

/** Types belong to the fingerprint: a session keeps a function's plans, and only a new function makes it plan anew. */
export function wantedFunctions(tables: AnnouncedTable[]): MarkedFunction[] {
  return [...SHARED_FUNCTIONS.map((one) => marked(one, '')), ...tables.flatMap((table) => wantedOf(table, tables))];
}

/** Those of one table. */
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

/** `null`: not a comment of ours. Functions from before version 1 have no record. */
export function readRecord(comment: string | null): CaptureRecord | null {
  const found = /^hookgraph capture: [0-9a-f]{64}(?: (\{.*\}))?$/s.exec(comment ?? '');
  if (!found) return null;
  return found[1] === undefined ? { version: 0 } : (JSON.parse(found[1]) as CaptureRecord);
}

/** Whether the database has the function with this very body; `schema`: where our functions are. */
export const hasBody = (one: FunctionSql, present: { body: string } | undefined, schema: string): boolean =>
  present?.body ===
  createHash('md5')
    .update(localSql(bodyOf(one), schema))
    .digest('hex');

/** What Postgres keeps as the function's source. */
const bodyOf = ({ sql }: FunctionSql): string => sql.split('$hookgraph$')[1] as string;

export interface Target {
  relation: Relation;
  /** `null`: the announced table itself. */
  part: 'PARTITION' | 'HEIR' | null;
  /** Every trigger that it should have. */
  triggers: TriggerSql[];
  /** Those of them that Postgres doesn't give it by itself. */
  create: TriggerSql[];
}

/** The table, its partitions and its heirs. */
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
