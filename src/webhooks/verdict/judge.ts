// A reply, or none -> the attempt's outcome, and what follows for the delivery and its subscription.
import type { Compiled } from '../base/compiled.js';
import { caselessHeaders, renderTemplate, type Template, TemplateError } from '../base/liquid.js';
import type { DisabledReason, Stage } from '../base/model.js';
import type { Watch } from '../base/report.js';
import { clampRetryAfterMs, RETRIES, retryDelayMs } from './retry-delay.js';

export type Answer =
  | { kind: 'REPLY'; status: number; headers: Record<string, string>; body: string }
  | { kind: 'NO_REPLY'; stage: Stage; message: string };

export interface Verdict {
  outcome: 'DELIVERED' | 'FAILED';
  stage: Stage | null;
  message: string | null;
  /** Null: delivered, or no retry is left. */
  retryMs: number | null;
  /** The rule by which this one attempt switches its subscription off. */
  disable: Extract<DisabledReason, 'RETRIES_EXHAUSTED' | 'GONE'> | null;
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

/** Pure: the rules of contracts section 2. `watch`: who is told what the error template did. */
export function judge(
  answer: Answer,
  errorTemplate: Template | null,
  retry: Compiled['retry'],
  about: Circumstances,
  watch?: Watch,
): Verdict {
  const failure = failureOf(answer, errorTemplate, watch);
  if (failure === null) return { outcome: 'DELIVERED', stage: null, message: null, retryMs: null, disable: null };
  const isReply = answer.kind === 'REPLY';
  const gone = isReply && answer.status === 410;
  const stepMs = retryDelayMs(about.attemptCount, about.random);
  const asks = isReply && (answer.status === 429 || answer.status === 503);
  const waitMs = asks ? clampRetryAfterMs(answer.headers['retry-after'], stepMs, about.nowMs) : stepMs;
  const spent = retry
    ? about.attemptCount + 1 >= (retry.maxTries ?? RETRIES + 1) || about.ageMs + waitMs > (retry.maxTimeMs ?? Number.POSITIVE_INFINITY)
    : about.attemptCount >= RETRIES;
  // A resend of what was spent before is one more failure, and no verdict over its subscription.
  const exhausted = spent && !retry && about.attemptCount === RETRIES ? 'RETRIES_EXHAUSTED' : null;
  return { outcome: 'FAILED', ...failure, retryMs: spent ? null : waitMs, disable: gone ? 'GONE' : exhausted };
}

function failureOf(answer: Answer, errorTemplate: Template | null, watch: Watch | undefined): { stage: Stage; message: string } | null {
  if (answer.kind === 'NO_REPLY') return { stage: answer.stage, message: answer.message };
  const read = errorTemplate ? readError(errorTemplate, answer, watch) : '';
  if (answer.status < 200 || answer.status > 299)
    return { stage: 'STATUS', message: `The receiver answered with status ${answer.status}.${read === '' ? '' : ` ${read}`}` };
  return read === '' ? null : { stage: 'ERROR_TEMPLATE', message: read };
}

/** What the error template reads out of the answer; '' when all is well. */
function readError(template: Template, answer: Extract<Answer, { kind: 'REPLY' }>, watch: Watch | undefined): string {
  const at = performance.now();
  const { status, headers } = answer;
  const body = parsed(answer.body);
  let output: string | null = null;
  let read: string;
  try {
    output = renderTemplate(template, { body, headers: caselessHeaders(headers), status });
    read = output.trim();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    read = `The error template could not read the answer: ${error.message}`;
  }
  const found = read !== '';
  watch?.({
    stage: 'ERROR_TEMPLATE',
    outcome: found ? 'FAILED' : 'OK',
    input: { status, headers, body },
    output,
    message: found ? read : null,
    durationMs: performance.now() - at,
  });
  return read;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
