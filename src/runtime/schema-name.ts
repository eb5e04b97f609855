// Rewrites statements for the schema that holds Hookgraph's tables. The source code calls this schema `hookgraph`; an
// installation may choose another name.
import { createHash } from 'node:crypto';
import pg from 'pg';
import { RuntimeError } from './runtime-error.js';

export const DEFAULT_SCHEMA = 'hookgraph';

/** Matches names that need no escaping within a quoted identifier, a string literal or a format() pattern. */
const NAME = /^[\p{L}_][\p{L}\p{N}_ -]*$/u;

/** Maximum length of a schema name in bytes, so that `<name>_worker` fits Postgres' limit of 63 bytes. */
const MAX_BYTES = 56;

export const isSchemaName = (name: string): boolean =>
  NAME.test(name) && Buffer.byteLength(name) <= MAX_BYTES && !/^pg_|^(public|information_schema)$/i.test(name);

/** Returns the name if Hookgraph's schema may have it. @throws RuntimeError `SCHEMA_NAME_INVALID` otherwise */
export function checkSchemaName(name: string): string {
  if (isSchemaName(name)) return name;
  throw new RuntimeError(
    'SCHEMA_NAME_INVALID',
    `"${name}" can't be the schema of Hookgraph's tables`,
    `Choose an unused name of letters, digits, spaces, hyphens and underscores, at most ${MAX_BYTES} bytes, such as acme_hooks.`,
  );
}

const schemas = new WeakMap<object, string>();

export function registerSchema(pool: object, schema: string): void {
  schemas.set(pool, checkSchemaName(schema));
}

/** Returns the schema of Hookgraph's tables for statements on this pool. */
export const schemaOf = (pool: object): string => schemas.get(pool) ?? DEFAULT_SCHEMA;

const suffixes = new Map([[DEFAULT_SCHEMA, '']]);

/**
 * Returns a suffix for the names of triggers and prepared statements; empty for the default schema. It keeps two
 * installations apart that share a table or a session.
 */
export function nameSuffix(schema: string): string {
  const suffix = suffixes.get(schema) ?? `_${createHash('sha256').update(schema).digest('hex').slice(0, 8)}`;
  suffixes.set(schema, suffix);
  return suffix;
}

/**
 * Matches references to the schema, but not the Postgres settings hookgraph.capture, hookgraph.context and
 * hookgraph.proof, whose names don't depend on the schema.
 */
const REFERENCE =
  /(?<!")\bhookgraph\.(?!(?:capture|context|proof)\b)(?=["\w%])|'hookgraph'(?=::regnamespace)|(?<=to_regnamespace\()'hookgraph'/g;

/**
 * Maximum number of cached statements for each schema. It is rarely reached, because nearly all statements are constants.
 */
const MAX_TEXTS = 2000;
const written = new Map<string, Map<string, string>>();

export function localSql(text: string, schema: string): string {
  if (schema === DEFAULT_SCHEMA) return text;
  const texts = written.get(schema) ?? new Map<string, string>();
  written.set(schema, texts);
  let local = texts.get(text);
  if (local === undefined) {
    const name = pg.escapeIdentifier(schema);
    local = text.replaceAll(REFERENCE, (found) => (found.startsWith("'") ? `'${name}'` : `${name}.`));
    if (texts.size >= MAX_TEXTS) texts.clear();
    texts.set(text, local);
  }
  return local;
}
