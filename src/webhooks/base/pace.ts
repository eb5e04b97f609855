// Computes how fast deliveries of a subscription may start, from the results of the last attempts and the current time. All functions are
// pure.

/** The limits set by the subscription's owner; `null` means unlimited. */
export interface RateLimit {
  perSecond: number | null;
  /** Maximum number of requests in progress at once, over all workers. */
  concurrency: number | null;
}

export const PACE_STATES = {
  LIMITED: 'Only the rate limit of the subscription applies.',
  SLOWED: 'The receiver asked to slow down, or works again after failures: the rate grows until the receiver asks again or fails.',
  PROBING: 'The receiver keeps failing: one delivery at a time is sent, with growing pauses, until one succeeds.',
};
export type PaceState = keyof typeof PACE_STATES;

export interface Pace {
  state: PaceState;
  /** Deliveries a second that the receiver currently seems to accept; `null` unless the state is SLOWED. */
  perSecond: number | null;
  /**
   * Three quarters (CEILING) of the rate, in deliveries a second, at which the receiver last asked to slow down or failed; `null` when
   * unknown. Close to it, `perSecond` grows slowly.
   */
  ceiling: number | null;
  /** No delivery starts before this time. */
  resumeAtMs: number;
  /** When the receiver last asked to slow down; `null` when it never did. */
  throttledAtMs: number | null;
  /**
   * Number of times that ordinary deliveries were stopped (the circuit opened) or a probe failed. Reset after the receiver has worked for a
   * minute (FORGIVEN_MS).
   */
  failures: number;
  sinceMs: number;
  changedAtMs: number;
  limit: RateLimit | null;
}

/** The combined result of attempts that are recorded in one batch. */
export interface PaceOutcome {
  /** The longest delay that the receiver asked for, in milliseconds; `null` when it asked for none. */
  slowMs: number | null;
  /**
   * Whether to stop ordinary deliveries and only probe the receiver with single deliveries, because CIRCUIT_FAILURES attempts in a row or a
   * probe failed.
   */
  opens: boolean;
  /** Whether one of the attempts was a probe: a single delivery to a receiver that keeps failing. */
  probed?: boolean;
  delivered: number;
}

export function mergePaceOutcomes(one: PaceOutcome | undefined, other: PaceOutcome): PaceOutcome {
  if (one === undefined) return other;
  const slowMs = one.slowMs === null || other.slowMs === null ? (one.slowMs ?? other.slowMs) : Math.max(one.slowMs, other.slowMs);
  const probed = one.probed || other.probed;
  return { slowMs, opens: one.opens || other.opens, ...(probed && { probed }), delivered: one.delivered + other.delivered };
}

/**
 * Number of consecutive failures of a subscription in one worker that open its circuit: ordinary deliveries stop, and single ones probe the
 * receiver. Failures of deliveries claimed before the circuit opened are recorded, but don't count towards disabling the subscription.
 */
export const CIRCUIT_FAILURES = 5;
/**
 * Milliseconds between probes (single deliveries to a receiver that keeps failing). Each pause is twice the previous pause, from `first` up
 * to `last`.
 */
const PROBE_PAUSES_MS = { first: 1_000, last: 25_000 };
/** Milliseconds: bounds for the delay that a receiver asks for, and the delay (`usual`) for a receiver that asks for no specific delay. */
export const SLOW_DOWN_MS = { least: 1_000, usual: 5_000, most: 60 * 60_000 };

/**
 * Deliveries a second at which a subscription resumes: after the receiver asked to slow down (`throttled`), and after other failures
 * (`failed`).
 */
const START_PER_SECOND = { throttled: 1, failed: 5 };
const LEAST_PER_SECOND = 0.1;
/** Rate, in deliveries a second, at which a slowed subscription counts as running at full speed again. */
const FULL_PER_SECOND = 200;
/**
 * Factor by which the rate grows each second while `ceiling` is `null`: no rate is known to be too high for the receiver. The keys are
 * those of START_PER_SECOND.
 */
const GROWTH = { throttled: 1.5, failed: 2 };
/**
 * Below this share of a known `ceiling`, the rate grows by a tenth a second, but at least by one delivery a second (ADDED). Above this
 * share, the rate first stays constant for as long as the receiver last asked to wait, within HOLD_MS; then it grows by one percent of the
 * ceiling a second (CREEP).
 */
