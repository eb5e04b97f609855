// Converts the position of a mistake to a range of the text.

export interface Place {
  line: number;
  column: number;
}

export interface Range {
  from: number;
  to: number;
}

/** Returns the range of the word at a position. A position beyond its line counts as the end of the line. */
export function rangeOf(text: string, place: Place): Range {
  let start = 0;
  for (let line = 1; line < place.line; line += 1) {
    const end = text.indexOf('\n', start);
    if (end < 0) break;
    start = end + 1;
  }
  const end = lineEnd(text, start);
  const from = Math.min(start + Math.max(0, place.column - 1), end);
  const word = /^[$\w-]+|^[^\s\w$]+/.exec(text.slice(from, end))?.[0] ?? '';
  // A range needs a character to underline, so a position at the end of a line gets the line's last character.
  return word === '' && from === end && from > start
    ? { from: from - 1, to: from }
    : { from, to: from + Math.max(word.length, from < end ? 1 : 0) };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
