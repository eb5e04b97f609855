// Defines the deadlines and limits of deliveries, checks configured values, and computes the values that follow from them.
import { WebhooksError } from './errors.js';

/** The limits that an installation can configure. Times are in milliseconds. */
export interface Limits {
  /** A whole exchange with a receiver: name lookup, connection, request and response. */
  requestMs: number;
  /**
   * Name lookup, TCP connection, proxy tunnel and TLS together. Less than `requestMs`, so that a failed connection is reported as such and
   * not as a timeout of the receiver. Default: nine tenths of `requestMs`.
   */
  connectMs: number;
  /** Time for the SQL statements of one stored query, without the wait for a connection. */
  queryMs: number;
  /** Maximum number of deliveries in progress in one worker. */
  inProgress: number;
  /** Maximum number of deliveries of one subscription in progress in one worker. Default: 300, or `inProgress` where that is less. */
  perSubscription: number;
  /** Maximum number of concurrent requests of one process to one origin. Each is a connection over HTTP/1.1. */
  perOrigin: number;
}

export interface Deadlines extends Limits {
  /** Time for the whole execution of a stored query, including its wait for a connection. */
  queryDeadlineMs: number;
  /** Length of a lease. */
  leaseMs: number;
  /** Another probe of a stopped receiver starts after this time if the result of the last probe was never recorded. */
  probeLostMs: number;
  /**
   * Maximum number of deliveries to one origin in progress in one worker. More than `perOrigin`, so that the next deliveries are prepared
   * when a request ends.
   */
  perHost: number;
}

/** The minimum, maximum, default and environment variable of each limit. */
export const BOUNDS: Record<keyof Limits, { least: number; most: number; usual: number; variable: string }> = {
  requestMs: { least: 100, most: 60_000, usual: 5_000, variable: 'HOOKGRAPH_REQUEST_TIMEOUT_MS' },
  connectMs: { least: 50, most: 60_000, usual: 4_500, variable: 'HOOKGRAPH_CONNECT_TIMEOUT_MS' },
  queryMs: { least: 1, most: 60_000, usual: 5_000, variable: 'HOOKGRAPH_QUERY_TIMEOUT_MS' },
  inProgress: { least: 1, most: 100_000, usual: 3_000, variable: 'HOOKGRAPH_MAX_IN_PROGRESS' },
  perSubscription: { least: 1, most: 100_000, usual: 300, variable: 'HOOKGRAPH_MAX_PER_SUBSCRIPTION' },
  perOrigin: { least: 1, most: 10_000, usual: 200, variable: 'HOOKGRAPH_MAX_PER_ORIGIN' },
};

/**
 * Age in milliseconds up to which a claim lets its attempt begin; an older claim must be renewed first. An operation that disables a
 * subscription waits until each of its claims has ended or reached this age; after that no attempt begins.
 */
export const BEGIN_WITHIN_MS = 2_000;
/** Milliseconds that a stored query waits for its tenant's share of connections; then its delivery is put back. */
export const QUERY_WAIT_MS = 3_000;
/** Milliseconds after which a rendering in the slow queue is given up. */
export const RENDER_WAIT_MS = 5_000;
/** Milliseconds reserved for recording the result of an attempt. */
const RECORD_MS = 3_000;
/** Milliseconds that a lease lasts longer than a probe of a stopped receiver. */
const PROBE_MARGIN_MS = 5_000;
/**
 * The shortest lease in milliseconds. Processes that are configured differently share the queue, so how old a claim is at most must
 * follow from its lease alone: see lease/lease-freshness.ts.
 */
export const LEAST_LEASE_MS = 15_000;

/**
 * Length of a lease in milliseconds: an attempt that begins in time reaches its own deadlines before its lease ends. The lease is
 * renewed between building the payload and sending the request, so the longer of these two steps counts.
 */
export function leaseMsOf({ requestMs, queryMs }: Pick<Limits, 'requestMs' | 'queryMs'>): number {
  const payloadMs = QUERY_WAIT_MS + queryMs + RENDER_WAIT_MS;
  const exchangeMs = requestMs + RENDER_WAIT_MS + RECORD_MS;
  return Math.max(LEAST_LEASE_MS, BEGIN_WITHIN_MS + Math.max(payloadMs, exchangeMs));
}

/**
 * Completes the configured limits.
 * @throws WebhooksError LIMITS_INVALID with everything that is wrong with them
 */
export function deadlinesOf(configured: Partial<Limits> = {}): Deadlines {
  const given: Partial<Limits> = Object.fromEntries(Object.entries(configured).filter(([, value]) => value !== undefined));
  const requestMs = given.requestMs ?? BOUNDS.requestMs.usual;
  const inProgress = given.inProgress ?? BOUNDS.inProgress.usual;
  const limits: Limits = {
    requestMs,
    connectMs: Math.floor(requestMs * 0.9),
    queryMs: BOUNDS.queryMs.usual,
    inProgress,
    perSubscription: Math.min(BOUNDS.perSubscription.usual, inProgress),
    perOrigin: BOUNDS.perOrigin.usual,
    ...given,
  };
  const problems = problemsOf(limits);
  if (problems.length > 0)
    throw new WebhooksError(
      'LIMITS_INVALID',
      `The limits of deliveries can't be used: ${problems.join('; ')}.`,
      'Change the variables, or `settings.limits` of createHookgraph(); `hookgraph config` prints the values in force.',
    );
  const leaseMs = leaseMsOf(limits);
  return {
    ...limits,
    queryDeadlineMs: limits.queryMs + QUERY_WAIT_MS,
    leaseMs,
    probeLostMs: leaseMs + PROBE_MARGIN_MS,
    perHost: Math.ceil(limits.perOrigin * 1.5),
  };
}

function problemsOf(limits: Limits): string[] {
  const nameOf = (name: keyof Limits) => `${name} (${BOUNDS[name].variable}) is ${limits[name]}`;
  const outside = (Object.keys(BOUNDS) as (keyof Limits)[]).flatMap((name) => {
    const { least, most } = BOUNDS[name];
    const value = limits[name];
    return Number.isInteger(value) && value >= least && value <= most
      ? []
      : [`${nameOf(name)}, but must be a whole number from ${least} to ${most}`];
  });
  if (outside.length > 0) return outside;
  return [
    ...(limits.connectMs < limits.requestMs
      ? []
      : [`${nameOf('connectMs')}, but must be less than requestMs (${BOUNDS.requestMs.variable}), which is ${limits.requestMs}`]),
    ...(limits.perSubscription <= limits.inProgress
      ? []
      : [`${nameOf('perSubscription')}, but must be at most inProgress (${BOUNDS.inProgress.variable}), which is ${limits.inProgress}`]),
  ];
}

/** The deadlines of an installation that configures nothing. */
export const DEFAULT_DEADLINES: Deadlines = deadlinesOf();
