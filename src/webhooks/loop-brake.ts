// Puts back deliveries about a node that is in a feedback loop, if the owner of the subscription makes the changes.
import type { Engine } from './base/engine.js';
import type { Owner } from './base/model.js';
import { logRule } from './base/rule-log.js';
import { LOOP } from './base/store/delivery-state.js';
import { loadEvents } from './base/store/recorded-events.js';
import type { DeliveryInHand } from './lease/claim.js';
import { actorIn } from './payload/build-event.js';
import { type DeliveryResult, resultOf } from './verdict/attempt-result.js';
import { FeedbackLoops, type Slowed } from './verdict/feedback-loops.js';
import { OverlappingLoops } from './verdict/overlapping-loops.js';

/** Returns the result that puts a claimed delivery back; `null` when it may be sent. It is a promise only if the node may be in a loop. */
export type LoopBrake = (claimed: DeliveryInHand, owner: Owner) => Promise<DeliveryResult | null> | null;

export function createLoopBrake(engine: Engine): LoopBrake {
  const loops = new FeedbackLoops();
  const overlapping = new OverlappingLoops();

  function putBack(claimed: DeliveryInHand, tenant: string, { waitMs, isNew }: Slowed): DeliveryResult {
    const { subscriptionId, typename, nodeKey } = claimed;
    engine.meter.putBack('LOOP');
    if (isNew) logRule(engine.log, 'looping', { rule: LOOP, subscriptionId, tenant, typename, nodeKey });
    return resultOf(claimed, { putBackMs: waitMs, waits: LOOP });
  }

  /** Puts a suspected delivery back if the owner made the change; otherwise calls `acquit`, which ends the suspicion. */
  async function slowDown(
    claimed: DeliveryInHand,
    { tenant, userId }: Owner,
    slowed: Slowed,
    acquit: () => void,
  ): Promise<DeliveryResult | null> {
    if ((await actorOf(engine, claimed.eventId)) === userId) return putBack(claimed, tenant, slowed);
    acquit();
    return null;
  }

  return (claimed, owner) => {
    if (claimed.kind !== 'LIVE') return null;
    const key = `${owner.tenant} ${owner.userId}`;
    const nowMs = performance.now();
    const many = overlapping.check(claimed, key, nowMs);
    if (many?.isNew) return slowDown(claimed, owner, many, () => overlapping.acquit(key, performance.now()));
    // An earlier check has shown that the owner makes the changes.
    if (many) return Promise.resolve(putBack(claimed, owner.tenant, many));
    const slowed = loops.check(claimed, nowMs);
    return slowed && slowDown(claimed, owner, slowed, () => loops.acquit(claimed, performance.now()));
  };
}

/** Returns the id of the user who made the change, as the host recorded it; `undefined` when it recorded none. */
async function actorOf({ pool }: Engine, eventId: string | null): Promise<unknown> {
  const [event] = (await loadEvents(pool, eventId === null ? [] : [eventId])).values();
  return (actorIn(event?.context ?? null) as { userId?: unknown } | null)?.userId;
}