const NEAR_CEILING = 0.8;
const ADDED = { least: 1, part: 0.1 };
const CREEP = 0.01;
const HOLD_MS = { least: 10_000, most: 10 * 60_000 };
const DECREASE = 0.5;
/** The ceiling as a share of the rate that was too high. The receiver's real limit lies between this rate and its half (DECREASE). */
const CEILING = 0.75;
/**
 * Milliseconds without a failure after which a subscription's count of `failures` is reset, so that the pauses between probes are short
 * again.
 */
const FORGIVEN_MS = 60_000;
/** Milliseconds without a request to slow down after which the subscription runs at full speed again. */
const FORGOTTEN_MS = 24 * 60 * 60_000;
/** Maximum number of requests in progress at once in the state SLOWED. */
const SLOWED_CONCURRENCY = 100;

export const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

export const probePauseMs = (failures: number): number =>
  Math.min(PROBE_PAUSES_MS.first * 2 ** Math.max(0, Math.min(failures - 1, 20)), PROBE_PAUSES_MS.last);

/** Returns the pace of a subscription that is enabled again after a rule disabled it: it resumes slowly. */
export function paceAfterDisabled(pace: Pace | null, limit: RateLimit | null, nowMs: number): Pace {
  const perSecond = Math.min(pace?.perSecond ?? START_PER_SECOND.failed, START_PER_SECOND.failed);
  const before = pace ?? fresh(limit, nowMs);
  return {
    ...before,
    state: 'SLOWED',
    perSecond,
    resumeAtMs: Math.max(before.resumeAtMs, nowMs),
    failures: 0,
    sinceMs: nowMs,
    changedAtMs: nowMs,
  };
}

export const limited = (limit: RateLimit, nowMs: number): Pace => fresh(limit, nowMs);

const fresh = (limit: RateLimit | null, nowMs: number): Pace => ({
  state: 'LIMITED',
  perSecond: null,
  ceiling: null,
  resumeAtMs: nowMs,
  throttledAtMs: null,
  failures: 0,
  sinceMs: nowMs,
  changedAtMs: nowMs,
  limit,
});

/** Returns the pace of a subscription after these attempts; `null` for full speed. */
export function nextPace(pace: Pace | null, outcome: PaceOutcome, nowMs: number): Pace | null {
  if (outcome.slowMs !== null) return slowed(pace ?? fresh(null, nowMs), outcome.slowMs, nowMs);
  // While single deliveries probe the receiver, the failure of a delivery that was claimed before the probing changes nothing.
  if (outcome.opens) return pace?.state === 'PROBING' && !outcome.probed ? pace : opened(pace ?? fresh(null, nowMs), nowMs);
  if (pace === null || outcome.delivered === 0)
    return pace?.state === 'PROBING' ? { ...pace, resumeAtMs: nowMs + PROBE_PAUSES_MS.first } : pace;
  if (pace.state === 'PROBING') return recovering(pace, nowMs);
  return pace.state === 'SLOWED' ? grown(pace, nowMs) : pace;
}

function slowed(pace: Pace, slowMs: number, nowMs: number): Pace {
  const resumeAtMs = Math.max(pace.resumeAtMs, nowMs + clamp(slowMs, SLOW_DOWN_MS.least, SLOW_DOWN_MS.most));
  // Attempts in progress at the first request to slow down often get the same reply; the rate is decreased once for all of them.
  if (pace.throttledAtMs !== null && nowMs < pace.resumeAtMs) return { ...pace, resumeAtMs };
  const known = pace.state === 'SLOWED' ? pace.perSecond : null;
  return {
    ...pace,
    state: 'SLOWED',
    perSecond: known === null ? START_PER_SECOND.throttled : Math.max(known * DECREASE, LEAST_PER_SECOND),
    ceiling: known === null ? pace.ceiling : Math.max(known * CEILING, LEAST_PER_SECOND),
    resumeAtMs,
    throttledAtMs: nowMs,
    sinceMs: pace.state === 'SLOWED' ? pace.sinceMs : nowMs,
    changedAtMs: resumeAtMs,
  };
}

