// A write that is one statement -> what it says in that very statement: its cause, to capture; and the refusal where hooks may concern it.
import type { PlannedWrite } from './find-hooks.js';

/** To stand in the write's FROM or USING, so that it comes before any row. Its values are the statement's first three. */
export const ANNOUNCE = 'hookgraph.announce($1, $2, $3)';

/** `context`: what its events shall have as their cause. */
export function announceValues({ tenant, typename }: Omit<PlannedWrite, 'operation'>, context: string): string[] {
  return [context, tenant, typename];
}

/** hookgraph.announce raises it. */
const HOOKS_FIRST = 'WH001';

/** Whether a statement with ANNOUNCE failed, and so wrote nothing, because hooks are to be asked: by passGate. */
export const isForHooks = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === HOOKS_FIRST;
