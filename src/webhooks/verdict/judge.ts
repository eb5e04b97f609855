// Judges a receiver's response, or the failure to get one: decides the attempt's outcome and its effects on the delivery and the
// subscription.
import type { Compiled } from '../base/compiled.js';
import type { DisabledReason, Stage } from '../base/model.js';
import { SLOW_DOWN_MS } from '../base/pace.js';
import { readSlowDown, type SlowDown } from '../base/slow-down.js';
import { adviceOnRefusal, type Proof } from './refusal-advice.js';
import { clampRetryAfterMs, RETRIES, retryAfterMs, retryDelayMs } from './retry-delay.js';

export type Answer =
  | {
      kind: 'REPLY';
      status: number;
      headers: Record<string, string>;
      body: string;
      flaw?: string;
      explanation?: string;
      isFailure?: true;
      isThrottled?: true;
    }
  | { kind: 'NO_REPLY'; stage: Stage; message: string; held?: true; status?: number; unanswered?: true; slowDown?: SlowDown };

export interface Verdict {
  outcome: 'DELIVERED' | 'FAILED' | 'HELD';
  stage: Stage | null;
  message: string | null;
  /** Milliseconds until the retry; `null` when delivered, or when no retry is left. */
  retryMs: number | null;
  /** Rule by which this attempt disables its subscription; `null` when none applies. */
  disable: Extract<DisabledReason, 'RETRIES_EXHAUSTED' | 'GONE'> | null;
  /** Milliseconds for which the receiver asked to slow down, or SLOW_DOWN_MS.usual if it named no time; absent when it did not ask. */
  slowMs?: number;
  /** Set when the failure does not count towards disabling the subscription for too many errors within an hour. */
  uncounted?: true;
}

export interface Circumstances {
  /** Number of earlier attempts. */
  attemptCount: number;
  /** Milliseconds since the delivery was created. */
  ageMs: number;
  nowMs: number;
  /** Random number for the retry delay, 0 ≤ x < 1. */
  random: number;
}

/**
 * Decides the outcome of an attempt; a pure function. `read`: the output of the error template, '' when it found no error. `proof`: what
 * proved to the receiver who sent the request, for the advice when the receiver refuses it.
 */
export function judge(answer: Answer, read: string, retry: Compiled['retry'], about: Circumstances, proof?: Proof): Verdict {
  const failure = failureOf(answer, read, proof);
  if (failure === null) {
    const note = (answer.kind === 'REPLY' && answer.flaw) || null;
    return { outcome: 'DELIVERED', stage: null, message: note, retryMs: null, disable: null };
  }
  if (answer.kind === 'NO_REPLY' && answer.held) return { outcome: 'HELD', ...failure, retryMs: null, disable: null };
  const unanswered = answer.kind === 'NO_REPLY' && answer.unanswered;
  const isReply = answer.kind === 'REPLY';
  const gone = isReply && answer.status === 410;
  const stepMs = retryDelayMs(about.attemptCount, about.random);
  const slowDown = slowDownOf(answer);
  const askedMs = retryAfterMs(slowDown?.retryAfter, about.nowMs);
  // A broken connection that was kept open from an earlier request doesn't show that the receiver fails. The first retry therefore follows
  // at once, even if the subscription allows no retry. Later retries wait as usual.
  const isFree = unanswered && about.attemptCount === 0;
  const waitMs = isFree ? 0 : clampRetryAfterMs(askedMs, stepMs);
  const slowMs = slowDown === null ? null : (askedMs ?? SLOW_DOWN_MS.usual);
  const spent = !isFree && isSpent(retry, about, waitMs);
  // Only the last retry of the schedule disables the subscription. A failed resend, which comes later, doesn't.
  const exhausted = spent && !retry && about.attemptCount === RETRIES ? 'RETRIES_EXHAUSTED' : null;
  return {
    outcome: 'FAILED',
    ...failure,
    retryMs: spent ? null : waitMs,
    disable: gone ? 'GONE' : exhausted,
    ...(slowMs !== null && { slowMs }),
    ...(unanswered && { uncounted: true as const }),
  };
}

/** Returns how the receiver, or its token endpoint, asked to slow down; `null` when it did not ask. */
function slowDownOf(answer: Answer): SlowDown | null {
  if (answer.kind === 'NO_REPLY') return answer.slowDown ?? null;
  return readSlowDown(answer.status, answer.headers, answer.isThrottled);
}

/** Whether no retry is left. */
function isSpent(retry: Compiled['retry'], { attemptCount, ageMs }: Circumstances, waitMs: number): boolean {
  if (!retry) return attemptCount >= RETRIES;
  return attemptCount + 1 >= (retry.maxTries ?? RETRIES + 1) || ageMs + waitMs > (retry.maxTimeMs ?? Number.POSITIVE_INFINITY);
}

function failureOf(answer: Answer, read: string, proof: Proof | undefined): { stage: Stage; message: string } | null {
  if (answer.kind === 'NO_REPLY') return { stage: answer.stage, message: answer.message };
  if (answer.status < 200 || answer.status > 299 || answer.isFailure) {
    const advice = proof ? adviceOnRefusal(answer.status, proof) : '';
    return {
      stage: 'STATUS',
      message: `The receiver answered with status ${answer.status}${answer.explanation ? `: ${answer.explanation}` : ''}.${answer.flaw ? ` ${answer.flaw}` : ''}${read === '' ? '' : ` ${read}`}${advice}`,
    };
  }
  if (read === '') return null;
  return { stage: answer.flaw === undefined ? 'ERROR_TEMPLATE' : 'ANSWER', message: read };
}
