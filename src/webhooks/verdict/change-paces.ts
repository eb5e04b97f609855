// Changes the paces of subscriptions (how fast deliveries may start) by the results of attempts, in the transaction that records the
// attempts.
import type { PoolClient } from 'pg';
import type { SlowedReason } from '../base/model.js';
import { nextPace, type Pace, type PaceOutcome } from '../base/pace.js';
import { lockPaces, writePaces } from '../base/store/paces.js';
import { setSlowed } from '../base/store/subscription-status.js';

/** A change of a subscription's pace to another state, such as SLOWED, for the log. */
export interface PaceChange {
  subscriptionId: string;
  tenant: string;
  before: Pace | null;
  after: Pace | null;
}

export async function changePaces(client: PoolClient, outcomes: ReadonlyMap<string, PaceOutcome>): Promise<PaceChange[]> {
  const { nowMs, paces, tenants } = await lockPaces(client, [...outcomes.keys()]);
  const next = new Map<string, Pace | null>();
  const changes: PaceChange[] = [];
  const slowed = new Map<string, SlowedReason>();
  for (const [subscriptionId, outcome] of outcomes) {
    const before = paces.get(subscriptionId) ?? null;
    const after = nextPace(before, outcome, nowMs);
    if (after === before) continue;
    next.set(subscriptionId, after);
    if (outcome.slowMs !== null) slowed.set(subscriptionId, 'THROTTLED');
    else if (after?.state === 'PROBING' && before?.state !== 'PROBING') slowed.set(subscriptionId, 'FAILING');
    if (after?.state !== before?.state) changes.push({ subscriptionId, tenant: tenants.get(subscriptionId) ?? '', before, after });
  }
  if (next.size > 0) await writePaces(client, next);
  await setSlowed(client, slowed);
  return changes;
}
