// Writes the SQL that measures and compares large values without reading them out of their TOAST table. Runs nothing.
import pg from 'pg';
import type { ColumnFacts } from './table-facts.js';

const id = pg.escapeIdentifier;

/** A row whose values are all this short needs no look at each of them. */
export const SHORT_BYTES = 2000;

/** A value of more bytes is recorded cut. Of a value that Postgres compressed only the stored size is known unread, except for texts. */
export const LIMITS = { bytes: 1_048_576, compressedBytes: 131_072 };

/** jsonb holds 256 MB, so a table with very many columns has lower limits. */
const LIMITS_OF_MANY: typeof LIMITS = { bytes: 65_536, compressedBytes: SHORT_BYTES };

export function limitsFor(columns: number): typeof LIMITS {
  return columns > 100 ? LIMITS_OF_MANY : LIMITS;
}

export function isLarge(facts: ColumnFacts | undefined): boolean {
  return facts !== undefined && facts.size !== 'SMALL';
}

/** Neither function reads the value itself: both look at its header, or at the pointer into the TOAST table. */
export function sizeSql(value: string, { size }: ColumnFacts): string {
  return size === 'TEXT' ? `pg_catalog.octet_length(${value}::pg_catalog.text)` : `pg_catalog.pg_column_size(${value})`;
}

/** The largest size among these columns of a row; null when all are null. */
export function largestSql(row: string, columns: [string, ColumnFacts][]): string {
  return `GREATEST(${columns.map(([column, facts]) => sizeSql(`${row}.${id(column)}`, facts)).join(', ')})`;
}

/**
 * Whether two values of a column differ; a null is a value, too. An UPDATE that leaves a large value alone keeps its TOAST pointer, and
 * two pointers to the same chunks are one value. The image comparison, which takes every type,
 * reads both; `compare` names a function that does it.
 */
export function differSql(before: string, after: string, knowsChunks: boolean, compare?: string): string {
  const chunk = (value: string) => `pg_catalog.pg_column_toast_chunk_id(${value})`;
  const stored = (value: string) => `pg_catalog.pg_column_size(${value})`;
  const sameChunks = knowsChunks
    ? `WHEN ${chunk(before)} OPERATOR(pg_catalog.=) ${chunk(after)} THEN ${stored(before)} OPERATOR(pg_catalog.<>) ${stored(after)}`
    : '';
  const images = compare
    ? `${compare}(${before}, ${after})`
    : `ROW(${before})::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(${after})::pg_catalog.record`;
  return `CASE WHEN pg_catalog.num_nulls(${before}, ${after}) OPERATOR(pg_catalog.>) 0 THEN pg_catalog.num_nulls(${before}, ${after}) OPERATOR(pg_catalog.=) 1
        ${sameChunks} ELSE ${images} END`;
}
