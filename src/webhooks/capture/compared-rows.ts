// Generates SQL that compares the rows before and after an UPDATE, the transition tables of its trigger. Runs no SQL.
import pg from 'pg';
import { largeDifferSql } from './column-functions.js';
import { type AnnouncedTable, keySql, largeColumns, type Reading } from './row-sql.js';

const text = pg.escapeLiteral;

/** Returns a subquery of the rows of a transition table, `old_rows` or `new_rows`, as `rowsOf` does. */
export type Rows = (transition: string) => string;

/**
 * Returns SQL that joins old and new rows by key and determines each row's operation. A change of the key or the tenant is recorded as a
 * deletion and a creation. A FULL JOIN never becomes a nested loop, even in a cached plan. OFFSET 0 makes Postgres build each document only
 * once.
 */
export function comparedRows(own: AnnouncedTable, rows: Rows, reading: Reading): string {
  const { updatedAt } = own.node;
  const compared = (alias: string) => (updatedAt === undefined ? `${alias}.doc` : `(${alias}.doc - ${text(updatedAt)})`);
  const isLarge = '(o.large OR n.large)';
  const hasLarge = reading === 'ATTACHED' && largeColumns(own).length > 0;
  const docsDiffer = 'o.doc -> k IS DISTINCT FROM n.doc -> k';
  // When a value is too large to be recorded in full, its recorded forms may be equal although the values differ, or differ although the
  // values are equal. The values themselves are then compared.
  const valuesDiffer = hasLarge ? `coalesce(CASE WHEN ${isLarge} THEN ${largeDifferSql(own)} END, ${docsDiffer})` : docsDiffer;
  return `(
        SELECT CASE WHEN n.alive THEN n.tenant ELSE o.tenant END AS tenant,
          coalesce(n.parent_key, o.parent_key) AS parent_key,
          CASE WHEN n.alive THEN n.environment ELSE o.environment END AS environment,
          coalesce(n.key, o.key) AS key,
          CASE WHEN o.alive AND n.alive THEN 'updated' WHEN n.alive THEN 'created' ELSE 'deleted' END AS operation,
          CASE WHEN o.alive AND n.alive THEN ARRAY(
            SELECT k FROM jsonb_object_keys(${compared('n')}) k WHERE ${valuesDiffer}) END AS changed,
          CASE WHEN o.alive THEN o.doc END AS before,
          CASE WHEN n.alive THEN n.doc END AS after
        FROM ${rows('old_rows')} o
        FULL JOIN ${rows('new_rows')} n ON n.key = o.key AND coalesce(n.tenant, '') = coalesce(o.tenant, '')
        WHERE coalesce(n.key, o.key) IS NOT NULL AND CASE WHEN o.alive AND n.alive THEN ${compared('o')} IS DISTINCT FROM ${compared('n')}${hasLarge ? ` OR ${isLarge}` : ''}
          ELSE coalesce(o.alive, false) <> coalesce(n.alive, false) END
        ORDER BY n.alive IS NOT NULL
        OFFSET 0)`;
}

/** SQL for an UPDATE that may have changed a row several times. */
interface Repeated {
  /** Conditions that must all hold, the cheapest first. Postgres evaluates the first one, about foreign keys, once for each plan. */
  conditions: string[];
  /** The WITH clause that `remaining` needs. */
  tables: string;
  remaining: Rows;
}

/**
 * Compares an UPDATE whose foreign keys changed a row a second time, e.g. when a category that is its own parent gets another key. The
 * transition tables then have several versions of the row. Versions that existed only within the statement are in both tables and cancel
 * each other out; the versions before and after the statement remain.
 */
export function repeatedRows({ node, facts }: AnnouncedTable, rows: Rows): Repeated {
  const repeatedKeys = ['old_rows', 'new_rows']
    .map((transition) => `SELECT k.key FROM (SELECT ${keySql(node)} AS key FROM ${transition} r) k GROUP BY k.key HAVING count(*) > 1`)
    .join(' UNION ALL ');
  const versions = (transition: string) =>
    `${transition}_versions AS MATERIALIZED (SELECT v.*, row_number() OVER (PARTITION BY v.key, v.tenant, v.alive, v.doc) AS nth FROM ${rows(transition)} v)`;
  const oid = text(String(facts.oid));
  return {
    conditions: [
      `hookgraph.may_repeat(${oid}::oid, ARRAY[${node.key.map(text).join(', ')}]::text[]) AND (TG_RELID = ${oid}::regclass) IS NOT NULL`,
      'EXISTS (SELECT FROM new_rows OFFSET 1)',
      `EXISTS (${repeatedKeys})`,
    ],
    tables: `WITH ${versions('old_rows')}, ${versions('new_rows')} `,
    remaining: (transition) => `(
          SELECT * FROM ${transition}_versions v
          WHERE v.key <> ALL (ARRAY(${repeatedKeys})) OR NOT EXISTS (
            SELECT FROM ${transition === 'old_rows' ? 'new_rows' : 'old_rows'}_versions w
            WHERE (w.key, w.alive, w.doc, w.nth) = (v.key, v.alive, v.doc, v.nth) AND w.tenant IS NOT DISTINCT FROM v.tenant))`,
  };
}
