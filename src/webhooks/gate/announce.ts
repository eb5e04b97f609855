// Builds the SQL that a write of one statement includes. It passes the cause of the write to capture, and fails when before-hooks may have
// to be called first.
import type { PlannedWrite } from './find-hooks.js';

/** SQL for the FROM or USING clause of a write, where it runs before any row is written. It uses the parameters $1, $2 and $3. */
export const ANNOUNCE = 'hookgraph.announce($1, $2, $3)';

/** Returns the values of the parameters of ANNOUNCE. `context` is recorded as the cause of the write's events. */
export function announceValues({ tenant, typename }: Omit<PlannedWrite, 'operation'>, context: string): string[] {
  return [context, tenant, typename];
}

/** SQLSTATE of the error that hookgraph.announce raises. */
const HOOKS_FIRST = 'WH001';

/**
 * Returns whether a statement with ANNOUNCE failed because before-hooks must be called. It has written nothing; repeat the write through
 * passGate.
 */
export const isForHooks = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === HOOKS_FIRST;
