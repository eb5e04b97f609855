// Misuse of the engine, and the frame that points at a character of somebody's source.

/** Misuse: a stable code, a sentence that names the thing and its value, a hint for what to do. */
export class WebhooksError extends Error {
  override name = 'WebhooksError';
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A place in a source text; lines and columns count from 1. */
export interface Place {
  line: number;
  column: number;
}

/** The line of `source` at `place`, with a caret below the column. */
export function caret(source: string, place: Place): string {
  const line = source.split(/\r\n|\r|\n/)[place.line - 1] ?? '';
  // A long line is cut around the column, so that the caret stays in sight.
  const from = Math.max(0, place.column - 60);
  const gutter = `${place.line} | `;
  return `${gutter}${line.slice(from, from + 100)}\n${' '.repeat(gutter.length + Math.max(0, place.column - 1 - from))}^`;
}

/** One mistake in what a subscriber wrote: the input's field and, inside a query or template, the place. */
export interface Problem {
  /** Path in the input, e.g. `query` or `topic.key`. */
  field: string;
  message: string;
  place?: Place;
  /** A warning is told and saved all the same. */
  severity?: 'error' | 'warning';
  /** For programs; absent: INVALID. */
  type?: 'BLANK' | 'NOT_FOUND' | 'FORBIDDEN';
}

/** A problem inside `source`: its message ends with the place and the frame, so that it reads alone. */
export function problemAt(field: string, message: string, source: string, place: Place, severity?: Problem['severity']): Problem {
  const told = `${message.replace(/\.$/, '')} (line ${place.line}, column ${place.column})\n${caret(source, place)}`;
  return { field, message: told, place, ...(severity && { severity }) };
}
