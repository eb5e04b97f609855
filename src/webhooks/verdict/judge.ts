// A reply, or none -> the attempt's outcome, and what follows for the delivery and its subscription.
import type { Compiled } from '../base/compiled.js';
import type { DisabledReason, Stage } from '../base/model.js';
import { SLOW_DOWN_MS } from '../base/pace.js';
import { clampRetryAfterMs, RETRIES, retryAfterMs, retryDelayMs } from './retry-delay.js';

export type Answer =
  | { kind: 'REPLY'; status: number; headers: Record<string, string>; body: string; told?: string }
  | { kind: 'NO_REPLY'; stage: Stage; message: string; held?: true };

export interface Verdict {
  outcome: 'DELIVERED' | 'FAILED' | 'HELD';
  stage: Stage | null;
  message: string | null;
  /** Null: delivered, or no retry is left. */
  retryMs: number | null;
  /** The rule by which this one attempt switches its subscription off. */
  disable: Extract<DisabledReason, 'RETRIES_EXHAUSTED' | 'GONE'> | null;
  /** The receiver asked to slow down, and to wait for so many milliseconds; absent: it didn't. */
  slowMs?: number;
}

export interface Circumstances {
  /** Attempts before this one. */
  attemptCount: number;
  /** Milliseconds since the delivery was made. */
  ageMs: number;
  nowMs: number;
  /** 0 ≤ x < 1 */
  random: number;
}

/** Pure: the rules of contracts section 2. `read`: what the error template read out of the answer; '' when all is well. */
export function judge(answer: Answer, read: string, retry: Compiled['retry'], about: Circumstances): Verdict {
  const failure = failureOf(answer, read);
  if (failure === null) return { outcome: 'DELIVERED', stage: null, message: null, retryMs: null, disable: null };
  if (answer.kind === 'NO_REPLY' && answer.held) return { outcome: 'HELD', ...failure, retryMs: null, disable: null };
  const isReply = answer.kind === 'REPLY';
  const gone = isReply && answer.status === 410;
  const stepMs = retryDelayMs(about.attemptCount, about.random);
  const asks = isReply && (answer.status === 429 || answer.status === 503);
  const askedMs = asks ? retryAfterMs(answer.headers['retry-after'], about.nowMs) : null;
  const waitMs = clampRetryAfterMs(askedMs, stepMs);
  // A bare 503 says no more than a 500 does.
  const slowMs = isReply && answer.status === 429 ? (askedMs ?? SLOW_DOWN_MS.usual) : askedMs;
  const spent = retry
    ? about.attemptCount + 1 >= (retry.maxTries ?? RETRIES + 1) || about.ageMs + waitMs > (retry.maxTimeMs ?? Number.POSITIVE_INFINITY)
    : about.attemptCount >= RETRIES;
  // A resend of what was spent before is one more failure, and no verdict over its subscription.
  const exhausted = spent && !retry && about.attemptCount === RETRIES ? 'RETRIES_EXHAUSTED' : null;
  return {
    outcome: 'FAILED',
    ...failure,
    retryMs: spent ? null : waitMs,
    disable: gone ? 'GONE' : exhausted,
    ...(slowMs !== null && { slowMs }),
  };
}

function failureOf(answer: Answer, read: string): { stage: Stage; message: string } | null {
  if (answer.kind === 'NO_REPLY') return { stage: answer.stage, message: answer.message };
  if (answer.status < 200 || answer.status > 299)
    return {
      stage: 'STATUS',
      message: `The receiver answered with status ${answer.status}${answer.told ? `: ${answer.told}` : ''}.${read === '' ? '' : ` ${read}`}`,
    };
  return read === '' ? null : { stage: 'ERROR_TEMPLATE', message: read };
}
