// What an attempt is recorded with, and where its delivery goes.

import type { Attempt, DisabledReason, Outcome, Stage, Timings } from '../base/model.js';
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

export interface Settlement {
  deliveryId: string;
  token: string;
  subscriptionId: string;
  /** Where the delivery goes; null: back to where it was, due again after `putBackMs` (null: as it was, in its place), nothing charged. */
  next: NextState | null;
  putBackMs?: number | null;
  attempt: AttemptRecord | null;
  disable: { reason: DisabledReason; message: string } | null;
}
