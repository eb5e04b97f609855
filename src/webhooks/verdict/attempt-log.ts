// Logs one line for each recorded attempt, with its ids and durations but without secrets, bodies, header values and messages.
import type { Level, Logger } from '../../runtime/logger.js';
import type { AttemptLogSettings, Engine } from '../base/engine.js';
import type { DeliveryState, Outcome } from '../base/model.js';
import { afterOnlyAttempt } from '../base/store/delivery-state.js';
import { WORKER_NAME } from '../base/store/workers.js';
import type { AttemptRecord } from './attempt-record.js';

/** The number of a recorded attempt, and the state of its delivery afterwards. */
export interface AfterAttempt {
  number: number;
  state: DeliveryState;
  /** `null` unless the state is RETRYING. */
  nextAttemptAt: Date | null;
}

export interface AttemptLine {
  level: Level;
  deliveryId: string;
  fields: object;
}

/** By default, attempts that failed or were held are logged at the level `info`, others at `debug`. */

export const USUAL_ATTEMPT_LOG: AttemptLogSettings = { level: 'info', share: 0 };

/** Returns the level of an attempt's log line; `null` when none is logged. `settings` is `null` when the host switched these lines off. */
function levelOf(log: Logger, settings: AttemptLogSettings | null, outcome: Outcome, deliveryId: string): Level | null {
  if (settings === null) return null;
  const isFailure = outcome === 'FAILED' || outcome === 'HELD';
  const level = isFailure || isSampled(deliveryId, settings.share) ? settings.level : 'debug';
  return (log.isLevelEnabled?.(level) ?? true) ? level : null;
}

/**
 * Whether the delivery is in the sample whose successful attempts are logged, too. Decides by the last four digits of its id, so that
 * either all of its attempts are logged or none.
 */
function isSampled(deliveryId: string, share: number): boolean {
  return share > 0 && Number(deliveryId.slice(-4)) < share * 10_000;
}

/**
 * Returns the log line of an attempt; `null` when it is not to be logged. The line still lacks the delivery's state after the attempt,
 * which is known once the attempt is recorded.
 */
export function lineOf(log: Logger, settings: AttemptLogSettings | null, attempt: AttemptRecord): AttemptLine | null {
  const { delivery, definition, outcome, stage, startedAt, durationMs, timings, request, response } = attempt;
  const level = levelOf(log, settings, outcome, delivery.id);
  if (level === null) return null;
  const fields = {
    deliveryId: delivery.id,
    eventId: delivery.eventId,
    replayId: delivery.replayId,
    kind: delivery.kind,
    subscriptionId: definition.subscriptionId,
    version: definition.version,
    topic: definition.topic.key,
    tenant: definition.owner.tenant,
    nodeType: delivery.typename,
    nodeKey: delivery.nodeKey,
    outcome,
    stage,
    status: response?.status ?? null,
    destination: request && withoutSecrets(request.url),
    startedAt: startedAt.toISOString(),
    durationMs: round(durationMs),
    ...Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, round(ms)])),
    worker: WORKER_NAME,
  };
  return { level, deliveryId: delivery.id, fields };
}

export function writeLine(log: Logger, { level, fields }: AttemptLine, { number, state, nextAttemptAt }: AfterAttempt): void {
  log[level]({ ...fields, number, state, nextAttemptAt: nextAttemptAt?.toISOString() ?? null }, 'attempt');
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;

/**
 * Returns the origin of a webhook URL, or an AWS ARN. Credentials, path, query and fragment of the URL may contain secrets, so they are not
 * logged.
 */
function withoutSecrets(url: string): string {
  return /^https?:/i.test(url) && URL.canParse(url) ? new URL(url).origin : url.replace(/[?#].*$/s, '');
}

/** Logs and measures an attempt that is the only one of its delivery: a test or a before-hook. */
export function reportOnlyAttempt({ log, settings, meter }: Pick<Engine, 'log' | 'settings' | 'meter'>, attempt: AttemptRecord): void {
  meter.attempt(attempt);
  const line = lineOf(log, settings.attemptLog === undefined ? USUAL_ATTEMPT_LOG : settings.attemptLog, attempt);
  if (line) writeLine(log, line, { number: 1, state: afterOnlyAttempt(attempt.outcome), nextAttemptAt: null });
}
