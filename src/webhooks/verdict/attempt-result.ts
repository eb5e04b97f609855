// Defines the result of a claimed delivery: its next state, the attempt, and the effects on its subscription.

import type { DisabledReason } from '../base/model.js';
import type { PaceOutcome, PaceState } from '../base/pace.js';
import type { LOOP, NextState, OPERATOR, SLOW } from '../base/store/delivery-state.js';
import type { AttemptRecord } from './attempt-record.js';

export interface DeliveryResult {
  deliveryId: string;
  token: string;
  subscriptionId: string;
  /**
   * Next state of the delivery. `null` returns the delivery to the queue without counting an attempt: due after `putBackMs`
   * milliseconds (absent: at once; `null`: at its unchanged due time).
   */
  next: NextState | null;
  putBackMs?: number | null;
  /**
   * Why the delivery is put back, if its owner is to see it. OPERATOR: a fault that only the operator can correct. SLOW: the stored query
   * exceeded its time limit. In both cases, each further pause is about twice as long as the one before. LOOP: the owner's writes to the
   * node answer its notifications.
   */
  waits?: typeof OPERATOR | typeof SLOW | typeof LOOP;
  attempt: AttemptRecord | null;
  disable: { reason: DisabledReason; message: string } | null;
  /** Set on a failure that does not count towards disabling the subscription for too many errors within an hour. */
  uncounted?: true;
  /** Effect on the pace of the subscription (how fast its deliveries may start); absent when there is none. */
  pace?: PaceOutcome;
}

interface Claimed {
  id: string;
  token: string;
  subscriptionId: string;
  pace: PaceState | null;
}

/** Returns the result of a claimed delivery. Without `effects` the delivery is due again at once, and no attempt is counted. */
export const resultOf = (delivery: Claimed, effects: Partial<DeliveryResult>): DeliveryResult => ({
  deliveryId: delivery.id,
  token: delivery.token,
  subscriptionId: delivery.subscriptionId,
  next: null,
  attempt: null,
  disable: null,
  // If a probe (the single delivery that tests a failing receiver) was not sent, nothing is known about the receiver. This `pace` makes the
  // next probe due soon.
  ...(delivery.pace === 'PROBING' && { pace: { slowMs: null, opens: false, probed: true, delivered: 0 } }),
  ...effects,
});
