// Reads the tables of a database, with their columns and keys, from Postgres' catalog.
import type { Pool } from 'pg';

export interface CatalogColumn {
  name: string;
  /** The base type, with domains resolved, e.g. `int4`, `uuid`, `booking_state`. */
  type: string;
  /** The schema of the type, quoted where SQL needs it. */
  typeSchema: string;
  /** Whether the column is an array of `type`. */
  isArray: boolean;
  notNull: boolean;
  hasDefault: boolean;
  isGenerated: boolean;
  /** The labels of an enum; `null` for other types. */
  labels: string[] | null;
  /** The attributes of a composite type, and those of each composite type inside it; absent for other types. */
  attributeLists?: string[][];
  comment: string | null;
}

export interface CatalogForeignKey {
  name: string;
  columns: string[];
  table: { schema: string; name: string };
  foreignColumns: string[];
}

export interface CatalogTable {
  schema: string;
  name: string;
  columns: CatalogColumn[];
  /** Columns of the primary key; empty when the table has none. */
  primaryKey: string[];
  foreignKeys: CatalogForeignKey[];
  /** Columns of each unique index, except partial indexes (with a WHERE clause). */
  uniqueKeys: string[][];
  /** The planner's estimated row count; -1 when the table was never analyzed. */
  estimatedRows: number;
  comment: string | null;
}

/**
 * Reads every table except temporary tables, Prisma's own tables, and tables in system schemas or in schemas of Hookgraph
 * and of graphile-worker (a job queue). Each installation may choose the names of the latter two schemas, so they are
 * recognised by their tables. Lists a partitioned table without its partitions.
 */
export async function readCatalog(db: Pick<Pool, 'query'>): Promise<CatalogTable[]> {
  const { rows } = await db.query<{ table: CatalogTable }>(READ_CATALOG);
  return rows.map(({ table }) => table);
}

const READ_CATALOG = `
WITH RECURSIVE ours AS (
  SELECT relnamespace FROM pg_class WHERE relname = ANY (ARRAY['captures', 'event_queue', 'open_deliveries', 'subscription_versions', '_private_jobs',
    '_private_job_queues', '_private_known_crontabs', '_private_tasks']) AND relkind = 'r'
  GROUP BY relnamespace HAVING count(*) >= 4),
tables AS (
  SELECT c.oid, n.nspname AS schema, c.relname AS name, c.reltuples AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT EXISTS (SELECT FROM ours WHERE ours.relnamespace = n.oid)
    AND c.relname NOT LIKE E'\\\\_prisma\\\\_%'),
base AS (
  SELECT t.oid AS declared, t.oid AS base FROM pg_type t
  UNION ALL SELECT b.declared, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd'),
types AS (
  SELECT b.declared, coalesce(e.oid, t.oid) AS oid, coalesce(e.typname, t.typname) AS name,
    coalesce(e.typnamespace, t.typnamespace)::regnamespace::text AS schema, e.oid IS NOT NULL AS is_array
  FROM base b JOIN pg_type t ON t.oid = b.base AND t.typtype <> 'd'
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'),
attributes AS (
  SELECT t.oid, t.oid AS composite FROM pg_type t WHERE t.typtype = 'c'
  UNION SELECT s.oid, y.oid FROM attributes s JOIN pg_type c ON c.oid = s.composite
  JOIN pg_attribute a ON a.attrelid = c.typrelid AND a.attnum > 0 AND NOT a.attisdropped JOIN types y ON y.declared = a.atttypid
  JOIN pg_type t ON t.oid = y.oid AND t.typtype = 'c'),
columns AS (
  SELECT a.attrelid, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('attributeLists', (
      SELECT jsonb_agg((SELECT jsonb_agg(f.attname ORDER BY f.attnum) FROM pg_attribute f
        WHERE f.attrelid = c.typrelid AND f.attnum > 0 AND NOT f.attisdropped)) FROM attributes s JOIN pg_type c ON c.oid = s.composite
      WHERE s.oid = y.oid))) || jsonb_build_object('name', a.attname, 'type', y.name, 'typeSchema', y.schema, 'isArray', y.is_array, 'notNull', a.attnotnull,
      'hasDefault', a.atthasdef OR a.attidentity <> '', 'isGenerated', a.attgenerated <> '',
      'labels', (SELECT jsonb_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = y.oid),
      'comment', col_description(a.attrelid, a.attnum)) ORDER BY a.attnum) AS list
  FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN types y ON y.declared = a.atttypid
  GROUP BY a.attrelid)
SELECT jsonb_build_object('schema', t.schema, 'name', t.name, 'estimatedRows', t.rows, 'comment', obj_description(t.oid, 'pg_class'),
  'columns', coalesce(c.list, '[]'),
  'primaryKey', coalesce((
    SELECT jsonb_agg(a.attname ORDER BY k.place) FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
    WHERE i.indrelid = t.oid AND i.indisprimary AND k.place <= i.indnkeyatts), '[]'),
  'uniqueKeys', (
    SELECT coalesce(jsonb_agg((SELECT jsonb_agg(a.attname) FROM pg_attribute a
      WHERE a.attrelid = t.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))), '[]')
    FROM pg_index i WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
  'foreignKeys', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', f.conname, 'table', jsonb_build_object('schema', fn.nspname, 'name', fc.relname),
      'columns', (SELECT jsonb_agg(a.attname ORDER BY k.place) FROM unnest(f.conkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
      'foreignColumns', (SELECT jsonb_agg(a.attname ORDER BY k.place) FROM unnest(f.confkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum)) ORDER BY f.conname), '[]')
    FROM pg_constraint f JOIN pg_class fc ON fc.oid = f.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
    WHERE f.conrelid = t.oid AND f.contype = 'f' AND f.conparentid = 0)) AS table
FROM tables t LEFT JOIN columns c ON c.attrelid = t.oid ORDER BY t.schema, t.name`;
