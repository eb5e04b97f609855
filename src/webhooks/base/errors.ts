// Declares the errors that users and operators can fix, and shows a source line with a caret below the wrong character.

/** An error that its reader can fix: a stable code, a message that names the wrong value, and a hint how to fix it. */
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

/**
 * Thrown when a resolver, the database or the sign-in of the host fails while a payload is built. No subscriber can correct that, so the
 * delivery returns to the queue without a counted attempt. `shown`: what the subscription's owner may read about it.
 */
export class HostFailed extends Error {
  override name = 'HostFailed';
  constructor(
    message: string,
    readonly shown: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A position in a source text; lines and columns count from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Returns the line of `source` at this position, with a caret below the column. */
export function caret(source: string, place: Place): string {
  const line = source.split(/\r\n|\r|\n/)[place.line - 1] ?? '';
  // Long lines are cut around the column, so that the caret stays in view.
  const from = Math.max(0, place.column - 60);
  const gutter = `${place.line} | `;
  return `${gutter}${line.slice(from, from + 100)}\n${' '.repeat(gutter.length + Math.max(0, place.column - 1 - from))}^`;
}

/** One mistake in a subscriber's input: the field and, inside a query or template, the position. */
export interface Problem {
  /** Path in the input, e.g. `query` or `topic.key`. */
  field: string;
  message: string;
  place?: Place;
  /** A warning is reported, and the input is saved nevertheless. Default: error. */
  severity?: 'error' | 'warning';
  /** A machine-readable category. Absent: INVALID. */
  type?: 'BLANK' | 'NOT_FOUND' | 'FORBIDDEN' | 'CONFLICT';
}

/** Makes a problem at a position of `source`. The message includes that line with a caret, so it can be shown without the source. */
export function problemAt(field: string, message: string, source: string, place: Place, severity?: Problem['severity']): Problem {
  const text = `${message.replace(/\.$/, '')} (line ${place.line}, column ${place.column})\n${caret(source, place)}`;
  return { field, message: text, place, ...(severity && { severity }) };
}
