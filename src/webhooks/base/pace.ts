// Decides how fast a subscription's deliveries may begin: from what came of the last ones and the clock. Pure.

/** What its owner allows. */
export interface RateLimit {
  perSecond: number | null;
  /** Requests under way at once, over all workers. */
  concurrency: number | null;
}

export const PACE_STATES = {
  LIMITED: "The owner's rate limit holds, and nothing else.",
  SLOWED: 'The receiver asked to slow down, or works again after failures: the pace that it takes is being found.',
  PROBING: 'The receiver fails again and again: one delivery at a time is tried, with growing pauses.',
};
export type PaceState = keyof typeof PACE_STATES;

export interface Pace {
  state: PaceState;
  /** Deliveries a second, found by trying; `null`: only the limit counts. */
  perSecond: number | null;
  /** What was too much the last time. */
  ceiling: number | null;
  /** Nothing begins before. */
  resumeAtMs: number;
  /** When the receiver asked for less the last time. */
  toldAtMs: number | null;
  /** Failed probes since it worked for a minute. */
  failures: number;
  sinceMs: number;
  changedAtMs: number;
  limit: RateLimit | null;
}

/** What came of attempts that were recorded together. */
export interface PaceOutcome {
  /** The longest wait that the receiver asked for; `null`: it asked for none. */
  slowMs: number | null;
  /** Its failures in a row have reached CIRCUIT_FAILURES, or a probe failed. */
  opens: boolean;
  /** One of them was a probe. */
  probed?: boolean;
  delivered: number;
}

export function mergePaceOutcomes(one: PaceOutcome | undefined, other: PaceOutcome): PaceOutcome {
  if (one === undefined) return other;
  const slowMs = one.slowMs === null || other.slowMs === null ? (one.slowMs ?? other.slowMs) : Math.max(one.slowMs, other.slowMs);
  const probed = one.probed || other.probed;
  return { slowMs, opens: one.opens || other.opens, ...(probed && { probed }), delivered: one.delivered + other.delivered };
}

/** Failures in a row, in one worker, that open the circuit. Those of the same moment that end later are recorded and not counted. */
export const CIRCUIT_FAILURES = 5;
/** Pauses between probes: doubled from the first to the last. */
const PROBE_PAUSES_MS = { first: 1_000, last: 25_000 };
/** A probe that nobody settles is followed by another. */
export const PROBE_LOST_MS = 20_000;
/** What is heeded of a receiver's wish to wait. */
export const SLOW_DOWN_MS = { least: 1_000, usual: 5_000, most: 60 * 60_000 };

/** Where the pace begins: after the receiver asked for less, and after it failed or was switched off. */
const START_PER_SECOND = { told: 1, failed: 5 };
const LEAST_PER_SECOND = 0.1;
/** Beyond it, the subscription isn't slowed any more. */
const FULL_PER_SECOND = 200;
/** A second without trouble multiplies the pace by this while no ceiling is known. */
const GROWTH = { told: 1.5, failed: 2 };
/** Below so much of a known ceiling it grows by at least one a second; from there it stays for as long as it last had to wait. */
const NEAR_CEILING = 0.8;
const ADDED = { least: 1, part: 0.1 };
const CREEP = 0.01;
const HOLD_MS = { least: 10_000, most: 10 * 60_000 };
const DECREASE = 0.5;
/** The true limit lies between the pace that failed and the one before. */
const CEILING = 0.75;
/** A receiver that worked for so long is forgiven its failed probes. */
const FORGIVEN_MS = 60_000;
/** A receiver that has asked for nothing for so long isn't slowed any more. */
const FORGOTTEN_MS = 24 * 60 * 60_000;
/** Under way at once while the pace is being found. */
const SLOWED_CONCURRENCY = 100;

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

export const probePauseMs = (failures: number): number =>
  Math.min(PROBE_PAUSES_MS.first * 2 ** Math.max(0, Math.min(failures - 1, 20)), PROBE_PAUSES_MS.last);

/** The pace that a subscription begins with when it is switched on again after a rule switched it off. */
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
  toldAtMs: null,
  failures: 0,
  sinceMs: nowMs,
  changedAtMs: nowMs,
  limit,
});

/** The pace after these attempts; `null`: full speed. */
export function nextPace(pace: Pace | null, outcome: PaceOutcome, nowMs: number): Pace | null {
  if (outcome.slowMs !== null) return slowed(pace ?? fresh(null, nowMs), outcome.slowMs, nowMs);
  // Another worker opened it: what was under way here says the same.
  if (outcome.opens) return pace?.state === 'PROBING' && !outcome.probed ? pace : opened(pace ?? fresh(null, nowMs), nowMs);
  if (pace === null || outcome.delivered === 0)
    return pace?.state === 'PROBING' ? { ...pace, resumeAtMs: nowMs + PROBE_PAUSES_MS.first } : pace;
  if (pace.state === 'PROBING') return recovering(pace, nowMs);
  return pace.state === 'SLOWED' ? grown(pace, nowMs) : pace;
}

