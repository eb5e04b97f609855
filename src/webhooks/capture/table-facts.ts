// Reads facts about tables, such as columns, unique keys and partitions, from Postgres' catalog.
import type { Pool, PoolClient } from 'pg';

export interface ColumnFacts {
  /** The schema-qualified type in SQL syntax; e.g. `pg_catalog.int4`, `public.citext`. */
  type: string;
  /**
   * How values of the type (for a domain: its base type) are converted to jsonb. `ENUM`, `ENUM_ARRAY`: as labels. `PLAIN`: by to_jsonb,
   * which never fails for them. `CAREFUL`: by hookgraph.json_of, which catches the errors of to_jsonb.
   */
  kind: 'ENUM' | 'ENUM_ARRAY' | 'PLAIN' | 'CAREFUL';
  /**
   * Which session settings can change a value's JSON: none, the time zone, or any. Unless `NONE`, any setting can change the value's text
   * (`::text`).
   */
  formatDependsOn: 'NONE' | 'ZONE' | 'ANY';
  /** The type, or a domain's base type, if it is timestamptz or timestamp; otherwise `null`. */
  time: 'timestamptz' | 'timestamp' | null;
  /** How large a value can be. `SMALL`: a few kB. `TEXT`: any size; the length can be read without the value. `LARGE`: any size. */
  size: 'SMALL' | 'TEXT' | 'LARGE';
  notNull: boolean;
  /** The columns from which a generated column is computed; `null` for an ordinary column. */
  generatedFrom: string[] | null;
  /** The expression of a `GENERATED … VIRTUAL` column. Triggers can't read such a column. */
  virtual: string | null;
  /** The schema-qualified collation; `null` for a type without collation. */
  collation: string | null;
}

export interface Relation {
  oid: number;
  schema: string;
  name: string;
}

export interface Part extends Relation {
  /** True for a partition, false for a table that inherits. */
  isPartition: boolean;
}

export interface TableFacts extends Relation {
  /** `pg_class.relkind`: `r` ordinary, `p` partitioned, `v` view, `m` materialized view, `f` foreign, … */
  kind: string;
  isTemporary: boolean;
  /** Whether this role may read the table and create triggers on it. */
  mayAttach: boolean;
  /** The tables of which this table is a partition or from which it inherits. */
  parents: Part[];
  columns: Record<string, ColumnFacts>;
  /** The casts to text or JSON that an application has defined for the columns' types, by their `oid` in pg_cast. */
  casts: number[];
  /** The columns of each unique index that covers all rows and has no expressions. */
  uniqueKeys: string[][];
  /**
   * Partitions and child tables on all levels. They need triggers, too, because a statement that names one of them fires only that table's
   * own statement triggers.
   */
  parts: Part[];
  /** Foreign tables among the partitions and child tables. */
  foreignParts: string[];
  /** Whether this role owns the table, which is required to enable a trigger for replication. */
  isOwned: boolean;
  /** Logical replication subscriptions that write to the table or its partitions and child tables. */
  subscriptions: string[];
  /** Whether this server has pg_column_toast_chunk_id (Postgres 17 and later), which finds unchanged large values without reading them. */
  knowsChunks: boolean;
}

/**
 * Returns SQL for the array of TableFacts.casts. Such a cast may fail for some values. A cast that is created later is used only by
 * sessions that begin after that.
 */
export const castsSql = (table: string): string => `ARRAY(
    SELECT k.oid::bigint FROM pg_cast k
    WHERE k.castfunc >= 16384 AND k.casttarget = ANY (ARRAY['text', 'json', 'jsonb']::regtype[]) AND k.castsource IN (
      SELECT unnest(ARRAY[t.oid, t.typelem, t.typbasetype]) FROM pg_attribute c JOIN pg_type t ON t.oid = c.atttypid
      WHERE c.attrelid = ${table} AND c.attnum > 0 AND NOT c.attisdropped)
    ORDER BY 1)`;

/** Returns the facts in the order of `tables`; `null` for a table that doesn't exist. */
export async function readTableFacts(db: Pool | PoolClient, tables: { schema: string; name: string }[]): Promise<(TableFacts | null)[]> {
  const { rows } = await db.query<{ facts: TableFacts | null }>(READ_FACTS, [
    tables.map((table) => table.schema),
    tables.map((table) => table.name),
  ]);
  return rows.map((row) => row.facts);
}

