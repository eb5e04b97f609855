// Marks subscriptions whose definition no longer works, and holds their open deliveries.
import type { Engine } from '../base/engine.js';
import { logRuleChanges } from '../base/rule-log.js';
import { holdDeliveries } from '../base/store/delivery-moves.js';
import { setBroken, type VersionOf } from '../base/store/subscription-status.js';

/** Marks these versions of subscriptions as broken, except those that are already marked, or that a newer version has replaced. */
export async function markBroken({ pool, log }: Engine, broken: readonly (VersionOf & { reason: string })[]): Promise<void> {
  const marked = await setBroken(pool, broken);
  if (marked.length === 0) return;
  const ids = marked.map(({ id }) => id);
  logRuleChanges(log, 'held', marked, await holdDeliveries(pool, ids, 'BROKEN'));
}
