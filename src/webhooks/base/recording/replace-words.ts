// Replaces given ranges or whole words of a text, within a limited number of operations.

/**
 * Number of operations that the search may still use for all texts of one attempt, so that a hostile response can't block the main thread.
 * Each operation takes a few nanoseconds.
 */
export interface Budget {
  left: number;
}

/** A range of the searched text that is to be replaced; `to` is exclusive. */
export interface Part {
  from: number;
  to: number;
}

export function cut(text: string, parts: Part[], put: string): string {
  if (parts.length === 0) return text;
  parts.sort((a, b) => a.from - b.from);
  const pieces: string[] = [];
  let done = 0;
  for (let i = 0; i < parts.length; ) {
    const { from } = parts[i] as Part;
    let { to } = parts[i++] as Part;
    while (i < parts.length && (parts[i] as Part).from < to) to = Math.max(to, (parts[i++] as Part).to);
    pieces.push(text.slice(done, from), put);
    done = to;
  }
  return pieces.join('') + text.slice(done);
}

const WORD = /[\p{L}\p{N}]/u;

/** Replaces whole words only: `42` is not found in `420`. */
export function replaceWords(words: Set<string>, lengths: number[], text: string, put: string, budget: Budget): string | null {
  const parts: Part[] = [];
  let after = false;
  for (let at = 0; at < text.length; ) {
    budget.left -= after ? 1 : 4 * lengths.length;
    if (budget.left < 0) return null;
    const length = after ? undefined : lengths.find((one) => words.has(text.slice(at, at + one)) && !isWordAt(text, at + one));
    if (length !== undefined) parts.push({ from: at, to: at + length });
    const next = length === undefined ? at + widthAt(text, at) : at + length;
    after = endsInWord(text, at, next);
    at = next;
  }
  return cut(text, parts, put);
}

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) as number) > 0xffff ? 2 : 1);

function isWordAt(text: string, at: number): boolean {
  if (at >= text.length) return false;
  return WORD.test(String.fromCodePoint(text.codePointAt(at) as number));
}

function endsInWord(text: string, from: number, to: number): boolean {
  const low = to - 2 >= from && /[\ud800-\udbff]/.test(text[to - 2] as string) ? to - 2 : to - 1;
  return isWordAt(text, low);
}
