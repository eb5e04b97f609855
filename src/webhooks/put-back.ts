// Puts a delivery back into the queue, without charging an attempt, when its attempt ended by a fault of this installation.

import { logFailure } from '../runtime/failure-log.js';
import { NoSlotError } from '../runtime/fair-share.js';
import type { Engine } from './base/engine.js';
import { HostFailed } from './base/errors.js';
import { EgressFailed } from './base/network/guard.js';
import { hastenDeliveries } from './base/store/delivery-moves.js';
import { OPERATOR, SLOW } from './base/store/delivery-state.js';
import { TemplateError } from './base/templates/template.js';
import { NoRoomForBody } from './bytes-in-flight.js';
import { watchOutages } from './destinations/outage.js';
import type { DeliveryInHand } from './lease/claim.js';
import type { Drain } from './lease/drain.js';
import { type DeliveryResult, resultOf } from './verdict/attempt-result.js';

/** Milliseconds until the retry of a delivery that waited too long for a render process or for a connection of its tenant. */
const BUSY_MS = 5000;
/** Milliseconds until the retry of a delivery whose body didn't fit beside those under way. */
const NO_ROOM_MS = 1000;
/** Milliseconds of the first pause after a fault of the host or of Hookgraph. delivery-state.sql lengthens the next pauses. */
const OPERATOR_MS = 2000;
/** Milliseconds of the first pause after a stored query that exceeded its time limit. delivery-state.sql lengthens the next pauses. */
const SLOW_MS = 4000;
/**
 * If a query is too slow again after a pause of at least this many milliseconds, the load of this installation no longer counts as the
 * cause, and the delivery is held. All pauses up to this one take 7 to 15 minutes.
 */
const SLOW_ENDS_MS = 240_000;
/** Minimum number of milliseconds between two times at which a subscription's deliveries that wait for the operator are made due. */
const HASTEN_EVERY_MS = 5000;
/** Milliseconds after which a fault of the host counts as ended: twice the longest pause of a delivery that waits for the operator. */
const FAULT_ENDS_MS = 600_000;

export interface PutBack {
  /** Returns the result that puts the delivery back. Logs and measures the error. */
  of(delivery: DeliveryInHand, error: unknown): DeliveryResult;
  /**
   * Call it after an attempt. If the query exceeded its time limit, returns the result that puts the delivery back; `null` if that happened
   * too often, so that the query is at fault. Otherwise returns `null` and, if the delivery had waited for the operator, makes due the
   * other deliveries of the subscription that wait for the operator.
   */
  after(delivery: DeliveryInHand, ended: { isLate?: boolean; attempt: { message: string | null } }): DeliveryResult | null;
  close(): void;
}

/** The functions of the drain by which it claims less of a subscription. */
export type Claiming = Pick<Drain, 'rest' | 'noteQuery' | 'noteCost' | 'noteAnswer'>;

/** @param drain returns the drain that claims the deliveries */
export function createPutBack(engine: Engine, drain: () => Claiming): PutBack {
  const outage = watchOutages(engine.log, engine.guard.evidence);

  function of(delivery: DeliveryInHand, error: unknown): DeliveryResult {
    if (error instanceof EgressFailed) {
      const waitMs = outage.postpone(delivery, error);
      engine.meter.putBack('NETWORK');
      drain().rest(delivery.subscriptionId, waitMs);
      return resultOf(delivery, { putBackMs: waitMs });
    }
    // Any TemplateError here is `busy`: no render process was free in time.
    if (error instanceof TemplateError) {
      engine.meter.putBack('RENDERER');
      engine.log.debug({ deliveryId: delivery.id }, 'no render process is free for a template; retrying');
      return resultOf(delivery, { putBackMs: BUSY_MS });
    }
    if (error instanceof NoRoomForBody) {
      engine.meter.putBack('BODIES');
      return resultOf(delivery, { putBackMs: NO_ROOM_MS });
    }
    const { id: deliveryId, subscriptionId } = delivery;
    const isOfHost = error instanceof HostFailed;
    engine.meter.putBack(isOfHost ? 'HOST' : 'INTERNAL');
    if (isOfHost && error.cause instanceof NoSlotError) {
      drain().noteQuery(subscriptionId, true);
      logFailure(engine.log, error, 'no connection is free for a stored query; retrying', { level: 'warn', deliveryId, subscriptionId });
      return resultOf(delivery, { putBackMs: BUSY_MS });
    }
    logFailure(engine.log, error, isOfHost ? HOST_FAILED : 'internal error while delivering; the delivery will be retried', {
      everyMs: FAULT_ENDS_MS,
      cause: causeOf(error),
      deliveryId,
      subscriptionId,
    });
    return resultOf(delivery, { putBackMs: OPERATOR_MS, waits: OPERATOR });
  }

  const { hasten, close } = createHasten(engine);
  return {
    of,
    after(delivery, { isLate, attempt }) {
      if (isLate) return putBackLate(engine, drain(), { delivery, message: attempt.message });
      drain().noteQuery(delivery.subscriptionId, false);
      if (delivery.waitedForOperator) hasten(delivery.subscriptionId);
      return null;
    },
    close() {
      close();
      outage.close();
    },
  };
}

function putBackLate(
  { log, meter }: Engine,
  drain: Claiming,
  { delivery, message }: { delivery: DeliveryInHand; message: string | null },
): DeliveryResult | null {
  const { id: deliveryId, subscriptionId, slowPauseMs } = delivery;
  if (slowPauseMs >= SLOW_ENDS_MS) return null;
  meter.putBack('SLOW_QUERY');
  const about = { level: 'warn', everyMs: FAULT_ENDS_MS, deliveryId, subscriptionId } as const;
  logFailure(log, new Error(message ?? ''), 'a stored query is too slow; deliveries wait, uncharged, and are tried again', about);
  drain.noteQuery(subscriptionId, true);
  return resultOf(delivery, { putBackMs: SLOW_MS, waits: SLOW });
}

/** Returns functions to make due, one statement at a time until `close`, a subscription's deliveries that wait for the operator. */
function createHasten(engine: Engine) {
  const hastening = new Set<string>();
  let isClosed = false;

  async function hasten(subscriptionId: string): Promise<void> {
    hastening.add(subscriptionId);
    try {
      while (!isClosed && !(await hastenDeliveries(engine.pool, subscriptionId)));
    } catch (error) {
      logFailure(engine.log, error, 'making deliveries due failed; they are retried later', { level: 'warn', subscriptionId });
    }
    // Waits for a moment, so that a fault that comes and goes doesn't end all pauses again and again.
    setTimeout(() => hastening.delete(subscriptionId), HASTEN_EVERY_MS).unref();
  }

  return {
    hasten(subscriptionId: string): void {
      if (!hastening.has(subscriptionId)) void hasten(subscriptionId);
    },
    close(): void {
      isClosed = true;
    },
  };
}

const HOST_FAILED = 'a resolver, the database or the sign-in of the host fails; deliveries wait, uncharged, until it works again';

/** Returns the error of a delivery whose owner the host failed to look up. */
export const ownerUnread = (cause: unknown) =>
  new HostFailed(`Looking up the owner of a subscription failed: ${causeOf(cause)}`, 'The owner could not be looked up.', { cause });

/** Returns the message of the error's cause, or of the error itself if it has none. */
function causeOf(error: unknown): string {
  const cause = (error as Error | null)?.cause ?? error;
  return cause instanceof Error ? cause.message : String(cause);
}
