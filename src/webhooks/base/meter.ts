// Declares the measurements that the engine reports. The engine uses no metrics library: src/hookgraph/metrics.ts counts the reports.
import type { DeliveryKind, DisabledReason, Outcome, Stage, Timings } from './model.js';

export type PutBackCause = 'NETWORK' | 'RENDERER' | 'HOST' | 'INTERNAL' | 'LOOP' | 'BODIES' | 'SLOW_QUERY';
export type DisablingRule = Exclude<DisabledReason, 'OWNER' | 'INTEGRATION'>;

/** The fields of a finished attempt that the metrics count or time. */
export interface MeasuredAttempt {
  delivery: { kind: DeliveryKind; eventId: string | null; attemptCount: number };
  outcome: Outcome;
  stage: Stage | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
}

/** Receives the engine's measurements. Every function returns at once and never throws. */
export interface Meter {
  /** Called when an attempt of a delivery, a test or a before-hook has ended. */
  attempt(attempt: MeasuredAttempt): void;
  /**
   * Called when the relay has turned this number of row changes into events. `withoutTenant` of them have no tenant, so no subscription
   * gets them.
   */
  relayed(changes: number, withoutTenant: number): void;
  /** Called when a claimed delivery goes back into the queue without an attempt because of `cause`. */
  putBack(cause: PutBackCause): void;
  /** Called when a rule, not the owner, has disabled a subscription. */
  disabled(rule: DisablingRule): void;
  /** Called when a render process has ended unexpectedly, because of a template or for an unknown cause. */
  rendererEnded(cause: 'TEMPLATE' | 'UNKNOWN'): void;
  /** Called when an iteration of a worker's loop has failed. */
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
