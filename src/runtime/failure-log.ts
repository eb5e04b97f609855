// Logs the first failure of each cause with its stack, and later failures only as a count, because many loops and
// statements fail at once when Postgres is down.
import { adviceOn, causeOf } from './database-url/advice.js';
import type { Level, Logger } from './logger.js';

/**
 * Milliseconds between two log lines about a continuing failure. A failure that hasn't recurred for this long counts as
 * ended.
 */
const COUNT_EVERY_MS = 10_000;

interface Known {
  sinceMs: number;
  lastMs: number;
  /** Number of further failures since the line with the stack, by message. */
  during: Record<string, number>;
  count: number;
  reported: number;
  timer: NodeJS.Timeout;
}

const failures = new WeakMap<Logger, Map<string, Known>>();

/**
 * Logs the first failure of a cause with its stack, and then only the number of further failures: every `everyMs`
 * milliseconds (default: 10,000) while they continue, and once when they have ended. All failures to reach the database
 * count as one cause.
 */
export function logFailure(
  log: Logger,
  error: unknown,
  message: string,
  { level = 'error', everyMs = COUNT_EVERY_MS, ...fields }: { level?: Level; everyMs?: number; [field: string]: unknown } = {},
): void {
  const kinds = failures.get(log) ?? new Map<string, Known>();
  failures.set(log, kinds);
  const isDatabase = isUnreachable(error);
  const kind = isDatabase ? unreachableBecause(error) : `${message}: ${(error as Error | null)?.message}`;
  const known = kinds.get(kind);
  if (known) {
    known.lastMs = performance.now();
    known.count += 1;
    known.during[message] = (known.during[message] ?? 0) + 1;
    return;
  }
  const advice = isDatabase ? adviceOn(error) : null;
  log[level]({ err: error, ...fields, ...(advice !== null && { advice }) }, message);
  const begun: Known = {
    sinceMs: performance.now(),
    lastMs: performance.now(),
    during: {},
    count: 0,
    reported: 0,
    timer: setInterval(report, everyMs),
  };
  begun.timer.unref();
  kinds.set(kind, begun);

  function report(): void {
    const { sinceMs, lastMs, during, count, reported, timer } = begun;
    const line = { cause: kind, count, during, lastedMs: Math.round(lastMs - sinceMs) };
    if (performance.now() - lastMs >= everyMs) {
      clearInterval(timer);
      kinds.delete(kind);
      if (count > 0) log.info(line, 'a failure has ended');
    } else if (count > reported) {
      begun.reported = count;
      log[level](line, 'a failure continues');
    }
  }
}

/** Causes that need another remedy than a database that is down, by their SQLSTATE. */
const CAUSES: Record<string, string> = {
  53300: 'the database has no connection left',
  25006: 'the database takes no writes',
  28000: 'the database refuses the login',
  '28P01': 'the database refuses the login',
};
const unreachableBecause = (error: unknown): string =>
  CAUSES[String((causeOf(error) as { code?: unknown }).code)] ?? 'the database cannot be reached';

/**
 * Matches the SQLSTATE codes of a lost or refused connection, and of a database that takes no writes, which
 * https://www.postgresql.org/docs/current/errcodes-appendix.html lists, and the error codes of sockets.
 */
const UNREACHABLE =
  /^(08...|25006|28000|28P01|3D000|57P0[123]|53300|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;
const UNREACHABLE_TEXTS =
  /connection terminated|timeout exceeded when trying to connect|connection error and is not queryable|^SASL: |does not support SSL|an SSL connection/i;

/** Whether the error says that the database can't be reached: by its code or, where pg gives none, by its text. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message, cause } = error as Error & { code?: unknown };
  if (UNREACHABLE.test(String(code)) || UNREACHABLE_TEXTS.test(message)) return true;
  return isUnreachable(error instanceof AggregateError ? error.errors[0] : cause);
}
