// Encodes the results of attempts as parameters of one SQL statement. Each result is encoded when it is added, so that its objects
// are garbage-collected early.

import type { Attempt, Outcome, Timings } from '../base/model.js';
import { mergePaceOutcomes, type PaceOutcome } from '../base/pace.js';
import { bigints, floats, integers, jsonbs, texts, timestamps } from '../base/store/arrays.js';
import type { AttemptLine } from './attempt-log.js';
import type { AttemptRecord } from './attempt-record.js';
import type { DeliveryResult } from './attempt-result.js';
import { SharedHeaders } from './shared-headers.js';
import { json, storable } from './storable.js';

export type ResultColumn = keyof AttemptBatch['columns'];

export class AttemptBatch {
  size = 0;
  /** Total length in characters of the bodies, and of the headers that attempts don't share. */
  private ownCharacters = 0;
  /** Time by `performance.now()` at which the newest result was added. */
  newestMs = 0;
  /**
   * Results after which a rule may disable the subscription: those with `disable`, and failed attempts, because more than ERRORS_PER_HOUR
   * of them disable it.
   */
  readonly mayDisable: (Pick<DeliveryResult, 'deliveryId' | 'subscriptionId' | 'disable'> & { outcome: Outcome | null })[] = [];

  /** Lines to log once the batch is written. */
  readonly lines: AttemptLine[] = [];

  /**
   * Changes to the paces of subscriptions (how fast deliveries may start), by subscription id. Empty while no receiver fails and no
   * subscription has a pace.
   */
  readonly paces = new Map<string, PaceOutcome>();

  private readonly id = bigints();
  private readonly token = bigints();
  private readonly state = texts();
  private readonly reason = texts();
  private readonly waitMs = floats();
  private readonly outcome = texts();
  private readonly stage = texts();
  private readonly message = texts();
  private readonly startedAt = timestamps();
  private readonly durationMs = floats();
  private readonly timings = jsonbs();
  private readonly url = texts();
  private readonly requestHeaders = jsonbs();
  private readonly requestBody = texts();
  private readonly status = integers();
  private readonly responseHeaders = jsonbs();
  private readonly responseBody = texts();
  private readonly version = integers();
  private readonly recording = jsonbs();
  private readonly requestSet = integers();
  private readonly responseSet = integers();
  private readonly uncounted = integers();
  private readonly requests = new SharedHeaders();
  private readonly responses = new SharedHeaders();
  /** The encoded fields of the results, by the parameter names of write-attempts.sql. */
  readonly columns = {
    ids: this.id,
    tokens: this.token,
    states: this.state,
    reasons: this.reason,
    waits_ms: this.waitMs,
    outcomes: this.outcome,
    stages: this.stage,
    messages: this.message,
    started_at: this.startedAt,
    durations_ms: this.durationMs,
    timings: this.timings,
    urls: this.url,
    request_headers: this.requestHeaders,
    request_bodies: this.requestBody,
    statuses: this.status,
    response_headers: this.responseHeaders,
    response_bodies: this.responseBody,
    versions: this.version,
    recordings: this.recording,
    request_sets: this.requestSet,
    response_sets: this.responseSet,
    uncounted: this.uncounted,
    shared_request_headers: this.requests.sets,
    shared_response_headers: this.responses.sets,
  };

  /** @param toLine makes the line of an attempt; `null` when it is not to be logged */
  constructor(private readonly toLine: (attempt: AttemptRecord) => AttemptLine | null = () => null) {}

  add({ deliveryId, token, subscriptionId, next, putBackMs, waits, attempt, disable, uncounted, pace }: DeliveryResult): void {
    this.size += 1;
    this.newestMs = performance.now();
    if (pace !== undefined) this.paces.set(subscriptionId, mergePaceOutcomes(this.paces.get(subscriptionId), pace));
    if (disable !== null || (attempt?.outcome === 'FAILED' && !uncounted))
      this.mayDisable.push({ deliveryId, subscriptionId, disable, outcome: attempt?.outcome ?? null });
    const line = attempt && this.toLine(attempt);
    if (line) this.lines.push(line);
    const { request, response } = attempt ?? {};
    const sent = this.requests.share(subscriptionId, request?.headers);
    const got = this.responses.share(subscriptionId, response?.headers);
    const [sentHeaders, gotHeaders] = [json(sent.own), json(got.own)];
    this.ownCharacters +=
      (request?.body?.length ?? 0) + (response?.body?.length ?? 0) + (sentHeaders?.length ?? 0) + (gotHeaders?.length ?? 0);
    this.id.push(deliveryId);
    this.token.push(token);
    this.state.push(next?.state);
    this.reason.push(waits ?? next?.reason);
    this.waitMs.push(next ? next.retryMs : putBackMs === undefined ? 0 : putBackMs);
    this.outcome.push(attempt?.outcome);
    this.stage.push(attempt?.stage);
    this.message.push(storable(attempt?.message));
    this.startedAt.push(attempt?.startedAt);
    this.durationMs.push(attempt?.durationMs);
    this.timings.push(json(attempt && toMicroseconds(attempt.timings)));
    this.url.push(request?.url);
    this.requestHeaders.push(sentHeaders);
    this.requestBody.push(storable(request?.body));
    this.status.push(response?.status);
    this.responseHeaders.push(gotHeaders);
    this.responseBody.push(storable(response?.body));
    this.version.push(attempt?.definition.version);
    this.recording.push(json(attempt && recordingOf(attempt)));
    this.requestSet.push(sent.set);
    this.responseSet.push(got.set);
    // Pushes 1 or NULL instead of a boolean, because NULL takes only four bytes and most attempts count.
    this.uncounted.push(uncounted && 1);
  }

  /** Total length of the bodies and headers in the batch, in characters. */
  get characters(): number {
    return this.ownCharacters + this.requests.characters + this.responses.characters;
  }

  /** Returns the parameters of write-attempts.sql, which are valid until the next `add` or `clear`. */
  toParameters(): Record<ResultColumn, Buffer> {
    const parameters: Partial<Record<ResultColumn, Buffer>> = {};
    for (const name in this.columns) parameters[name as ResultColumn] = this.columns[name as ResultColumn].toParameter();
    return parameters as Record<ResultColumn, Buffer>;
  }

  clear(): void {
    this.size = 0;
    this.ownCharacters = 0;
    this.mayDisable.length = 0;
    this.lines.length = 0;
    this.paces.clear();
    this.requests.clear();
    this.responses.clear();
    for (const name in this.columns) this.columns[name as ResultColumn].clear();
  }
}

/** Rounds timings, which are in milliseconds, to three decimals. */
function toMicroseconds(timings: Timings): Timings {
  const rounded: Timings = {};
  for (const name in timings) rounded[name as keyof Timings] = Math.round((timings[name as keyof Timings] as number) * 1000) / 1000;
  return rounded;
}

/** Returns the original sizes of masked or omitted bodies, and why they were omitted; `null` when both are recorded unchanged. */
export function recordingOf({ request, response }: AttemptRecord): object | null {
  const of = (part: Attempt['request'] | Attempt['response']) =>
    part?.bytes == null ? undefined : { bytes: part.bytes, omitted: part.omitted };
  const [sent, got] = [of(request), of(response)];
  return sent || got ? { request: sent, response: got } : null;
}
