// Encodes a typename and a key as an opaque global id that is safe in a URL path, and decodes it.
import { type Field, keyFields, keyName, type Model } from '../../sources/prisma/index.js';

export function encodeGlobalId(typename: string, key: string): string {
  return Buffer.from(`${typename}:${key}`).toString('base64url');
}

/** Returns typename and key of a global id; `null` when the text isn't a global id. */
export function decodeGlobalId(id: string): { typename: string; key: string } | null {
  const text = Buffer.from(id, 'base64url').toString('utf8');
  const match = /^([A-Za-z_]\w*):(.+)$/s.exec(text);
  // Only canonical ids are accepted: no padding, alternative spellings or broken UTF-8.
  if (!match || encodeGlobalId(match[1] as string, match[2] as string) !== id) return null;
  return { typename: match[1] as string, key: match[2] as string };
}

/** Returns the key of a row as a text: the value of a single key column, or a JSON array of the values of several key columns. */
export function keyOf(model: Model, row: Record<string, unknown>): string {
  const texts = keyFields(model).map(({ name }) => (row[name] instanceof Date ? (row[name] as Date).toISOString() : String(row[name])));
  return texts.length === 1 ? (texts[0] as string) : JSON.stringify(texts);
}

/**
 * Returns Prisma's `where` for the row with this key; `null` for a text that can't be a key, which Postgres would fail
 * to parse.
 */
export function whereKey(model: Model, key: string): Record<string, unknown> | null {
  const fields = keyFields(model);
  const texts = fields.length === 1 ? [key] : parseTexts(key);
  if (texts?.length !== fields.length) return null;
  const values = fields.map((field, index) => parseKeyPart(field, texts[index] as string));
  if (values.includes(undefined)) return null;
  if (!model.primaryKey) return { [keyName(model)]: values[0] };
  return { [keyName(model)]: Object.fromEntries(fields.map(({ name }, index) => [name, values[index]])) };
}

function parseTexts(key: string): string[] | null {
  try {
    const texts: unknown = JSON.parse(key);
    return Array.isArray(texts) && texts.every((text) => typeof text === 'string') ? texts : null;
  } catch {
    return null;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INT_LIMIT = 2n ** 31n;
const BIGINT_LIMIT = 2n ** 63n;

function parseKeyPart({ type, nativeType }: Field, text: string): unknown {
  if (type === 'Int' || type === 'BigInt') {
    if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
    const value = BigInt(text);
    const limit = type === 'Int' ? INT_LIMIT : BIGINT_LIMIT;
    if (value >= limit || value < -limit) return undefined;
    return type === 'Int' ? Number(value) : value;
  }
  if (nativeType === 'Uuid') return UUID.test(text) ? text : undefined;
  if (type === 'DateTime') return Number.isNaN(Date.parse(text)) ? undefined : new Date(text);
  return text.includes('\0') ? undefined : text;
}
