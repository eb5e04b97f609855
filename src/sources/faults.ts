// Decides whether an error comes from an overloaded or unreachable database, whichever library threw it.
import { NoSlotError } from '../runtime/fair-share.js';

/**
 * Whether a SQLSTATE (Postgres' error code) says that the database is at fault, not the statement: connection lost (08),
 * deadlock or other rollback (40), insufficient resources (53), operator intervention (57), system error (58), internal
 * error (XX), lock timeout (55P03).
 */
const isTroubleCode = (code: string): boolean => /^(08|40|53|57|58|XX|55P03)/.test(code);

const QUERY_CANCELLED = '57014';

interface CodedError {
  code?: unknown;
  meta?: { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } };
  cause?: unknown;
}

/**
 * Returns the SQLSTATE of an error that pg or Prisma threw, even if other errors wrap it; `undefined` when there is
 * none.
 */
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

/** Prisma's codes for a value that doesn't fit its column (P2000 to P2007, P2023, P2033) and for a missing required row (P2025). */
const PRISMA_DATA = /^P20(0[0-7]|23|25|33)$/;

/** Matches messages about an enum value that only the schema of this process, or only the database, knows. */
const UNKNOWN_ENUM_VALUE = /not found in enum|invalid input value for enum/i;

/**
 * Whether the values in a query, or one row, caused the error: SQLSTATE class 22 (data exception), or its counterpart in Prisma. Not for an
 * enum value that only one side knows, because then process and database have different versions.
 */
export function isOfQuery(error: unknown): boolean {
  if (UNKNOWN_ENUM_VALUE.test(String((error as Error | null)?.message))) return false;
  return (postgresCodeOf(error) ?? '').startsWith('22') || PRISMA_DATA.test(String((error as CodedError | null)?.code));
}

/** Whether the statement was cancelled, by `statement_timeout` or by a user. */
export const isCancelled = (error: unknown): boolean => postgresCodeOf(error) === QUERY_CANCELLED;

/** Whether the database or a full connection pool caused the error, so that the same read may succeed later. */
export const isDatabaseTrouble = (error: unknown): boolean => error instanceof NoSlotError || isTroubleCode(postgresCodeOf(error) ?? '');
