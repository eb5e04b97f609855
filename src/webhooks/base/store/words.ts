// Splits the text of a search into words.

/** Maximum length of a search in characters. Text beyond it is ignored. */
const MAX_LENGTH = 1_000;

/** Returns the words of a search in lower case, without NUL characters, which Postgres can't compare. */
export function wordsOf(search: string | null | undefined): string[] {
  const text = (search ?? '').slice(0, MAX_LENGTH).replaceAll('\0', ' ').toLowerCase().trim();
  return text === '' ? [] : text.split(/\s+/);
}
