// Declares the measurements that the engine reports. The engine uses no metrics library: src/hookgraph/metrics.ts counts the reports.
import type { DeliveryKind, DisabledReason, Outcome, Stage, Timings } from './model.js';

export type PutBackCause = 'NETWORK' | 'RENDERER' | 'INTERNAL';
export type DisablingRule = Exclude<DisabledReason, 'OWNER' | 'INTEGRATION'>;

/** The measured part of an attempt's record. */
export interface MeasuredAttempt {
  delivery: { kind: DeliveryKind; eventId: string | null; attemptCount: number };
  outcome: Outcome;
  stage: Stage | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
}

/** Every function returns at once and never throws. */
export interface Meter {
  /** An attempt of a delivery, a test or a before-hook has ended. */
  attempt(attempt: MeasuredAttempt): void;
  /** The relay turned this number of changes into events. `withoutTenant` of them have no tenant, so no subscription gets them. */
  relayed(changes: number, withoutTenant: number): void;
  /** A delivery went back into the queue without an attempt. */
  putBack(cause: PutBackCause): void;
  /** A rule disabled a subscription. */
  disabled(rule: DisablingRule): void;
  /** A render process ended unexpectedly, because of a template or for an unknown cause. */
  rendererEnded(cause: 'TEMPLATE' | 'UNKNOWN'): void;
  /** An iteration of a worker's loop failed. */
  loopFailed(loop: string): void;
}

const ignore = () => {};

export const NO_METER: Meter = {
  attempt: ignore,
  relayed: ignore,
  putBack: ignore,
  disabled: ignore,
  rendererEnded: ignore,
  loopFailed: ignore,
};
