// Decides whether an error comes from a database in trouble, whatever library threw it.
import { NoTurnError } from '../runtime/fair-share.js';

/** Postgres' classes for lost connections, deadlocks, too few resources, locks held too long, and statements that were ended. */
const POSTGRES_TROUBLE = /^(08|40|53|57|58|XX|55P03)/;

const QUERY_CANCELLED = '57014';

interface CodedError {
  code?: unknown;
  meta?: { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } };
  cause?: unknown;
}

/** The SQLSTATE behind an error of pg, of Prisma, or of what wraps either; undefined where there is none. */
export function postgresCodeOf(error: unknown): string | undefined {
  for (let at = error as CodedError | null | undefined, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    const codes = [
      at.meta?.driverAdapterError?.cause?.originalCode,
      at.meta?.code,
      (at as { originalCode?: unknown }).originalCode,
      at.code,
    ];
    const found = codes.find(
      (code): code is string => typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^P[12]\d{3}$/.test(code),
    );
    if (found !== undefined) return found;
    at = at.cause as CodedError | null | undefined;
  }
  return undefined;
}

/** The statement was ended for its time, by `statement_timeout` or by somebody. */
export const isCancelled = (error: unknown): boolean => postgresCodeOf(error) === QUERY_CANCELLED;

/** The read can be tried again later: nothing is wrong with it. */
export const isDatabaseTrouble = (error: unknown): boolean =>
  error instanceof NoTurnError || POSTGRES_TROUBLE.test(postgresCodeOf(error) ?? '');
