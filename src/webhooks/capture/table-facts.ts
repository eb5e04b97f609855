// Tables by name -> what Postgres' catalog knows of them; null for a table that isn't there.
import type { Pool, PoolClient } from 'pg';

export interface ColumnFacts {
  /** The type as SQL writes it, qualified; e.g. `integer`, `public.citext`. */
  type: string;
  /** The type below domains. `ENUM`, `ENUM_ARRAY`: labels. `PLAIN`: to_jsonb can't fail. `CAREFUL`: it can. */
  kind: 'ENUM' | 'ENUM_ARRAY' | 'PLAIN' | 'CAREFUL';
  /** What of a session's settings shows in its JSON: none, its time zone, or any. In its text a time zone is any. */
  bentBy: 'NONE' | 'ZONE' | 'ANY';
  /** The type below domains is timestamptz or timestamp. */
  time: 'timestamptz' | 'timestamp' | null;
  /** A value may be too long for jsonb. */
  long: boolean;
  notNull: boolean;
  /** Of a generated column: the columns that it is computed from. */
  generatedFrom: string[] | null;
}

export interface TableFacts {
  oid: number;
  schema: string;
  name: string;
  /** An ordinary or partitioned table; nothing else can have our triggers. */
  isTable: boolean;
  columns: Record<string, ColumnFacts>;
  /** The columns of every unique index that covers all rows. */
  uniqueKeys: string[][];
  /** Its partitions on all levels: a statement that names one fires that one's triggers only. */
  partitions: { oid: number; schema: string; name: string }[];
}

/** The answer is in the order of `tables`. */
export async function readTableFacts(db: Pool | PoolClient, tables: { schema: string; name: string }[]): Promise<(TableFacts | null)[]> {
  const { rows } = await db.query<{ facts: TableFacts | null }>(READ_FACTS, [
    tables.map((table) => table.schema),
    tables.map((table) => table.name),
  ]);
  return rows.map((row) => row.facts);
}

// Types are written from their parts: format_type() leaves the schema away where the search_path has it.
const READ_FACTS = `
WITH RECURSIVE wanted AS (
  SELECT w.ord, c.oid, w.schema, w.name, c.relkind
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, ord)
  LEFT JOIN pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name),
used AS (SELECT DISTINCT a.atttypid FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid WHERE a.attnum > 0 AND NOT a.attisdropped),
below AS (
  SELECT u.atttypid AS declared, u.atttypid AS base FROM used u
  UNION SELECT b.declared, t.typbasetype FROM below b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd'),
types AS (
  SELECT b.declared,
    CASE WHEN t.typtype = 'e' THEN 'ENUM' WHEN e.typtype = 'e' THEN 'ENUM_ARRAY'
      WHEN t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype <> 'c' AND t.typname <> 'json'
        AND (e.oid IS NULL OR (e.typnamespace = 'pg_catalog'::regnamespace AND e.typtype <> 'c' AND e.typname <> 'json')) THEN 'PLAIN'
      ELSE 'CAREFUL' END AS kind,
    CASE WHEN 'e' IN (t.typtype, e.typtype) OR coalesce(e.oid, t.oid) = ANY (ARRAY['boolean', 'smallint', 'integer', 'bigint', 'numeric', 'text', 'varchar',
        'bpchar', 'name', 'uuid', 'json', 'jsonb']::regtype[]) THEN 'NONE'
      WHEN coalesce(e.oid, t.oid) = 'timestamptz'::regtype THEN 'ZONE' ELSE 'ANY' END AS bent_by,
    CASE WHEN t.oid IN ('timestamptz'::regtype, 'timestamp'::regtype) THEN t.typname END AS time,
    t.typlen = -1 AND t.oid <> 'numeric'::regtype AS long
  FROM below b JOIN pg_type t ON t.oid = b.base AND t.typtype <> 'd' LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A')
SELECT CASE WHEN w.oid IS NOT NULL THEN jsonb_build_object('oid', w.oid::bigint, 'schema', w.schema, 'name', w.name, 'isTable', w.relkind IN ('r', 'p'),
  'columns', (
    SELECT coalesce(jsonb_object_agg(a.attname, jsonb_build_object(
      'type', quote_ident(tn.nspname) || '.' || quote_ident(ty.typname), 'kind', t.kind, 'bentBy', t.bent_by, 'time', t.time, 'long', t.long, 'notNull', a.attnotnull,
      'generatedFrom', CASE WHEN a.attgenerated <> '' THEN (
        SELECT coalesce(jsonb_agg(DISTINCT g.attname), '[]') FROM pg_attrdef d
        JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid
        JOIN pg_attribute g ON g.attrelid = a.attrelid AND g.attnum = p.refobjsubid AND g.attnum <> a.attnum
        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END)), '{}')
    FROM pg_attribute a JOIN types t ON t.declared = a.atttypid JOIN pg_type ty ON ty.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = ty.typnamespace
    WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'uniqueKeys', (
    SELECT coalesce(jsonb_agg((SELECT jsonb_agg(k.attname) FROM pg_attribute k WHERE k.attrelid = w.oid AND k.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))), '[]')
    FROM pg_index i WHERE i.indrelid = w.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
  'partitions', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname) ORDER BY c.oid), '[]')
    FROM pg_partition_tree(w.oid) p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE w.relkind = 'p' AND p.relid <> w.oid AND c.relkind IN ('r', 'p'))) END AS facts
FROM wanted w ORDER BY w.ord`;
