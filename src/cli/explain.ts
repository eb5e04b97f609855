// Turns any thrown value into a message for people and an exit code for programs.

import { adviceOn, causeOf } from '../runtime/database-url/advice.js';

/** Formats an error: a known error with its code, message and hint, an internal error with its stack trace. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}\n`;
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  if (isKnown(error)) return `${code}: ${error.message}\n${typeof hint === 'string' ? `${hint}\n` : ''}`;
  const advice = adviceOn(error);
  if (advice !== null) {
    const cause = causeOf(error) as Error & { code?: unknown };
    return `${String(cause.code ?? 'DATABASE_UNREACHABLE')}: ${cause.message}\n${advice}\n`;
  }
  if (typeof code === 'string' && error.message) return `${code}: ${error.message}\n${error.stack ?? ''}\n`;
  return `${error.stack ?? error.message}\n`;
}

const EXIT_CODES: Record<string, number> = { USAGE: 2, NOT_FOUND: 3, NOT_LOGGED_IN: 4, NOT_AUTHENTICATED: 4, FORBIDDEN: 4, CHANGES: 5 };

/**
 * Returns the exit code. 1: mistake or failure, 2: wrong usage, 3: not found, 4: not logged in or not allowed, 5: changes found by
 * `plan --detailed-exitcode`.
 */
export function exitCodeOf(error: unknown): number {
  return (isKnown(error) && EXIT_CODES[String((error as { code?: unknown }).code)]) || 1;
}

export function isKnown(error: unknown): boolean {
  return error instanceof Error && (error.name === 'WebhooksError' || error.name === 'RuntimeError');
}
