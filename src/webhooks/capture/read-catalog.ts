// Reads all facts about tables and their capture triggers from Postgres' catalog, and detects cheaply, by a hash, whether these facts have
// changed.
import type { Pool } from 'pg';
import { READ_FACTS, type Relation, type TableFacts } from './table-facts.js';
import { TRIGGER_NAMES, triggerName } from './trigger-sql.js';

export interface PresentTrigger extends Relation {
  trigger: string;
  /** Name of the function in Hookgraph's schema that the trigger calls. */
  functionName: string;
  /** `pg_trigger.tgenabled`: `O` fires for ordinary writers, `R` for replication, `A` for both, `D` never. */
  enabled: 'O' | 'R' | 'A' | 'D';
}

export interface PresentFunction {
  /** MD5 of the function's source. */
  body: string;
  comment: string | null;
}

export interface CaptureCatalog {
  /** The facts about each table, in the order of the tables; `null` for a table that doesn't exist. */
  facts: (TableFacts | null)[];
  /** All capture triggers of this installation, on any table. */
  triggers: PresentTrigger[];
  /** All functions in Hookgraph's schema, by name. */
  functions: Record<string, PresentFunction>;
}

type Tables = { schema: string; name: string }[];

/** Returns the parameters of both queries below. `schema` is the schema of Hookgraph's functions. */
const parametersOf = (tables: Tables, schema: string) => [
  tables.map((table) => table.schema),
  tables.map(({ name }) => name),
  TRIGGER_NAMES.map((name) => triggerName(name, schema)),
  schema,
];

/**
 * Reads the facts in one statement, so that they fit together. When Hookgraph's schema doesn't exist, there are no triggers and no
 * functions.
 */
export async function readCatalog(db: Pick<Pool, 'query'>, tables: Tables, schema: string): Promise<CaptureCatalog> {
  const { rows } = await db.query<{ catalog: CaptureCatalog }>(READ_CATALOG, parametersOf(tables, schema));
  return (rows[0] as { catalog: CaptureCatalog }).catalog;
}

/** Returns a hash that changes when any result of readCatalog changes. Computing it is much cheaper than reading the facts. */
export async function readCatalogHash(db: Pick<Pool, 'query'>, tables: Tables, schema: string): Promise<string> {
  const { rows } = await db.query<{ hash: string }>(READ_HASH, parametersOf(tables, schema));
  return (rows[0] as { hash: string }).hash;
}

const READ_CATALOG = `
WITH found AS MATERIALIZED (${READ_FACTS})
SELECT jsonb_build_object(
  'facts', (SELECT coalesce(jsonb_agg(f.facts ORDER BY f.ord), '[]') FROM found f),
  'triggers', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'trigger', t.tgname,
      'functionName', p.proname, 'enabled', t.tgenabled) ORDER BY c.oid, t.tgname), '[]')
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = to_regnamespace(quote_ident($4::text))
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgname = ANY ($3::text[])),
  'functions', (
    SELECT coalesce(jsonb_object_agg(p.proname, jsonb_build_object('body', md5(p.prosrc), 'comment', obj_description(p.oid, 'pg_proc'))), '{}')
    FROM pg_proc p WHERE p.pronamespace = to_regnamespace(quote_ident($4::text)))) AS catalog`;

// Most facts are represented by the xmin of their catalog row, which Postgres changes with the row. VACUUM also changes rows of pg_class,
// so of pg_class the columns are hashed instead.
const READ_HASH = `
WITH RECURSIVE tree AS (
  SELECT c.oid FROM unnest($1::text[], $2::text[]) AS w (schema, name)
  JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
  UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid),
columns AS MATERIALIZED (
  SELECT a.attrelid, a.attnum, a.atttypid, a.xmin AS version FROM tree JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attnum > 0),
functions AS MATERIALIZED (SELECT p.oid, p.xmin AS version FROM pg_proc p WHERE p.pronamespace = to_regnamespace(quote_ident($4::text))),
facts (fact) AS (
  SELECT concat_ws(' ', 'class', c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relispartition) FROM tree JOIN pg_class c ON c.oid = tree.oid
  UNION ALL SELECT concat_ws(' ', 'column', c.attrelid, c.attnum, c.version) FROM columns c
  UNION ALL SELECT concat_ws(' ', 'type', t.oid, t.xmin) FROM pg_type t WHERE t.oid IN (SELECT c.atttypid FROM columns c)
  UNION ALL SELECT concat_ws(' ', 'expression', d.oid, d.xmin) FROM tree JOIN pg_attrdef d ON d.adrelid = tree.oid
  UNION ALL SELECT concat_ws(' ', 'index', i.indexrelid, i.xmin) FROM tree JOIN pg_index i ON i.indrelid = tree.oid
  UNION ALL SELECT concat_ws(' ', 'heir', i.inhrelid, i.inhparent, i.inhdetachpending) FROM tree JOIN pg_inherits i ON i.inhrelid = tree.oid
  UNION ALL SELECT concat_ws(' ', 'trigger', t.oid, t.tgrelid, t.tgname, t.tgfoid, t.tgenabled) FROM pg_trigger t WHERE t.tgname = ANY ($3::text[])
  UNION ALL SELECT concat_ws(' ', 'function', f.oid, f.version) FROM functions f
  UNION ALL SELECT concat_ws(' ', 'comment', d.objoid, d.xmin) FROM functions f
    JOIN pg_description d ON d.objoid = f.oid AND d.classoid = 'pg_proc'::regclass
  UNION ALL SELECT concat_ws(' ', 'subscription', r.srrelid, s.subname) FROM tree
    JOIN pg_subscription_rel r ON r.srrelid = tree.oid JOIN pg_subscription s ON s.oid = r.srsubid)
SELECT md5(coalesce(string_agg(fact, ',' ORDER BY fact COLLATE "C"), '')) AS hash FROM facts`;
