// Lets a write of one statement announce itself within that statement: it passes its cause to capture, and fails when before-hooks
// may concern it.
import type { PlannedWrite } from './find-hooks.js';

/** SQL for the FROM or USING clause of a write, where it runs before any row is written. It takes the first three parameters. */
export const ANNOUNCE = 'hookgraph.announce($1, $2, $3)';

/** Returns the values for ANNOUNCE. `context` is recorded as the cause of the write's events. */
export function announceValues({ tenant, typename }: Omit<PlannedWrite, 'operation'>, context: string): string[] {
  return [context, tenant, typename];
}

/** SQLSTATE of the error that hookgraph.announce raises. */
const HOOKS_FIRST = 'WH001';

/** Returns whether a statement with ANNOUNCE failed, having written nothing, because before-hooks must be called; use passGate then. */
export const isForHooks = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === HOOKS_FIRST;
