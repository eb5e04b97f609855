// Encodes the results of attempts as parameters of one SQL statement. Each result is encoded when it is added, so that its objects
// are garbage-collected early.

import type { Outcome } from '../base/model.js';
import { mergePaceOutcomes, type PaceOutcome } from '../base/pace.js';
import { bigints, floats, integers, texts, timestamps } from '../base/store/arrays.js';
import { ExchangeRows } from '../base/store/exchanges.js';
import type { AttemptLine } from './attempt-log.js';
import type { AttemptRecord } from './attempt-record.js';
import type { DeliveryResult } from './attempt-result.js';
import { storable } from './storable.js';

export type ResultColumn = keyof AttemptBatch['columns'] | 'exchange_entries' | 'exchange_errors';

export class AttemptBatch {
  size = 0;
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
  private readonly queryUs = integers();
  private readonly renderUs = integers();
  private readonly authUs = integers();
  private readonly sendUs = integers();
  private readonly firstByteUs = integers();
  private readonly status = integers();
  private readonly version = integers();
  private readonly exchange = integers();
  private readonly place = integers();
  private readonly uncounted = integers();
  private readonly exchanges = new ExchangeRows();
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
    query_us: this.queryUs,
    render_us: this.renderUs,
    auth_us: this.authUs,
    send_us: this.sendUs,
    first_byte_us: this.firstByteUs,
    statuses: this.status,
    versions: this.version,
    exchanges: this.exchange,
    places: this.place,
    uncounted: this.uncounted,
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
    const exchange = attempt && this.exchanges.add(attempt, isError(attempt));
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
    this.queryUs.push(toMicroseconds(attempt?.timings.queryMs));
    this.renderUs.push(toMicroseconds(attempt?.timings.renderMs));
    this.authUs.push(toMicroseconds(attempt?.timings.authMs));
    this.sendUs.push(toMicroseconds(attempt?.timings.sendMs));
    this.firstByteUs.push(toMicroseconds(attempt?.timings.firstByteMs));
    this.status.push(attempt?.response?.status);
    this.version.push(attempt?.definition.version);
    this.exchange.push(exchange?.row);
    this.place.push(exchange?.place);
    // Pushes 1 or NULL instead of a boolean, because NULL takes only four bytes and most attempts count.
    this.uncounted.push(uncounted && 1);
  }

  /** The memory that requests and responses in the batch take: in bytes if they are compressed, otherwise in characters. */
  get characters(): number {
    return this.exchanges.characters;
  }

  /** Returns a promise that resolves when all requests and responses are compressed; `undefined` when they are already. */
  compressed(): Promise<unknown> | undefined {
    return this.exchanges.compressed();
  }

  /**
   * Returns the parameters of write-attempts.sql, which are valid until the next `add` or `clear`. The requests and responses among them
   * are complete only after `compressed` has resolved.
   */
  toParameters(): Record<ResultColumn, Buffer> {
    const parameters: Partial<Record<ResultColumn, Buffer>> = {};
    for (const name in this.columns) parameters[name as ResultColumn] = this.columns[name as keyof AttemptBatch['columns']].toParameter();
    const { entries, areErrors } = this.exchanges.toParameters();
    return { ...parameters, exchange_entries: entries, exchange_errors: areErrors } as Record<ResultColumn, Buffer>;
  }

  clear(): void {
    this.size = 0;
    this.mayDisable.length = 0;
    this.lines.length = 0;
    this.paces.clear();
    this.exchanges.clear();
    for (const name in this.columns) this.columns[name as keyof AttemptBatch['columns']].clear();
  }
}

/** The longest duration that fits into an integer of microseconds: 35 minutes. */
const MAX_US = 2_147_483_647;

/** Converts a duration in milliseconds to the integer that is stored. */
export const toMicroseconds = (ms: number | undefined): number | undefined => ms && Math.min(Math.round(ms * 1000), MAX_US);

/** Whether the attempt's request and response are kept as long as those of errors. */
export const isError = ({ outcome }: Pick<AttemptRecord, 'outcome'>): boolean => outcome === 'FAILED' || outcome === 'HELD';
