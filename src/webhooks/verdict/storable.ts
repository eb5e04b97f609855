// What a receiver said -> what Postgres stores.

/** Postgres stores no NUL; a receiver may send one. */
export const storable = (text: string | null | undefined): string | null =>
  text == null ? null : text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;

/** Nor does jsonb take an escaped one. */
const storableJson = (text: string): string => (text.includes('\\u0000') ? text.replaceAll('\\u0000', '\\ufffd') : text);

export const json = (value: object | null | undefined): string | null => (value ? storableJson(JSON.stringify(value)) : null);