function opened(pace: Pace, nowMs: number): Pace {
  const failures = pace.failures + 1;
  return {
    ...pace,
    state: 'PROBING',
    failures,
    ceiling: pace.state === 'SLOWED' && pace.perSecond !== null ? Math.max(pace.perSecond * CEILING, LEAST_PER_SECOND) : pace.ceiling,
    perSecond: null,
    resumeAtMs: nowMs + probePauseMs(failures),
    sinceMs: pace.state === 'PROBING' ? pace.sinceMs : nowMs,
    changedAtMs: nowMs,
  };
}

function recovering(pace: Pace, nowMs: number): Pace {
  return { ...pace, state: 'SLOWED', perSecond: START_PER_SECOND.failed, resumeAtMs: nowMs, sinceMs: nowMs, changedAtMs: nowMs };
}

function grown(pace: Pace, nowMs: number): Pace | null {
  const { perSecond, ceiling, throttledAtMs } = pace as Pace & { perSecond: number };
  const seconds = clamp((nowMs - pace.changedAtMs) / 1000, 0, 1);
  if (seconds <= 0) return pace;
  const next = perSecondAfter(pace, perSecond, seconds, nowMs);
  const failures = nowMs - pace.sinceMs > FORGIVEN_MS ? 0 : pace.failures;
  const isForgotten = throttledAtMs !== null && nowMs - throttledAtMs > FORGOTTEN_MS;
  if (next < FULL_PER_SECOND && !isForgotten)
    return { ...pace, perSecond: next, ceiling: ceiling !== null && next > ceiling * 1.25 ? null : ceiling, failures, changedAtMs: nowMs };
  return pace.limit === null ? null : { ...fresh(pace.limit, nowMs), failures };
}

function perSecondAfter({ ceiling, throttledAtMs, resumeAtMs }: Pace, perSecond: number, seconds: number, nowMs: number): number {
  if (ceiling === null) return perSecond * (throttledAtMs === null ? GROWTH.failed : GROWTH.throttled) ** seconds;
  const near = ceiling * NEAR_CEILING;
  if (perSecond < near) return Math.min(near, perSecond + Math.max(ADDED.least, perSecond * ADDED.part) * seconds);
  const holdMs = clamp(throttledAtMs === null ? 0 : resumeAtMs - throttledAtMs, HOLD_MS.least, HOLD_MS.most);
  return nowMs - Math.max(resumeAtMs, throttledAtMs ?? 0) < holdMs ? perSecond : perSecond + Math.max(0.1, ceiling * CREEP) * seconds;
}

export interface Bucket {
  allowance: number;
  refilledAtMs: number;
}

const leastOf = (...limits: (number | null | undefined)[]): number | null =>
  limits.reduce<number | null>((least, limit) => (limit == null ? least : Math.min(least ?? limit, limit)), null);

/** Deliveries a second that both the pace and the owner's limit allow; `null` when unlimited. */
const effectivePerSecond = ({ perSecond, limit }: Pick<Pace, 'perSecond' | 'limit'>): number | null => leastOf(perSecond, limit?.perSecond);

export function concurrencyOf({ state, limit }: Pick<Pace, 'state' | 'limit'>): number {
  if (state === 'PROBING') return 1;
  return leastOf(state === 'SLOWED' ? SLOWED_CONCURRENCY : null, limit?.concurrency) ?? Number.POSITIVE_INFINITY;
}

/**
 * Returns how many deliveries may start now (`room`), and the tokens in the subscription's token bucket (`allowance`); each start costs a
 * token. The bucket holds at most the tokens of a tenth of a second, but at least one, so that starts are spread over the second.
 */
export function roomOf(pace: Pace, bucket: Bucket, inFlight: number, nowMs: number): { room: number; allowance: number } {
  if (nowMs < pace.resumeAtMs) return { room: 0, allowance: Math.min(bucket.allowance, 1) };
  const places = concurrencyOf(pace) - inFlight;
  const perSecond = pace.state === 'PROBING' ? null : effectivePerSecond(pace);
  if (perSecond === null) return { room: Math.max(0, places), allowance: bucket.allowance };
  const seconds = Math.max(0, nowMs - Math.max(bucket.refilledAtMs, pace.resumeAtMs)) / 1000;
  const allowance = Math.min(bucket.allowance + seconds * perSecond, Math.max(1, perSecond / 10));
  return { room: Math.max(0, Math.min(Math.floor(allowance), places)), allowance };
}
