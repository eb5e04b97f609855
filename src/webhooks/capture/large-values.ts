// Generates SQL that measures and compares large values without reading them from their TOAST table, where Postgres stores them outside the
// row. Runs no SQL.
import pg from 'pg';
import type { ColumnFacts } from './table-facts.js';

const id = pg.escapeIdentifier;

/** Size in bytes. If no value of a row is larger, the row is recorded without a check of each value. */
export const SHORT_BYTES = 2000;

/**
 * Maximum sizes in bytes of a recorded value; a larger value is cut. `compressedBytes` limits the stored size of a compressed value,
 * because its full size is known only after reading it. Texts are always limited by `bytes`.
 */
export const LIMITS = { bytes: 1_048_576, compressedBytes: 131_072 };

/**
 * Limits for tables with more than 100 large columns. They are lower, because all values of a row are recorded in one jsonb value, which
 * holds at most 256 MB.
 */
const LIMITS_OF_MANY: typeof LIMITS = { bytes: 65_536, compressedBytes: SHORT_BYTES };

export function limitsFor(columns: number): typeof LIMITS {
  return columns > 100 ? LIMITS_OF_MANY : LIMITS;
}

export function isLarge(facts: ColumnFacts | undefined): boolean {
  return facts !== undefined && facts.size !== 'SMALL';
}

/** Returns SQL for the size of a value in bytes. It reads only the value's header, or its pointer into the TOAST table. */
export function sizeSql(value: string, { size }: ColumnFacts): string {
  return size === 'TEXT' ? `pg_catalog.octet_length(${value}::pg_catalog.text)` : `pg_catalog.pg_column_size(${value})`;
}

/** Returns SQL for the size in bytes of the largest value among these columns of a row; null when all are null. */
export function largestSql(row: string, columns: [string, ColumnFacts][]): string {
  return `GREATEST(${columns.map(([column, facts]) => sizeSql(`${row}.${id(column)}`, facts)).join(', ')})`;
}

/**
 * Returns SQL that says whether two values of a column differ; null counts as a value. An UPDATE that doesn't change a large value keeps
 * its TOAST pointer, and equal pointers mean equal values. Otherwise the binary images are compared, which works for every type but reads
 * both values.
 * @param compare the name of an SQL function to compare the images with; without it, the returned SQL compares them itself
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
