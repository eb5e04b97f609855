// Defines the SQL functions that the triggers of all tables share, and the session settings under which capture functions, which the
// triggers call, run. Runs no SQL.
import pg from 'pg';
import type { AnnouncedNode } from '../base/model.js';

/** A function and its `CREATE OR REPLACE` statement, which locks no table. */
export interface FunctionSql {
  name: string;
  arguments: string;
  sql: string;
}

export const CAPTURE_IS_OFF = `lower(current_setting('hookgraph.capture', true)) IN ('off', 'false', 'no', '0')`;

/**
 * Returns SQL for the exception handler of a capture function. It records the error instead of failing the application's write; a worker
 * then logs it.
 */
export function noteFault({ typename, table }: AnnouncedNode, operation: string): string {
  const [type, source] = [typename, `${table.schema}.${table.name}`].map((name) => pg.escapeLiteral(name));
  return `PERFORM hookgraph.note_fault(${type}, ${source}, ${operation}, SQLSTATE, SQLERRM);`;
}

/**
 * SQL that is true while `migrate` tries the triggers on copies of the tables. Only then do the functions raise errors that they otherwise
 * catch.
 */
export const IS_PROOF = `current_setting('hookgraph.proof', true) = 'on'`;

// Settings under which capture functions run, whatever the writer's session has set. They keep objects in other schemas from being used
// instead of Postgres' own, and session settings from changing the format of values. Each setting slows every captured statement, so a
// function gets only the settings that it needs.
export const PINNED_PATH = 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp';
export const PINNED_ZONE = `${PINNED_PATH} SET "TimeZone" = 'UTC'`;
export const PINNED = `${PINNED_ZONE} SET row_security = on SET "DateStyle" = 'ISO'
SET "IntervalStyle" = 'postgres' SET bytea_output = 'hex' SET extra_float_digits = 1`;

/** The functions that the triggers of all tables share. */
export const SHARED_FUNCTIONS: FunctionSql[] = [
  {
    name: 'json_of',
    arguments: 'anyelement',
    // Converts a value to jsonb. The type json accepts values that jsonb rejects (\u0000, lone surrogates, 1e999999), and jsonb holds at
    // most 256 MB. Such a value is stored as text, cut if it is too long.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.json_of(anyelement) RETURNS jsonb LANGUAGE plpgsql STABLE STRICT AS $hookgraph$
DECLARE result jsonb; plain text;
BEGIN
  BEGIN
    result := to_jsonb($1);
    IF pg_column_size(result) <= 1048576 THEN RETURN result; END IF;
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END;
  plain := format('%s', $1);
  IF octet_length(plain) <= 1048576 THEN RETURN to_jsonb(plain); END IF;
  RETURN to_jsonb(left(plain, 1000) || format('... (cut: %s bytes, hash %s)', octet_length(plain), hashtextextended(plain COLLATE "C", 0)));
EXCEPTION WHEN OTHERS THEN
  RETURN to_jsonb(format('(cut: %s bytes stored)', pg_column_size($1)));
END $hookgraph$`,
  },
  {
    name: 'text_json',
    arguments: 'text, int',
    // Converts a text to jsonb. Reads only the beginning of a text that is too long; octet_length() reads nothing of it.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.text_json(text, int) RETURNS jsonb LANGUAGE plpgsql STABLE STRICT AS $hookgraph$
BEGIN
  IF octet_length($1) <= $2 THEN RETURN to_jsonb($1); END IF;
  RETURN to_jsonb(left($1, 1000) || format('... (cut: %s bytes)', octet_length($1)));
END $hookgraph$`,
  },
  {
    name: 'cut',
    arguments: 'int, text, int, int',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.cut(stored int, compression text, bytes int, compressed_bytes int) RETURNS jsonb LANGUAGE plpgsql STABLE AS $hookgraph$
BEGIN
  IF stored > bytes OR (stored > compressed_bytes AND compression IS NOT NULL) THEN
    RETURN to_jsonb(format('(cut: %s bytes stored)', stored));
  END IF;
  RETURN NULL;
END $hookgraph$`,
  },
  {
    name: 'differ',
    arguments: 'anyelement, anyelement',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.differ(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql STABLE AS $hookgraph$
BEGIN
  RETURN ROW($1)::record *<> ROW($2)::record;
END $hookgraph$`,
  },
  {
    name: 'row_json',
    arguments: 'anyelement',
    // Converts a row to jsonb. to_json() accepts values that jsonb rejects; json_of() then converts each value separately.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.row_json(anyelement) RETURNS jsonb LANGUAGE plpgsql STABLE AS $hookgraph$
BEGIN
  RETURN (SELECT jsonb_object_agg(e.key, hookgraph.json_of(e.value)) FROM json_each(to_json($1)) e);
END $hookgraph$`,
  },
  {
    name: 'may_repeat',
    arguments: 'oid, text[]',
    // Returns whether foreign keys may change a row of the table ($1) again in the statement that changes its key ($2). That is so if one
    // refers to the table itself, or there are several and one includes a column of the key. Declared IMMUTABLE although it reads the
    // catalog, like the functions that compare columns (column-functions.ts).
    sql: `CREATE OR REPLACE FUNCTION hookgraph.may_repeat(oid, text[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $hookgraph$
BEGIN
  RETURN EXISTS (
    SELECT FROM pg_constraint c
    WHERE c.conrelid = $1 AND c.contype = 'f' AND c.confupdtype IN ('c', 'n', 'd')
    HAVING bool_or(c.confrelid = $1) OR count(*) > 1 AND bool_or(EXISTS (
      SELECT FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum = ANY (c.conkey) AND a.attname = ANY ($2))));
END $hookgraph$`,
  },
  {
    name: 'note_fault',
    arguments: 'text, text, text, text, text',
    // Records an error unless it was recorded within the last hour. Concurrent transactions may each record it, because a unique index
    // would make writers wait for each other.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.note_fault(text, text, text, text, text) RETURNS void LANGUAGE plpgsql AS $hookgraph$
BEGIN
  INSERT INTO hookgraph.capture_faults (typename, source, operation, code, message) SELECT $1, $2, $3, $4, left($5, 1000)
  WHERE NOT EXISTS (SELECT FROM hookgraph.capture_faults f WHERE (f.typename, f.source, f.operation, f.code) = ($1, $2, $3, $4)
    AND f.id > hookgraph.id_at(clock_timestamp() - interval '1 hour'));
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'hookgraph: recording an error of a capture function failed: %', SQLERRM;
END $hookgraph$`,
  },
  {
    name: 'refuse_truncate',
    arguments: '',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.refuse_truncate() RETURNS trigger LANGUAGE plpgsql ${PINNED_PATH} AS $hookgraph$
BEGIN
  IF ${CAPTURE_IS_OFF} THEN RETURN NULL; END IF;
  RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
    MESSAGE = format('TRUNCATE of %I.%I is refused, because it would delete announced rows without events', TG_TABLE_SCHEMA, TG_TABLE_NAME),
    HINT = 'Use DELETE, or run SET hookgraph.capture = off first. In a test database, announce the table with truncate: allow.';
END $hookgraph$`,
  },
];
