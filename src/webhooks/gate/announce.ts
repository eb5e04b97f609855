// Builds a function call that a write of a single statement includes. The function passes the cause of the write (such as the acting user)
// to the triggers that record events. It raises an error when before-hooks, which may refuse the write, may have to be called first.
import type { PlannedWrite } from './find-hooks.js';

/**
 * The call for the FROM or USING clause of a write, where it runs before the statement writes a row. It uses the parameters $1, $2 and $3.
 */
export const ANNOUNCE = 'hookgraph.announce($1, $2, $3)';

/** Returns the values for $1, $2 and $3 of ANNOUNCE. `context` is recorded as the cause of the write's events. */
export function announceValues({ tenant, typename }: Omit<PlannedWrite, 'operation'>, context: string): string[] {
  return [context, tenant, typename];
}

/** SQLSTATE of the error that hookgraph.announce raises when the tenant has before-hooks for this type. */
const HOOKS_FIRST = 'WH001';

/**
 * Returns whether a statement with ANNOUNCE failed because before-hooks must be called first. It has written nothing; repeat the write
 * through passGate, which calls them.
 */
export const isForHooks = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === HOOKS_FIRST;
