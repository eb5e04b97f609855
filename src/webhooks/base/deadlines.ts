// Defines the deadlines and limits of deliveries, checks configured values, and computes the values that follow from them.
import { SILENCE_MS } from '../../runtime/connections/watched-pool.js';
import { WebhooksError } from './errors.js';

/** The limits that an installation can configure. Times are in milliseconds. */
export interface Limits {
  /** Maximum time of a whole exchange with a receiver: name lookup, connection, request and response. */
  requestMs: number;
  /**
   * Maximum time for name lookup, TCP connection, proxy tunnel and TLS handshake together. Less than `requestMs`, so that a connection
   * that can't be made is not reported as a timeout of the response. Default: nine tenths of `requestMs`.
   */
  connectMs: number;
  /** Maximum total database time of all SQL statements of one stored-query execution, without the wait for a connection. */
  queryMs: number;
  /** Maximum number of deliveries in progress in one worker. A fifth more is reserved for tenants with few deliveries in progress. */
  inProgress: number;
  /** Maximum number of deliveries of one subscription in progress in one worker. Default: 300, or `inProgress` where that is less. */
  perSubscription: number;
  /**
   * Maximum number of concurrent requests of one process to one origin. A fifth more is reserved for tenants with few requests in progress.
   * Over HTTP/1.1, each request needs a connection.
   */
  perOrigin: number;
  /**
   * Time without a byte from Postgres while a statement runs. After this time, the connection is closed, unless Postgres still works on the
   * statement.
   */
  silenceMs: number;
  /** A loop that completes no iteration within its interval plus this time is stalled: `/readyz` answers 503, and a warning is logged. */
  stallMs: number;
  /** Maximum time that a worker takes to stop. Results that are not recorded by then are lost, and their deliveries are sent again. */
  stopMs: number;
  /** Maximum number of subscriptions of one tenant to one topic, including disabled ones. */
  subscriptionsPerTopic: number;
}

export interface Deadlines extends Limits {
  /** Maximum time of the whole execution of a stored query, including the wait for a connection. */
  queryDeadlineMs: number;
  /** Milliseconds for which a worker leases a delivery that it claims. After that, any worker may claim the delivery again. */
  leaseMs: number;
  /**
   * Milliseconds after which the next probe (a single delivery to a receiver that keeps failing) is sent if the result of the last one was
   * never recorded, e.g. because its worker died.
   */
  probeLostMs: number;
  /**
   * Maximum number of deliveries to one origin in progress in one worker. More than `perOrigin`, so that the payloads of the next
   * deliveries are ready when a request ends.
   */
  perHost: number;
}

/** The minimum (`least`), maximum (`most`), default (`usual`) and environment variable of each limit. */
export const BOUNDS: Record<keyof Limits, { least: number; most: number; usual: number; variable: string }> = {
  requestMs: { least: 100, most: 60_000, usual: 5_000, variable: 'HOOKGRAPH_REQUEST_TIMEOUT_MS' },
  connectMs: { least: 50, most: 60_000, usual: 4_500, variable: 'HOOKGRAPH_CONNECT_TIMEOUT_MS' },
  queryMs: { least: 1, most: 60_000, usual: 5_000, variable: 'HOOKGRAPH_QUERY_TIMEOUT_MS' },
  inProgress: { least: 1, most: 100_000, usual: 3_000, variable: 'HOOKGRAPH_MAX_IN_PROGRESS' },
  perSubscription: { least: 1, most: 100_000, usual: 300, variable: 'HOOKGRAPH_MAX_PER_SUBSCRIPTION' },
  perOrigin: { least: 1, most: 10_000, usual: 200, variable: 'HOOKGRAPH_MAX_PER_ORIGIN' },
  silenceMs: { least: 100, most: 600_000, usual: SILENCE_MS, variable: 'HOOKGRAPH_DATABASE_SILENCE_MS' },
  stallMs: { least: 100, most: 600_000, usual: 5_000, variable: 'HOOKGRAPH_LOOP_STALL_MS' },
  stopMs: { least: 100, most: 600_000, usual: 25_000, variable: 'HOOKGRAPH_STOP_TIMEOUT_MS' },
  subscriptionsPerTopic: { least: 1, most: 100_000, usual: 1_000, variable: 'HOOKGRAPH_MAX_SUBSCRIPTIONS_PER_TOPIC' },
};

