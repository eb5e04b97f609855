// Logs the start and the end of an outage of this installation's network, and decides when the affected deliveries are retried.
import type { Logger } from '../../runtime/logger.js';
import type { NetworkEvidence } from '../base/network/evidence.js';
import type { EgressFailed } from '../base/network/guard.js';

export interface Outage {
  /** Records a delivery that failed because of this installation's network. Returns the milliseconds until its retry. */
  putBack(delivery: { id: string; subscriptionId: string }, error: EgressFailed): number;
  close(): void;
}

/** Minimum and maximum number of milliseconds until a delivery is retried. */
const LEAST_PAUSE_MS = 2_000;
const MOST_PAUSE_MS = 30_000;
/** Milliseconds between the first failure and the warning, so that the warning counts all deliveries that fail at about the same time. */
const GATHER_MS = 1_000;
/** Milliseconds between two checks of whether the outage has ended. */
const LOOK_MS = 1_000;
/** An outage ends when no connection has failed for this many milliseconds, and a connection has succeeded since the last failure. */
const QUIET_MS = 3_000;
/** An outage also ends when no delivery has failed for this many milliseconds: no delivery may be left that could succeed and so end it. */
const FORGOTTEN_MS = 3 * MOST_PAUSE_MS;
const MOST_IDS = 10;

interface Known {
  cause: string;
  sinceMs: number;
  lastMs: number;
  putBack: number;
  deliveryIds: Set<string>;
  subscriptionIds: Set<string>;
  /** The last failure. The outage ends when its step (DNS lookup or connection) succeeds for any receiver. */
  last: EgressFailed;
}

/** Returns the milliseconds until a retry: half of the time that the outage has lasted, within the limits above. */
export function pauseMs(outageMs: number): number {
  return Math.min(Math.max(outageMs / 2, LEAST_PAUSE_MS), MOST_PAUSE_MS);
}

export function watchOutages(log: Logger, evidence: NetworkEvidence, now: () => number = Date.now): Outage {
  let known: Known | null = null;
  let warning: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;

  function begin(error: EgressFailed): Known {
    const begun = {
      cause: error.message,
      sinceMs: now(),
      lastMs: now(),
      putBack: 0,
      deliveryIds: new Set<string>(),
      subscriptionIds: new Set<string>(),
      last: error,
    };
    known = begun;
    warning = setTimeout(() => warn(begun), GATHER_MS);
    looking = setInterval(look, LOOK_MS);
    return begun;
  }

  function warn({ cause, putBack, deliveryIds, subscriptionIds }: Known): void {
    const fields = { cause, deliveries: putBack, deliveryIds: [...deliveryIds], subscriptionIds: [...subscriptionIds] };
    log.warn(fields, "outage of this installation's network: deliveries are retried without counting attempts until it ends");
  }

  function look(): void {
    if (known === null) return;
    const { cause, sinceMs, lastMs, putBack, last } = known;
    const quietMs = now() - lastMs;
    const works = quietMs >= QUIET_MS && evidence.hasWorkedSince(last.failure ?? { step: 'CONNECT', host: '' }, lastMs);
    if (!works && quietMs < FORGOTTEN_MS) return;
    end();
    log.info({ cause, lastedMs: lastMs - sinceMs, deliveries: putBack }, "outage of this installation's network is over");
  }

  function end(): void {
    known = null;
    clearTimeout(warning);
    clearInterval(looking);
  }

  return {
    putBack({ id, subscriptionId }, error) {
      const outage = known ?? begin(error);
      outage.putBack += 1;
      outage.lastMs = now();
      outage.last = error;
      if (outage.deliveryIds.size < MOST_IDS) outage.deliveryIds.add(id);
      if (outage.subscriptionIds.size < MOST_IDS) outage.subscriptionIds.add(subscriptionId);
      return pauseMs(now() - outage.sinceMs);
    },
    close: end,
  };
}
