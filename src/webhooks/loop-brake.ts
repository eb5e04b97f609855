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

/** Returns the result that puts a claimed delivery back; `null` when it may be sent, which is known at once for all but suspects. */
export type LoopBrake = (claimed: DeliveryInHand, owner: Owner) => Promise<DeliveryResult | null> | null;

export function createLoopBrake(engine: Engine): LoopBrake {
  const loops = new FeedbackLoops();

  async function slowDown(claimed: DeliveryInHand, { tenant, userId }: Owner, { waitMs, isNew }: Slowed): Promise<DeliveryResult | null> {
    const { subscriptionId, typename, nodeKey, eventId } = claimed;
    if ((await actorOf(engine, eventId)) !== userId) {
      loops.acquit(claimed, performance.now());
      return null;
    }
    engine.meter.putBack('LOOP');
    if (isNew) logRule(engine.log, 'looping', { rule: LOOP, subscriptionId, tenant, typename, nodeKey });
    return resultOf(claimed, { putBackMs: waitMs, waits: LOOP });
  }

  return (claimed, owner) => {
    const slowed = claimed.kind === 'LIVE' ? loops.check(claimed, performance.now()) : null;
    return slowed && slowDown(claimed, owner, slowed);
  };
}

/** Returns the id of the user who made the change, as the host recorded it; `undefined` when it recorded none. */
async function actorOf({ pool }: Engine, eventId: string | null): Promise<unknown> {
  const [event] = (await loadEvents(pool, eventId === null ? [] : [eventId])).values();
  return (actorIn(event?.context ?? null) as { userId?: unknown } | null)?.userId;
}
