// Makes held deliveries, or a single delivery in any state, due at once; or sends a delivery again as a new one.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Delivery, Subscription } from '../base/model.js';
import { recordAudit } from '../base/store/audit.js';
import { deliveriesByIds } from '../base/store/deliveries.js';
import { countHeld, releaseDeliveries } from '../base/store/delivery-moves.js';
import { ORDER, reopenDelivery, repeatDelivery } from '../base/store/delivery-state.js';
import { countRelease } from '../base/store/subscription-status.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { insideTransaction } from '../base/store/transaction.js';
import { begin } from './begin-move.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';

export interface Released {
  problems: Problem[];
  subscription: Subscription | null;
  count: number;
}

/**
 * Makes all held deliveries of a subscription due at once, including those held for the reason NODE (the query or a template gave nothing
 * usable).
 */
export async function releaseHeldDeliveries(engine: Engine, actor: Actor, id: string): Promise<Released> {
  const refused = (problem: Problem): Released => ({ problems: [{ ...problem }], subscription: null, count: 0 });
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const subscription = (await subscriptionsByIds(engine.pool, actor, [id])).get(id);
  if (!subscription) return refused({ ...NOT_FOUND, field: 'webhookSubscriptionId' });
  const notEnabled = whyNotEnabled(subscription);
  if (notEnabled) return refused(notEnabled);
  const count = await insideTransaction(engine.pool, async (client) => {
    await countRelease(client, id);
    const held = await countHeld(client, id);
    await recordAudit(client, actor, [{ ...about(subscription), action: 'RELEASED', message: `Released deliveries: ${held}.` }]);
    return held;
  });
  await begin(engine, () => releaseDeliveries(engine.pool, [id], ['MENDED', 'DISABLED', 'BROKEN']));
  return { problems: [], subscription, count };
}

export interface Resent {
  problems: Problem[];
  delivery: Delivery | null;
}

/**
 * Sends a delivery in any state again, at once. Usually reopens it for one more attempt with the same ids, which a receiver that already
 * has it may drop. With `asNew`, creates another delivery with ids of its own, which each receiver takes. Refused for tests and
 * before-hooks, while the subscription is not enabled, and without `asNew` while an attempt is running or the delivery waits for an earlier
 * one.
 */
export async function resendDelivery(engine: Engine, actor: Actor, id: string, { asNew = false } = {}): Promise<Resent> {
  const refused = (problem: Problem): Resent => ({ problems: [problem], delivery: null });
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const delivery = (await deliveriesByIds(engine.pool, actor, [id])).get(id);
  if (!delivery) return refused(NOT_FOUND);
  const subscription = (await subscriptionsByIds(engine.pool, actor, [delivery.subscriptionId])).get(delivery.subscriptionId);
  if (!subscription) return refused({ field: 'base', message: 'the subscription of this delivery was deleted' });
  const notEnabled = whyNotEnabled(subscription);
  if (notEnabled) return refused(notEnabled);
  if (delivery.kind === 'TEST') return refused({ field: 'base', message: 'a test delivery can not be resent; send a new test' });
  if (delivery.kind === 'BEFORE')
    return refused({ field: 'base', message: 'a before-hook can not be called again: the write was already decided' });
  const resent = await insideTransaction(engine.pool, async (client) => {
    const due = asNew ? await repeatDelivery(client, id) : (await reopenDelivery(client, id)) ? id : null;
    if (due !== null) await recordAudit(client, actor, [{ ...about(subscription), action: 'RESENT', deliveryId: due }]);
    return due;
  });
  if (resent === null) {
    const now = (await deliveriesByIds(engine.pool, actor, [id])).get(id);
    const waits = 'the delivery waits for an earlier one of its node, because the subscription is ordered; it is sent by itself';
    return refused({ field: 'base', message: now?.reason === ORDER ? waits : 'an attempt of this delivery is running right now' });
  }
  return { problems: [], delivery: (await deliveriesByIds(engine.pool, actor, [resent])).get(resent) ?? null };
}

/** Returns the fields that the audit log needs for an action on a subscription that doesn't change its definition. */
export const about = ({ id, version }: Subscription) => ({ subscriptionId: id, versionBefore: version, versionAfter: version });

/** Returns the reason why the subscription sends nothing now; `null` when it is enabled. */
export function whyNotEnabled({ status }: Subscription): Problem | null {
  if (status === 'DISABLED') return { field: 'base', message: 'the subscription is disabled; enable it first' };
  return status === 'HELD' ? { field: 'base', message: "the subscription's query or a template no longer works; correct it first" } : null;
}
