// Lays out a table within the width of a terminal. Breaks lines between words, and after signs such as `/`, but never in a word.
import stringWidth from 'string-width';

const GAP = 2;
const PARTS = /[^\s/_@,;:.-]*[/_@,;:.-]+|[^\s/_@,;:.-]+/g;

/**
 * Returns the table's lines; `null` when it doesn't fit. Wide columns become narrower, the widest first, until the row fits or
 * each column is as wide as its longest unbreakable part.
 */
export function layOut(rows: readonly string[][], columns = Number.POSITIVE_INFINITY): string[] | null {
  const count = rows[0]?.length ?? 0;
  const widest = (measure: (cell: string) => number) =>
    Array.from({ length: count }, (_, at) => Math.max(0, ...rows.map((row) => measure(row[at] ?? ''))));
  const widths = widest(stringWidth);
  const least = widest((cell) => Math.max(0, ...(cell.match(PARTS) ?? []).map((part) => stringWidth(part))));
  let excess = widths.reduce((sum, width) => sum + width + GAP, -GAP) - columns;
  for (; excess > 0; excess -= 1) {
    const shrinkable = [...widths.keys()].filter((at) => (widths[at] as number) > (least[at] as number));
    const [first, ...others] = shrinkable;
    if (first === undefined) return null;
    const at = others.reduce((best, one) => ((widths[one] as number) >= (widths[best] as number) ? one : best), first);
    widths[at] = (widths[at] as number) - 1;
  }
  return rows.flatMap((row) => layOutRow(row, widths));
}

function layOutRow(row: readonly string[], widths: readonly number[]): string[] {
  const cells = row.map((cell, at) => wrap(cell, widths[at] as number));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, at) => {
        const text = lines[line] ?? '';
        return text + ' '.repeat((widths[at] as number) - stringWidth(text));
      })
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** Breaks a text into lines of at most `width` columns. */
function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' '))
    for (const [at, part] of (word.match(PARTS) ?? []).entries()) {
      const line = lines[lines.length - 1] as string;
      const longer = at === 0 && line !== '' ? `${line} ${part}` : line + part;
      if (line === '' || stringWidth(longer) <= width) lines[lines.length - 1] = longer;
      else lines.push(part);
    }
  return lines;
}
