// Writes statements for the schema that holds our tables. They are written for `hookgraph`; a database may call it otherwise.
import { createHash } from 'node:crypto';
import pg from 'pg';
import { RuntimeError } from './runtime-error.js';

export const DEFAULT_SCHEMA = 'hookgraph';

/** Letters, digits, spaces, hyphens and underscores mean the same in a name, in a text and in a pattern of format(). */
const NAME = /^[\p{L}_][\p{L}\p{N}_ -]*$/u;

/** So that `<name>_worker` is within Postgres' 63 bytes. */
const MOST_BYTES = 56;

export const isSchemaName = (name: string): boolean =>
  NAME.test(name) && Buffer.byteLength(name) <= MOST_BYTES && !/^pg_|^(public|information_schema)$/i.test(name);

/** @throws RuntimeError `SCHEMA_NAME_INVALID` */
export function checkSchemaName(name: string): string {
  if (isSchemaName(name)) return name;
  throw new RuntimeError(
    'SCHEMA_NAME_INVALID',
    `"${name}" can't be the schema of Hookgraph's tables`,
    `Take a name of its own of letters, digits, spaces, hyphens and underscores, ${MOST_BYTES} bytes at most, such as acme_hooks.`,
  );
}

const schemas = new WeakMap<object, string>();

export function registerSchema(pool: object, schema: string): void {
  schemas.set(pool, checkSchemaName(schema));
}

/** The schema of our tables, as statements on this pool find them. */
export const schemaOf = (pool: object): string => schemas.get(pool) ?? DEFAULT_SCHEMA;

const suffixes = new Map([[DEFAULT_SCHEMA, '']]);

/** What the name of a trigger or of a prepared statement ends with, because two installations may share a table or a session. */
export function nameSuffix(schema: string): string {
  const suffix = suffixes.get(schema) ?? `_${createHash('sha256').update(schema).digest('hex').slice(0, 8)}`;
  suffixes.set(schema, suffix);
  return suffix;
}

/** Not the settings hookgraph.capture, .context and .proof, which are the session's and have the same names everywhere. */
const OURS =
  /(?<!")\bhookgraph\.(?!(?:capture|context|proof)\b)(?=["\w%])|'hookgraph'(?=::regnamespace)|(?<=to_regnamespace\()'hookgraph'/g;

/** Nearly all statements are constants. */
const MOST_TEXTS = 2000;
const written = new Map<string, Map<string, string>>();

export function localSql(text: string, schema: string): string {
  if (schema === DEFAULT_SCHEMA) return text;
  const texts = written.get(schema) ?? new Map<string, string>();
  written.set(schema, texts);
  let local = texts.get(text);
  if (local === undefined) {
    const name = pg.escapeIdentifier(schema);
    local = text.replaceAll(OURS, (found) => (found.startsWith("'") ? `'${name}'` : `${name}.`));
    if (texts.size >= MOST_TEXTS) texts.clear();
    texts.set(text, local);
  }
  return local;
}
