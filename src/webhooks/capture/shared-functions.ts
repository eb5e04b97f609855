// The SQL text of the functions that all captured tables share, and what every capture function sets. Runs nothing.
import pg from 'pg';
import type { AnnouncedNode } from '../base/model.js';

/** `CREATE OR REPLACE`, in its own right: no lock on any table. */
export interface FunctionSql {
  name: string;
  arguments: string;
  sql: string;
}

export const CAPTURE_IS_OFF = `lower(current_setting('hookgraph.capture', true)) IN ('off', 'false', 'no', '0')`;

/** For an exception handler of a capture function: a worker's log will say so. */
export function noteFault({ typename, table }: AnnouncedNode, operation: string): string {
  const [type, source] = [typename, `${table.schema}.${table.name}`].map((name) => pg.escapeLiteral(name));
  return `PERFORM hookgraph.note_fault(${type}, ${source}, ${operation}, SQLSTATE, SQLERRM);`;
}

/** While migrate tries the triggers, no exception is swallowed. */
export const IS_PROOF = `current_setting('hookgraph.proof', true) = 'on'`;

// Nobody's objects shadow ours, and what the session set must not show in keys and snapshots. Each setting costs every statement.
export const PINNED_PATH = 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp';
export const PINNED_ZONE = `${PINNED_PATH} SET "TimeZone" = 'UTC'`;
export const PINNED = `${PINNED_ZONE} SET row_security = on SET "DateStyle" = 'ISO'
SET "IntervalStyle" = 'postgres' SET bytea_output = 'hex' SET extra_float_digits = 1`;

/** The functions that all tables share. */
export const SHARED_FUNCTIONS: FunctionSql[] = [
  {
    name: 'json_of',
    arguments: 'anyelement',
    // json accepts what jsonb refuses (\u0000, lone surrogates, 1e999999), and no jsonb holds 256 MB: then it is kept as text, cut if need be.
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
    // Of a text that is too long only the beginning is read; octet_length() reads nothing.
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
    // to_json() copies values that jsonb refuses, and json_of() takes those one by one.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.row_json(anyelement) RETURNS jsonb LANGUAGE plpgsql STABLE AS $hookgraph$
BEGIN
  RETURN (SELECT jsonb_object_agg(e.key, hookgraph.json_of(e.value)) FROM json_each(to_json($1)) e);
END $hookgraph$`,
  },
  {
    name: 'note_fault',
    arguments: 'text, text, text, text, text',
    // Once an hour, as far as the writer sees: a unique index would make writers wait for each other.
    sql: `CREATE OR REPLACE FUNCTION hookgraph.note_fault(text, text, text, text, text) RETURNS void LANGUAGE plpgsql AS $hookgraph$
BEGIN
  INSERT INTO hookgraph.capture_faults (typename, source, operation, code, message) SELECT $1, $2, $3, $4, left($5, 1000)
  WHERE NOT EXISTS (SELECT FROM hookgraph.capture_faults f WHERE (f.typename, f.source, f.operation, f.code) = ($1, $2, $3, $4)
    AND f.id > hookgraph.id_at(clock_timestamp() - interval '1 hour'));
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'hookgraph: a fault of capture is not noted: %', SQLERRM;
END $hookgraph$`,
  },
  {
    name: 'refuse_truncate',
    arguments: '',
    sql: `CREATE OR REPLACE FUNCTION hookgraph.refuse_truncate() RETURNS trigger LANGUAGE plpgsql ${PINNED_PATH} AS $hookgraph$
BEGIN
  IF ${CAPTURE_IS_OFF} THEN RETURN NULL; END IF;
  RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
    MESSAGE = format('TRUNCATE of %I.%I would delete announced rows without telling anybody', TG_TABLE_SCHEMA, TG_TABLE_NAME),
    HINT = 'DELETE the rows, or SET hookgraph.capture = off first. For test databases, announce the table with truncate: allow.';
END $hookgraph$`,
  },
];