/**
 * A worker may begin the attempt of a delivery within this number of milliseconds after it claimed the delivery. Later, it must renew its
 * lease first, which fails once the subscription is disabled. An operation that disables a subscription waits until each of its claimed
 * deliveries has ended, or has been claimed for this long; after that, no attempt can begin.
 */
export const BEGIN_WITHIN_MS = 2_000;
/**
 * A call of a before-hook may begin within this number of milliseconds after the hook was read from the database. Later, the hook must be
 * read again. An operation that disables a before-hook waits for this time after its commit.
 */
export const HOOK_BEGIN_MS = 500;
/** Milliseconds that a stored query waits for one of its tenant's database connections. After that the delivery returns to the queue. */
export const QUERY_WAIT_MS = 3_000;
/**
 * Milliseconds that a template waits for the process that renders slow templates one at a time. After that, rendering it fails with the
 * fault `busy`.
 */
export const RENDER_WAIT_MS = 5_000;
/** Replaces RENDER_WAIT_MS when a user saves, previews or tests a template: no delivery's lease ends during this longer wait. */
export const TRIAL_WAIT_MS = 20_000;
/** Milliseconds of a lease that are reserved for recording the result of an attempt. */
const RECORD_MS = 3_000;
/**
 * A probe is a single delivery to a receiver that keeps failing. If its result was never recorded, the next probe is sent this number of
 * milliseconds after the end of its lease.
 */
const PROBE_MARGIN_MS = 5_000;
/**
 * The shortest possible lease in milliseconds. Workers can have different settings, so a process computes the age of another worker's claim
 * from the end of the lease and this length. It never takes a claim to be older than it is.
 */
export const LEAST_LEASE_MS = 15_000;

/**
 * Returns the length of a lease in milliseconds. An attempt that begins within BEGIN_WITHIN_MS ends or times out before its lease
 * ends. The lease is renewed between building the payload and sending the request, so it must cover the longer of these two steps.
 */
export function leaseMsOf({ requestMs, queryMs }: Pick<Limits, 'requestMs' | 'queryMs'>): number {
  const payloadMs = QUERY_WAIT_MS + queryMs + RENDER_WAIT_MS;
  const exchangeMs = requestMs + RENDER_WAIT_MS + RECORD_MS;
  return Math.max(LEAST_LEASE_MS, BEGIN_WITHIN_MS + Math.max(payloadMs, exchangeMs));
}

/** The longest possible lease in milliseconds. */
export const MOST_LEASE_MS = leaseMsOf({ requestMs: BOUNDS.requestMs.most, queryMs: BOUNDS.queryMs.most });

/**
 * Adds the defaults of the limits that are not configured, and computes the deadlines that follow from the limits.
 * @throws WebhooksError LIMITS_INVALID that names all invalid limits
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
    silenceMs: BOUNDS.silenceMs.usual,
    stallMs: BOUNDS.stallMs.usual,
    stopMs: BOUNDS.stopMs.usual,
    subscriptionsPerTopic: BOUNDS.subscriptionsPerTopic.usual,
    ...given,
  };
  const problems = problemsOf(limits);
  if (problems.length > 0)
    throw new WebhooksError(
      'LIMITS_INVALID',
      `The limits of deliveries are invalid: ${problems.join('; ')}.`,
      'Change the environment variables, or `settings.limits` of createHookgraph(); `hookgraph config` prints the current values.',
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
