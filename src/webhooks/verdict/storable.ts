// Replaces characters that Postgres can't store.

/** Replaces NUL, which Postgres text can't store, by U+FFFD. */
export const storable = (text: string | null | undefined): string | null =>
  text == null ? null : text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;

/** Replaces an escaped NUL, which jsonb rejects. */
const storableJson = (text: string): string => (text.includes('\\u0000') ? text.replaceAll('\\u0000', '\\ufffd') : text);

export const json = (value: object | null | undefined): string | null => (value ? storableJson(JSON.stringify(value)) : null);