function slowed(pace: Pace, slowMs: number, nowMs: number): Pace {
  const resumeAtMs = Math.max(pace.resumeAtMs, nowMs + clamp(slowMs, SLOW_DOWN_MS.least, SLOW_DOWN_MS.most));
  // Those that were under way when it said so say it again: one decrease for all of them.
  if (pace.toldAtMs !== null && nowMs < pace.resumeAtMs) return { ...pace, resumeAtMs };
  const known = pace.state === 'SLOWED' ? pace.perSecond : null;
  return {
    ...pace,
    state: 'SLOWED',
    perSecond: known === null ? START_PER_SECOND.told : Math.max(known * DECREASE, LEAST_PER_SECOND),
    ceiling: known === null ? pace.ceiling : Math.max(known * CEILING, LEAST_PER_SECOND),
    resumeAtMs,
    toldAtMs: nowMs,
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
  const { perSecond, ceiling, toldAtMs } = pace as Pace & { perSecond: number };
  const seconds = clamp((nowMs - pace.changedAtMs) / 1000, 0, 1);
  if (seconds <= 0) return pace;
  const next = perSecondAfter(pace, perSecond, seconds, nowMs);
  const failures = nowMs - pace.sinceMs > FORGIVEN_MS ? 0 : pace.failures;
  const isForgotten = toldAtMs !== null && nowMs - toldAtMs > FORGOTTEN_MS;
  if (next < FULL_PER_SECOND && !isForgotten)
    return { ...pace, perSecond: next, ceiling: ceiling !== null && next > ceiling * 1.25 ? null : ceiling, failures, changedAtMs: nowMs };
  return pace.limit === null ? null : { ...fresh(pace.limit, nowMs), failures };
}

function perSecondAfter({ ceiling, toldAtMs, resumeAtMs }: Pace, perSecond: number, seconds: number, nowMs: number): number {
  if (ceiling === null) return perSecond * (toldAtMs === null ? GROWTH.failed : GROWTH.told) ** seconds;
  const near = ceiling * NEAR_CEILING;
  if (perSecond < near) return Math.min(near, perSecond + Math.max(ADDED.least, perSecond * ADDED.part) * seconds);
  const holdMs = clamp(toldAtMs === null ? 0 : resumeAtMs - toldAtMs, HOLD_MS.least, HOLD_MS.most);
  return nowMs - Math.max(resumeAtMs, toldAtMs ?? 0) < holdMs ? perSecond : perSecond + Math.max(0.1, ceiling * CREEP) * seconds;
}

export interface Bucket {
  allowance: number;
  refilledAtMs: number;
}

const leastOf = (...limits: (number | null | undefined)[]): number | null =>
  limits.reduce<number | null>((least, limit) => (limit == null ? least : Math.min(least ?? limit, limit)), null);

/** What may begin at once under both the pace and the limit; `null`: any number a second. */
const effectivePerSecond = ({ perSecond, limit }: Pick<Pace, 'perSecond' | 'limit'>): number | null => leastOf(perSecond, limit?.perSecond);

export function concurrencyOf({ state, limit }: Pick<Pace, 'state' | 'limit'>): number {
  if (state === 'PROBING') return 1;
  return leastOf(state === 'SLOWED' ? SLOWED_CONCURRENCY : null, limit?.concurrency) ?? Number.POSITIVE_INFINITY;
}

/** How many may begin now. The bucket holds a tenth of a second's worth, or one: what begins is spread over the second. */
export function roomOf(pace: Pace, bucket: Bucket, inFlight: number, nowMs: number): { room: number; allowance: number } {
  if (nowMs < pace.resumeAtMs) return { room: 0, allowance: Math.min(bucket.allowance, 1) };
  const places = concurrencyOf(pace) - inFlight;
  const perSecond = pace.state === 'PROBING' ? null : effectivePerSecond(pace);
  if (perSecond === null) return { room: Math.max(0, places), allowance: bucket.allowance };
  const seconds = Math.max(0, nowMs - Math.max(bucket.refilledAtMs, pace.resumeAtMs)) / 1000;
  const allowance = Math.min(bucket.allowance + seconds * perSecond, Math.max(1, perSecond / 10));
  return { room: Math.max(0, Math.min(Math.floor(allowance), places)), allowance };
}
