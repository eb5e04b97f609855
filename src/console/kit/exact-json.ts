// Reads and prints JSON with every digit of its numbers, also of those that a double would round.

/** Marks the strings that stand for digits inside JSON.stringify. Random, so that no document contains it. */
const MARK = `digits:${crypto.getRandomValues(new Uint32Array(4)).join('-')}:`;
/** Matches strings, so that digits in them are left alone, and numbers. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
/** A text without a match has no number that is too long, and is read the quick way. */
const SUSPECT = /\d(?:[\d.]{15}|[\d.]*[eE][-+\d])/;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

/** A number that a double can't hold. It is printed by printJson(). */
class Digits {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
  toJSON(): string {
    return MARK + this.#text;
  }
}

/** Like JSON.parse. @throws SyntaxError */
export function parseJson(text: string): unknown {
  if (!SUSPECT.test(text)) return JSON.parse(text);
  // The text must be JSON before digits are replaced, so that the position in an error is right.
  JSON.parse(text);
  const marked = text.replace(TOKENS, (token) => (token.startsWith('"') || String(Number(token)) === token ? token : `"${MARK}${token}"`));
  return JSON.parse(marked, (_, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? new Digits(value.slice(MARK.length)) : value,
  );
}

/** Like JSON.stringify; '' for a value that JSON can't represent. */
export const printJson = (value: unknown, indent?: number): string => (JSON.stringify(value, null, indent) ?? '').replace(MARKED, '$1');

/** Indents JSON for reading; returns any other text as it is. */
export function indentJson(text: string): string {
  try {
    return printJson(parseJson(text), 2);
  } catch {
    return text;
  }
}
