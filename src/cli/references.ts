// References to environment variables in YAML: `${env:NAME}` in a text, and `{ fromEnv: NAME }`. `$${env:NAME}` stands for the
// text `${env:NAME}` itself, so that a text that came from a server never reads a variable.

const REFERENCE = /(\$+)\{env:([A-Za-z_]\w*)\}/g;

/** Escapes the references in a text, so that reading it returns the same text. */
export const escapeReferences = (text: string): string => text.replace(REFERENCE, '$$$&');

/** Replaces each reference by what `use` returns for it, and removes the `$` that escapes a text. */
export const replaceReferences = (text: string, use: (variable: string, written: string) => string): string =>
  text.replace(REFERENCE, (written, dollars: string, variable: string) => (dollars.length > 1 ? written.slice(1) : use(variable, written)));

export const referenceTo = (variable: string): string => `\${env:${variable}}`;

/** The text that replaces a value that the command line doesn't show. */
export const HIDDEN = '(not shown: the file reads it from environment variables)';

/** Whether `text` fits `written`, if each reference in `written` may stand for any text. */
export function mayStandFor(written: string, text: string): boolean {
  const [first = '', ...others] = written.split(/\$\{env:[A-Za-z_]\w*\}/);
  const last = others.pop();
  if (last === undefined) return first === text;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const literal of others) {
    const found = text.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return at <= end;
}

/** Minimum length of a part of a value that is hidden, too. A shorter value is hidden only as a whole. */
const PART_LENGTH = 8;
/** Minimum length of a hidden value. A shorter value is no secret, and hiding it would replace letters in any sentence. */
export const LEAST_LENGTH = 4;

/** Replaces the values of variables, and longer parts of them, by references. */
export function hideValues(text: string, variables: ReadonlyMap<string, string>): string {
  const longestFirst = [...variables].sort(([, one], [, other]) => other.length - one.length);
  return longestFirst.reduce((hidden, [name, value]) => hideValue(hidden, value, referenceTo(name)), text);
}

function hideValue(text: string, value: string, reference: string): string {
  const writings = new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), encodeURI(value)]);
  let hidden = text;
  for (const writing of writings) if (writing.length >= LEAST_LENGTH) hidden = hidden.replaceAll(writing, () => reference);
  const parts = new Set<string>();
  for (const writing of writings)
    for (let at = 0; at + PART_LENGTH <= writing.length; at += 1) parts.add(writing.slice(at, at + PART_LENGTH));
  if (parts.size === 0) return hidden;
  let result = '';
  let shownTo = 0;
  for (let at = 0; at + PART_LENGTH <= hidden.length; ) {
    if (!parts.has(hidden.slice(at, at + PART_LENGTH))) {
      at += 1;
      continue;
    }
    let end = at + PART_LENGTH;
    while (end < hidden.length && parts.has(hidden.slice(end + 1 - PART_LENGTH, end + 1))) end += 1;
    result += hidden.slice(shownTo, at) + reference;
    shownTo = end;
    at = end;
  }
  return result + hidden.slice(shownTo);
}
