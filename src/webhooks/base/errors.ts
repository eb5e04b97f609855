// Declares the errors of the engine's API, and frames that point at a character of a source text.

/** A misuse of the API: a stable code, a message that names the wrong value, and a hint how to fix it. */
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
  // Long lines are cut around the column, so that the caret stays in view.
  const from = Math.max(0, place.column - 60);
  const gutter = `${place.line} | `;
  return `${gutter}${line.slice(from, from + 100)}\n${' '.repeat(gutter.length + Math.max(0, place.column - 1 - from))}^`;
}

/** One mistake in a subscriber's input: the field and, inside a query or template, the place. */
export interface Problem {
  /** Path in the input, e.g. `query` or `topic.key`. */
  field: string;
  message: string;
  place?: Place;
  /** A warning is reported, and the input is saved nevertheless. Default: error. */
  severity?: 'error' | 'warning';
  /** A machine-readable category. Absent: INVALID. */
  type?: 'BLANK' | 'NOT_FOUND' | 'FORBIDDEN';
}

/** A problem inside `source`. Its message includes line, column and frame, so it can be shown without the source. */
export function problemAt(field: string, message: string, source: string, place: Place, severity?: Problem['severity']): Problem {
  const told = `${message.replace(/\.$/, '')} (line ${place.line}, column ${place.column})\n${caret(source, place)}`;
  return { field, message: told, place, ...(severity && { severity }) };
}
