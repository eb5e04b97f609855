// Runs the stages of an attempt (query, templates, request, verdict) in the order of base/stages.ts, for deliveries, tests, previews and
// before-hooks.

import { LATE, within } from '../runtime/time-limit.js';
import type { Compiled } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import { stableEventId } from './base/model.js';
import { type MaySend, Withdrawn } from './base/network/guard.js';
import type { StageReport, Watch } from './base/report.js';
import { type AttemptTrace, isTracing, type TraceOrigin, traceAttempt } from './base/tracing.js';
import type { DeliveryIds, Sequence } from './destinations/kind.js';
import { buildPayload, type PayloadResult, type PayloadSubject } from './payload/build-payload.js';
import type { PayloadSources } from './payload/find-data.js';
import { compose, type DeliverySender } from './send-delivery.js';
import type { AttemptRecord, AttemptStart, SentRequest } from './verdict/attempt-record.js';
import { type Answer, type Circumstances, judge, type Verdict } from './verdict/judge.js';
import { readError } from './verdict/read-error.js';

/** The inputs of one attempt, including the settings by which a test or before-hook differs from an ordinary delivery. */
export interface Run {
  start: AttemptStart;
  send: DeliverySender['send'];
  /** Set for a delivery of a replay. */
  replayed?: PayloadSubject['replayed'];
  /** Returns the owner's context and the event, from which the payload is built; called only when the definition needs them. */
  sources(): PayloadSources;
  circumstances(): Circumstances;
  /**
   * Called before the request is written, after each wait. `false` ends the run without an attempt: the lease is lost, or the subscription
   * was disabled.
   */
  maySend?: MaySend;
  /**
   * Returns whether the receiver's response, such as a before-hook's refusal, decides the outcome by itself, so that the error template is
   * not rendered.
   */
  isFinal?(answer: Answer): boolean;
  /**
   * Receives a report of each stage, for a test or preview. If it is set, the next stages run even if the validation template rejects the
   * event; the rejection is only reported.
   */
  watch?: Watch;
  /** Returns the number of the notification, once its body is ready; absent unless the subscription is numbered. */
  sequence?(): Promise<Sequence>;
  /** Called before the request, with the body's length in characters. May throw NoRoomForBody: then no attempt is made. */
  onBody?(length: number): void;
  /** Returns the trace context of the write that caused the event; called only when tracing is on. */
  origin?(): TraceOrigin | null;
  /** Milliseconds for all stages together. Absent: each stage ends by its own limit. */
  limitMs?: number;
  /** Timeout of the request alone, in milliseconds. Absent: the sender's usual timeout. */
  requestMs?: number;
}

/**
 * The result of a run: the record of the attempt, the receiver's answer and the verdict on it. `answer` and `verdict` are `null` when no
 * request was sent, or when `limitMs` passed. `isLate`: a query exceeded a time limit, and may succeed later.
 */
export interface Ended {
  attempt: AttemptRecord;
  answer: SentRequest['answer'] | null;
  verdict: Verdict | null;
  isLate?: boolean;
}

/**
 * Runs one attempt. Returns `null` when `maySend` forbids the request.
 * @throws EgressFailed when this installation's network fails, TemplateError `busy` when no render process is free, or the error of an
 * internal failure; then the caller must not record an attempt
 */
export function runStages(engine: Engine, compiled: Compiled, run: Run): Promise<Ended | null> {
  return isTracing() ? runTraced(engine, compiled, run) : walk(engine, compiled, run, null);
}

async function runTraced(engine: Engine, compiled: Compiled, run: Run): Promise<Ended | null> {
  const attempt = traceAttempt(compiled, run.start.delivery, run.origin?.() ?? null);
  let ended: Ended | null = null;
  try {
    ended = await attempt.run(() => walk(engine, compiled, run, attempt));
    return ended;
  } finally {
    attempt.end(ended?.attempt ?? null);
  }
}

