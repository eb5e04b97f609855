// Defines the record of an attempt and its effects on the delivery and the subscription.

import type { Attempt, DisabledReason, Outcome, Stage, Timings } from '../base/model.js';
import type { PaceOutcome } from '../base/pace.js';
import type { NextState } from '../base/store/delivery-state.js';

export interface AttemptRecord {
  subscriptionVersion: number;
  outcome: Outcome;
  stage: Stage | null;
  message: string | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
  request: Attempt['request'];
  response: Attempt['response'];
}

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
  attempt: AttemptRecord | null;
  disable: { reason: DisabledReason; message: string } | null;
  /** Set on a failure that does not count towards disabling the subscription for too many errors within an hour. */
  uncounted?: true;
  /** Effect on the pace of the subscription; absent when there is none. */
  pace?: PaceOutcome;
}
