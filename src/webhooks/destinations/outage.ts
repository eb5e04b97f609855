// Logs the start and the end of an outage of this installation's network, and decides when the affected deliveries are retried.
import type { Logger } from '../../runtime/logger.js';
import type { NetworkEvidence } from '../base/network/evidence.js';
import type { EgressFailed } from '../base/network/guard.js';

export interface Outage {
  /** Records a delivery that failed because of this installation's network. Returns the milliseconds until its retry. */
  postpone(delivery: { id: string; subscriptionId: string }, error: EgressFailed): number;
  close(): void;
}

/** Minimum and maximum number of milliseconds until a delivery that failed because of the outage is retried. */
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 30_000;
/** Milliseconds between the first failure and the warning, so that the warning counts all deliveries that fail at about the same time. */
const GATHER_MS = 1_000;
/** Milliseconds between two checks of whether the outage has ended. */
const CHECK_MS = 1_000;
/**
 * An outage ends when no delivery has failed because of it for this many milliseconds, and a connection has succeeded since the last
 * failure.
 */
const QUIET_MS = 3_000;
/**
 * An outage also ends when no delivery has failed for this many milliseconds: perhaps no delivery is left that could show whether the
 * network works.
 */
const MAX_QUIET_MS = 3 * MAX_PAUSE_MS;
const MAX_IDS = 10;

interface Ongoing {
  cause: string;
  sinceMs: number;
  lastMs: number;
  postponed: number;
  deliveryIds: Set<string>;
  subscriptionIds: Set<string>;
  /** The last failure. The outage ends when what failed then (a DNS lookup or a connection) succeeds for any receiver. */
  last: EgressFailed;
}

/** Returns the milliseconds until a retry: half of the time that the outage has lasted, within the limits above. */
export function pauseMs(outageMs: number): number {
  return Math.min(Math.max(outageMs / 2, MIN_PAUSE_MS), MAX_PAUSE_MS);
}

export function watchOutages(log: Logger, evidence: NetworkEvidence, now: () => number = () => performance.now()): Outage {
  let ongoing: Ongoing | null = null;
  let warnTimer: NodeJS.Timeout | undefined;
  let checkTimer: NodeJS.Timeout | undefined;

  function begin(error: EgressFailed): Ongoing {
    const started = {
      cause: error.message,
      sinceMs: now(),
      lastMs: now(),
      postponed: 0,
      deliveryIds: new Set<string>(),
      subscriptionIds: new Set<string>(),
      last: error,
    };
    ongoing = started;
    warnTimer = setTimeout(() => warn(started), GATHER_MS);
    checkTimer = setInterval(checkEnd, CHECK_MS);
    return started;
  }

  function warn({ cause, postponed, deliveryIds, subscriptionIds }: Ongoing): void {
    const fields = { cause, deliveries: postponed, deliveryIds: [...deliveryIds], subscriptionIds: [...subscriptionIds] };
    log.warn(fields, "outage of this installation's network: deliveries are retried without counting attempts until it ends");
  }

  function checkEnd(): void {
    if (ongoing === null) return;
    const { cause, sinceMs, lastMs, postponed, last } = ongoing;
    const quietMs = now() - lastMs;
    const works = quietMs >= QUIET_MS && evidence.hasWorkedSince(last.failure ?? { step: 'CONNECT', host: '' }, lastMs);
    if (!works && quietMs < MAX_QUIET_MS) return;
    end();
    log.info({ cause, lastedMs: Math.round(lastMs - sinceMs), deliveries: postponed }, "outage of this installation's network is over");
  }

  function end(): void {
    ongoing = null;
    clearTimeout(warnTimer);
    clearInterval(checkTimer);
  }

  return {
    postpone({ id, subscriptionId }, error) {
      const outage = ongoing ?? begin(error);
      outage.postponed += 1;
      outage.lastMs = now();
      outage.last = error;
      if (outage.deliveryIds.size < MAX_IDS) outage.deliveryIds.add(id);
      if (outage.subscriptionIds.size < MAX_IDS) outage.subscriptionIds.add(subscriptionId);
      return pauseMs(now() - outage.sinceMs);
    },
    close: end,
  };
}
