// Decides whether an error comes from an overloaded or unreachable database, whichever library threw it.
import { NoSlotError } from '../runtime/fair-share.js';

/**
 * Whether a SQLSTATE is of the classes of lost connections, deadlocks, insufficient resources, operator intervention,
 * system and internal errors, or the code of a lock timeout.
 */
export const isTroubleCode = (code: string): boolean => /^(08|40|53|57|58|XX|55P03)/.test(code);

const QUERY_CANCELLED = '57014';

interface CodedError {
  code?: unknown;
  meta?: { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } };
  cause?: unknown;
}

/** The SQLSTATE of an error of pg or Prisma, possibly wrapped; `undefined` when there is none. */
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

/** Whether the statement was cancelled, by `statement_timeout` or by a user. */
export const isCancelled = (error: unknown): boolean => postgresCodeOf(error) === QUERY_CANCELLED;

/** Whether the error is temporary, so that the same read may succeed later. */
export const isDatabaseTrouble = (error: unknown): boolean => error instanceof NoSlotError || isTroubleCode(postgresCodeOf(error) ?? '');