async function walk(engine: Engine, compiled: Compiled, run: Run, tracing: AttemptTrace | null): Promise<Ended | null> {
  const { start, limitMs, watch, replayed } = run;
  const delivery = replayed ? { ...start.delivery, replayed } : start.delivery;
  const stopped = (...[outcome, stage, message]: Parameters<AttemptStart['end']>): Ended => ({
    attempt: start.end(outcome, stage, message),
    answer: null,
    verdict: null,
  });
  const late = (what: string): Ended => stopped('FAILED', 'TIMEOUT', `${what} within ${(limitMs as number) / 1000} seconds.`);
  const leftMs = () => Math.max(1, (limitMs as number) - start.elapsedMs());

  const built = buildPayload(engine, compiled, delivery, run.sources, watch);
  const payload = built instanceof Promise ? await (limitMs === undefined ? built : within(leftMs(), built)) : built;
  if (payload === LATE) return late('The payload was not ready');
  const isKept = payload.outcome === 'READY' && compiled.recorder === null && delivery.eventId !== null;
  start.addPayload(payload, isKept ? payload.data : null);
  if (payload.outcome !== 'READY') return { ...stopped(payload.outcome, payload.stage, payload.message), isLate: payload.isLate ?? false };
  run.onBody?.(payload.body.text.length);

  const sequence = run.sequence && (await run.sequence());
  const may = run.maySend?.() ?? true;
  if (may !== true && !(await may)) return null;
  const authentication = watch && noteAuthentication(watch);
  const requestMs = limitMs === undefined ? run.requestMs : leftMs();
  const known: DeliveryIds = sequence ? { ...idsOf(delivery), sequence } : idsOf(delivery);
  const ids = tracing ? { ...known, traceparent: tracing.startRequest() } : known;
  const options = { watch: authentication?.watch, maySend: run.maySend, withinMs: requestMs };
  let first: SentRequest;
  try {
    first = await run.send(compiled, ids, payload.body, options);
  } catch (error) {
    return ifWithdrawn(error);
  }
  // A before-hook is never retried, and its writer waits. Its request is therefore repeated at once when a connection, kept open from an
  // earlier request, broke before the response.
  const isUnanswered = limitMs !== undefined && first.answer.kind === 'NO_REPLY' && first.answer.unanswered === true;
  const second = isUnanswered ? await run.send(compiled, ids, payload.body, { ...options, withinMs: leftMs() }).catch(ifWithdrawn) : null;
  const sent = second ?? first;
  start.addRequest(sent);
  const { answer } = sent;
  if (limitMs !== undefined && answer.kind === 'NO_REPLY' && answer.stage === 'TIMEOUT') return late('No complete answer');

  const isRead = compiled.errorTemplate !== null && !run.isFinal?.(answer);
  const reading = isRead ? readError(engine, compiled, answer, payload.event, watch) : '';
  const read = reading === '' ? '' : await (limitMs === undefined ? reading : within(leftMs(), reading));
  if (read === LATE) return late('The error template was not rendered');
  const verdict = judge(answer, read, compiled.retry, run.circumstances(), compiled);
  const attempt = start.end(verdict.outcome, verdict.stage, verdict.message ?? (second ? SECOND : null));
  if (watch && !(verdict.stage === 'AUTH' && authentication?.isReported())) watch(reportOfSending(verdict, sent, attempt));
  return { attempt, answer, verdict };
}

function ifWithdrawn(error: unknown): null {
  if (error instanceof Withdrawn) return null;
  throw error;
}

const SECOND = 'The request was sent twice, because the first connection broke before a response.';

/** Returns what `judge` must know about a test or before-hook: it is the first attempt, and no retry follows. */
export const onlyAttempt = (): Circumstances => ({ attemptCount: 0, ageMs: 0, nowMs: Date.now(), random: 0 });

/** Runs the query and the templates, and composes the request without sending it, for a preview. */
export async function composeOnly(
  engine: Engine,
  compiled: Compiled,
  { subject, sources, watch }: { subject: PayloadSubject; sources(): PayloadSources; watch: Watch },
): Promise<{ payload: PayloadResult; compose(): SentRequest['request'] | null }> {
  const payload = await buildPayload(engine, compiled, subject, sources, watch);
  return {
    payload,
    compose: () => {
      if (payload.outcome !== 'READY') return null;
      return compose(engine, compiled, idsOf(subject), payload.body).recorded;
    },
  };
}

const idsOf = ({ id, kind, typename, nodeKey, eventId, replayed }: PayloadSubject): DeliveryIds => ({
  ...(replayed && { replay: replayed.mode }),
  deliveryId: id,
  typename,
  nodeKey,
  eventId: stableEventId({ kind, eventId }),
  ...(kind === 'SNAPSHOT' && { isSnapshot: true }),
});

/** Wraps `watch` and notes whether the sender reported the stage AUTH, so that a failed authentication is reported only once. */
function noteAuthentication(watch: Watch): { watch: Watch; isReported(): boolean } {
  let isReported = false;
  return {
    watch: (report) => {
      isReported ||= report.stage === 'AUTH';
      watch(report);
    },
    isReported: () => isReported,
  };
}

function reportOfSending({ stage, message }: Verdict, { request, answer }: SentRequest, { response }: AttemptRecord): StageReport {
  const isFailed = stage !== null && stage !== 'ERROR_TEMPLATE';
  return {
    stage: stage === 'AUTH' ? 'AUTH' : 'SEND',
    outcome: isFailed ? 'FAILED' : 'OK',
    input: request,
    output: response,
    message: isFailed ? message : null,
    durationMs: answer.sendMs,
  };
}