// Types are named by schema and name, because format_type() omits a schema that is in the search_path. An array of a domain has the kind
// CAREFUL. A varchar(n) of up to 500 characters has the size SMALL.
export const READ_FACTS = `
WITH RECURSIVE wanted AS (
  SELECT w.ord, c.oid, w.schema, w.name, c.relkind, c.relpersistence, c.relowner, n.oid AS namespace
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, ord)
  LEFT JOIN pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name),
descendants AS (
  SELECT w.oid AS root, i.inhrelid AS oid FROM wanted w JOIN pg_inherits i ON i.inhparent = w.oid AND NOT i.inhdetachpending
  UNION SELECT h.root, i.inhrelid FROM descendants h JOIN pg_inherits i ON i.inhparent = h.oid AND NOT i.inhdetachpending),
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
      WHEN coalesce(e.oid, t.oid) = 'timestamptz'::regtype THEN 'ZONE' ELSE 'ANY' END AS format_depends_on,
    CASE WHEN t.oid IN ('timestamptz'::regtype, 'timestamp'::regtype) THEN t.typname END AS time,
    CASE WHEN t.typlen <> -1 OR t.oid = 'numeric'::regtype THEN 'SMALL'
      WHEN t.oid IN ('text'::regtype, 'varchar'::regtype)
        OR EXISTS (SELECT 1 FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = 'text'::regtype AND k.castmethod = 'b') THEN 'TEXT'
      ELSE 'LARGE' END AS size
  FROM below b JOIN pg_type t ON t.oid = b.base AND t.typtype <> 'd' LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A')
SELECT CASE WHEN w.oid IS NOT NULL THEN jsonb_build_object('oid', w.oid::bigint, 'schema', w.schema, 'name', w.name, 'kind', w.relkind,
  'isTemporary', w.relpersistence = 't',
  'mayAttach', has_schema_privilege(w.namespace, 'USAGE') AND has_table_privilege(w.oid, 'SELECT') AND has_table_privilege(w.oid, 'TRIGGER'), 'knowsChunks', to_regprocedure('pg_catalog.pg_column_toast_chunk_id("any")') IS NOT NULL,
  'columns', (
    SELECT coalesce(jsonb_object_agg(a.attname, jsonb_build_object(
      'type', quote_ident(tn.nspname) || '.' || quote_ident(ty.typname), 'kind', t.kind, 'formatDependsOn', t.format_depends_on, 'time', t.time,
      'size', CASE WHEN ty.typname IN ('varchar', 'bpchar') AND a.atttypmod BETWEEN 0 AND 504 THEN 'SMALL' ELSE t.size END, 'notNull', a.attnotnull,
      'generatedFrom', CASE WHEN a.attgenerated <> '' THEN (
        SELECT coalesce(jsonb_agg(DISTINCT g.attname), '[]') FROM pg_attrdef d
        JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid
        JOIN pg_attribute g ON g.attrelid = a.attrelid AND g.attnum = p.refobjsubid AND g.attnum <> a.attnum AND g.attnum > 0
        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
      'virtual', CASE WHEN a.attgenerated = 'v' THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
      'collation', (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.collname)
        FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace WHERE c.oid = a.attcollation))), '{}')
    FROM pg_attribute a JOIN types t ON t.declared = a.atttypid JOIN pg_type ty ON ty.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = ty.typnamespace
    WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'casts', to_jsonb(${castsSql('w.oid')}),
  'uniqueKeys', (
    SELECT coalesce(jsonb_agg((SELECT jsonb_agg(k.attname ORDER BY k.attnum) FROM pg_attribute k WHERE k.attrelid = w.oid AND k.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) ORDER BY i.indexrelid), '[]')
    FROM pg_index i WHERE i.indrelid = w.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
  'parents', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'isPartition', c.relkind = 'p') ORDER BY c.oid), '[]')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.inhrelid = w.oid AND NOT i.inhdetachpending),
  'parts', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'isPartition', c.relispartition) ORDER BY c.oid), '[]')
    FROM descendants h JOIN pg_class c ON c.oid = h.oid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE h.root = w.oid AND c.relkind IN ('r', 'p')),
  'foreignParts', (
    SELECT coalesce(jsonb_agg(h.oid::regclass::text ORDER BY h.oid), '[]') FROM descendants h JOIN pg_class c ON c.oid = h.oid WHERE h.root = w.oid AND c.relkind = 'f'),
  'isOwned', pg_has_role(w.relowner, 'USAGE'),
  'subscriptions', (
    SELECT coalesce(jsonb_agg(DISTINCT s.subname ORDER BY s.subname), '[]') FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
    WHERE r.srrelid = w.oid OR r.srrelid IN (SELECT h.oid FROM descendants h WHERE h.root = w.oid))) END AS facts, w.ord
FROM wanted w ORDER BY w.ord`;
