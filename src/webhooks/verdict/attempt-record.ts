// Builds the record of an attempt of a delivery, a test or a before-hook. It is stored, logged, measured and traced.

import type { Attempt, DeliveryKind, Outcome, Stage, Timings } from '../base/model.js';
import type { Answer } from './judge.js';

/** The fields of the attempted delivery that the record needs. */
export interface AttemptedDelivery {
  id: string;
  /** `null` for a test and a before-hook. */
  eventId: string | null;
  replayId: string | null;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
  /** Number of earlier attempts. */
  attemptCount: number;
  /** When the delivery was created, by `performance.now()`; absent for a test and a before-hook. */
  createdAtMs?: number;
}

/** The fields of the subscription, in the version that was in use, that the record needs. */
export interface AttemptedDefinition {
  subscriptionId: string;
  version: number;
  owner: { tenant: string };
  topic: { key: string };
}

export interface AttemptRecord {
  delivery: AttemptedDelivery;
  definition: AttemptedDefinition;
  outcome: Outcome;
  stage: Stage | null;
  message: string | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
  request: Attempt['request'];
  response: Attempt['response'];
}

/** A request with its response, or the reason why there is none. */
export interface SentRequest {
  request: NonNullable<Attempt['request']>;
  answer: Answer & { sendMs: number; firstByteMs?: number };
  /** Milliseconds spent waiting for a token; absent when none had to be fetched. */
  authMs?: number;
}

/** An attempt that has begun. Each stage adds its results, so that a record can be built at whichever stage the attempt ends. */
export class AttemptStart {
  readonly startedAt = new Date();
  private readonly startedMs = performance.now();
  readonly timings: Timings = {};
  private request: Attempt['request'] = null;
  private data: string | null = null;
  private response: Attempt['response'] = null;

  constructor(
    readonly definition: AttemptedDefinition,
    readonly delivery: AttemptedDelivery,
  ) {}

  /** Milliseconds since the attempt began. */
  elapsedMs(): number {
    return performance.now() - this.startedMs;
  }

  /** `data`: the data of the payload as JSON, if the body doesn't contain it and the attempt is to record it. */
  addPayload({ queryMs, renderMs }: { queryMs: number; renderMs: number }, data: string | null = null): void {
    this.timings.queryMs = queryMs;
    this.timings.renderMs = renderMs;
    this.data = data;
  }

  addRequest({ request, answer, authMs }: SentRequest): void {
    this.request = this.data === null ? request : { ...request, data: this.data };
    if (authMs !== undefined) this.timings.authMs = authMs;
    this.timings.sendMs = answer.sendMs;
    if (answer.kind === 'NO_REPLY') {
      // When the response's headers could not be read, only its status is recorded.
      if (answer.status !== undefined) this.response = { status: answer.status, headers: {}, body: '' };
      return;
    }
    if (answer.firstByteMs !== undefined) this.timings.firstByteMs = answer.firstByteMs;
    this.response = { status: answer.status, headers: answer.headers, body: answer.body };
  }

  end(outcome: Outcome, stage: Stage | null, message: string | null): AttemptRecord {
    const { delivery, definition, startedAt, timings, request, response } = this;
    return { delivery, definition, outcome, stage, message, startedAt, durationMs: this.elapsedMs(), timings, request, response };
  }
}
