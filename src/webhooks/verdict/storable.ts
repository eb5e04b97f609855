// Replaces characters that Postgres can't store.

/** Replaces NUL, which Postgres text can't store, by U+FFFD. */
export const storable = (text: string | null | undefined): string | null =>
  text == null ? null : text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
