// Processes the deliveries that this worker has claimed: loads the batch's definitions, owners and events, waits until each delivery's
// receiver has a free slot (a limit on concurrent requests), runs the stages, and returns the results.

import { loopShare } from '../runtime/loop-share.js';
import type { Compiled } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { RowTexts, Snapshot } from './base/model.js';
import { OWNER_GONE } from './base/owner-gone.js';
import { openContext } from './base/recall.js';
import { afterAttempt, GONE, type ReplayObstacle, UNREAD } from './base/store/delivery-state.js';
import { unrecorded } from './base/store/recorded-events.js';
import { loadTraceOrigins } from './base/store/trace-origins.js';
import { isTracing, type TraceOrigin } from './base/tracing.js';
import { BytesInFlight, type Hold } from './bytes-in-flight.js';
import { createDefinitions, type Prepared } from './definitions.js';
import { OriginSlots } from './destinations/https/origin-slots.js';
import type { DeliveryInHand } from './lease/claim.js';
import type { Target } from './lease/in-flight.js';
import { mayBegin, renew, whileFresh } from './lease/lease-freshness.js';
import { createLoopBrake } from './loop-brake.js';
import { noteCost } from './note-cost.js';
import { createNumbers } from './number-notifications.js';
import { contextsFor, type OwnerContext, ownerExists } from './owner-contexts.js';
import type { PayloadSubject } from './payload/build-payload.js';
import type { PayloadSources } from './payload/find-data.js';
import { loadReplayed, type Replayed } from './payload/load-past.js';
import { type BatchEvents, loadBatchEvents, loadCurrentRows } from './payload/load-snapshots.js';
import { type Claiming, createPutBack, ownerUnread } from './put-back.js';
import type { DeliverySender } from './send-delivery.js';
import { type Ended, runStages } from './stages.js';
import { AttemptStart } from './verdict/attempt-record.js';
import { type DeliveryResult, resultOf } from './verdict/attempt-result.js';
import { Circuits } from './verdict/circuits.js';
import { markBroken } from './verdict/mark-broken.js';

/** The data that the deliveries of a batch need; loaded for the whole batch at once. */
interface Loaded {
  definitions: Map<string, Prepared>;
  contexts: Map<string, OwnerContext>;
  recorded: BatchEvents;
  /** The nodes of deliveries without an event, by delivery id, as they are now. */
  current: Map<string, RowTexts>;
  /** The OpenTelemetry trace context of the write that caused each event, by event id; empty when tracing is off. */
  origins: ReadonlyMap<string, TraceOrigin>;
  /** The source of each delivery of a replay, by delivery id. */
  replayed: ReadonlyMap<string, Replayed>;
}

/** The inputs of one attempt, besides its delivery and definition. */
interface Attempting {
  loaded: Loaded;
  sources: () => PayloadSources;
  hold: Hold;
}

/**
 * Milliseconds for which this worker claims no delivery of a subscription whose receiver keeps failing or asked to slow down. By then the
 * database has the subscription's new pace (how fast deliveries may start), which all workers read.
 */
const UNTIL_RECORDED_MS = 1000;
export interface Journey {
  /** Processes a batch of claimed deliveries, and calls `onResult` with the result of each delivery and its index in the batch. */
  run(batch: DeliveryInHand[], onResult: (index: number, result: DeliveryResult) => void): void;
  /** Returns the tenant and origin of a subscription; `undefined` until a delivery of it was claimed. */
  targetOf(subscriptionId: string): Target | undefined;
  /** Lets the worker stop: returns to the queue all deliveries that wait for a free slot of their receiver, or would begin to wait. */
  stop(): void;
}

const NO_DRAIN: Claiming = { rest() {}, noteQuery() {}, noteCost() {}, noteAnswer() {} };

/** @param drain returns the drain that claims the deliveries */
export function createJourney(engine: Engine, sender: DeliverySender, drain: () => Claiming = () => NO_DRAIN): Journey {
  const definitions = createDefinitions(engine);
  const slots = new OriginSlots(engine.deadlines.perOrigin);
  const bytes = new BytesInFlight();
  const circuits = new Circuits();
  const brake = createLoopBrake(engine);
  const numberOf = createNumbers(engine.pool);
  const putBack = createPutBack(engine, drain);

  async function deliver(claimed: DeliveryInHand, loaded: Loaded): Promise<DeliveryResult> {
    const definition = loaded.definitions.get(claimed.subscriptionId) as Prepared;
    if ('failed' in definition) throw definition.failed;
    if ('missing' in definition) throw new Error(`subscription ${claimed.subscriptionId} could not be loaded`);
    if ('off' in definition) return resultOf(claimed, {});
    if ('broken' in definition) return resultOf(claimed, { next: { state: 'HELD', reason: 'BROKEN', retryMs: null } });
    const context = loaded.contexts.get(claimed.subscriptionId);
    if (!context) return resultOf(claimed, { next: { state: 'HELD', reason: 'DISABLED', retryMs: null }, disable: OWNER_GONE });
    if ('failed' in context) throw ownerUnread(context.failed);

    const because = whyNothingToSend(definition, claimed, loaded);
    if (because) return resultOf(claimed, { next: { state: 'SKIPPED', reason: because, retryMs: null } });

    loopShare.see(definition.owner.tenant);
    const looping = brake(claimed, definition.owner);
    const slowed = looping && (await looping);
    if (slowed) return slowed;

    const taken = bytes.take({ subscriptionId: claimed.subscriptionId, tenant: definition.owner.tenant });
    const hold = taken instanceof Promise ? await taken : taken;
    if (!hold) return resultOf(claimed, { putBackMs: null });
    const sources = () => sourcesOf(engine, { definition, context, claimed, loaded });
    try {
      const slot = slots.take(definition.origin, definition.owner.tenant);
      if (slot && !(await slot)) return resultOf(claimed, { putBackMs: null });
      try {
        // Returns the delivery to the queue, to be claimed again, if since its claim the receiver kept failing or asked to slow down, or if
        // the waits were so long that the rights of the owner may have changed.
        const hasWaited = slot !== null || taken instanceof Promise;
        if (circuits.isStopped(claimed) || (hasWaited && !mayBegin(claimed))) return resultOf(claimed, { putBackMs: null });
        return await attempt(definition, claimed, { loaded, sources, hold });
      } finally {
        slots.release(definition.origin, definition.owner.tenant);
      }
    } finally {
      hold.release();
    }
  }

  async function attempt(compiled: Compiled, claimed: DeliveryInHand, { loaded, sources, hold }: Attempting): Promise<DeliveryResult> {
    const { leaseMs } = engine.deadlines;
    const delivery = mayBegin(claimed) ? claimed : await renew(engine.pool, claimed, leaseMs);
    if (!delivery) return resultOf(claimed, {});
    const { attemptCount, createdAtMs } = delivery;
    const cost = noteCost(drain(), delivery.subscriptionId, { sources, hold });
    const ended = await runStages(engine, compiled, {
      start: new AttemptStart(compiled, delivery),
      replayed: earlierOf(loaded, delivery),
      send: sender.send,
      sources: cost.sources,
      onBody: cost.onBody,
      ...(compiled.numbered && { sequence: () => numberOf(delivery.id, delivery.subscriptionId) }),
      // Renews the lease if the payload, a token or the connection took long. Sends nothing if the lease is lost, or if the subscription
      // or its owner was disabled meanwhile.
      maySend: whileFresh(engine.pool, delivery, leaseMs, () => ownerExists(engine.host, compiled.owner)),
      origin: () => loaded.origins.get(delivery.eventId ?? '') ?? null,
      circumstances: () => ({ attemptCount, ageMs: performance.now() - createdAtMs, nowMs: Date.now(), random: engine.random() }),
    });
    cost.end(ended);
    if (!ended) return resultOf(delivery, {});
    const later = putBack.after(delivery, ended);
    if (later) return later;
    // Masking parses whole bodies.
    const turn = compiled.recorder && loopShare.turn(loopShare.open(compiled.owner.tenant, 'masking'));
    if (turn) await turn;
    return conclude(compiled, delivery, ended);
  }

  function conclude({ recorder, owner }: Compiled, delivery: DeliveryInHand, ended: Ended): DeliveryResult {
    const { outcome } = ended.attempt;
    const attempt = recorder ? loopShare.measure(owner.tenant, 'masking', () => recorder(ended.attempt)) : ended.attempt;
    const { verdict } = ended;
    if (verdict === null) return resultOf(delivery, { next: afterAttempt(outcome, null), attempt });
    const effect = circuits.judge(delivery, verdict);
    if (circuits.isStopped(delivery)) drain().rest(delivery.subscriptionId, UNTIL_RECORDED_MS);
    const { disable } = verdict;
    return resultOf(delivery, {
      next: afterAttempt(outcome, verdict.retryMs),
      attempt,
      disable: disable && { reason: disable, message: DISABLED_BECAUSE[disable](delivery.attemptCount + 1) },
      ...effect,
    });
  }

  return {
    run(batch, onResult) {
      const fail = (index: number, error: unknown) => onResult(index, putBack.of(batch[index] as DeliveryInHand, error));
      load(engine, definitions, batch).then(
        (loaded) => {
          const start = (delivery: DeliveryInHand, index: number) =>
            deliver(delivery, loaded).then(
              (result) => onResult(index, result),
              (error) => fail(index, error),
            );
          loopShare.note('starting deliveries', () => batch.forEach(start));
        },
        (error) => batch.forEach((_, index) => void fail(index, error)),
      );
    },
    targetOf: definitions.targetOf,
    stop() {
      slots.close();
      bytes.close();
      putBack.close();
    },
  };
}

type Definitions = ReturnType<typeof createDefinitions>;

/**
 * Loads what a batch of deliveries needs: the definitions, the events, and the GraphQL context of each owner. Marks a subscription as
 * broken if its definition doesn't compile.
 */
async function load(engine: Engine, definitions: Definitions, batch: DeliveryInHand[]): Promise<Loaded> {
  const prepared = await definitions.prepare(batch);
  const broken = [...prepared].flatMap(([id, found]) => ('broken' in found ? [{ id, version: found.version, reason: found.broken }] : []));
  if (broken.length > 0) await markBroken(engine, broken);
  const compiledOf = ({ subscriptionId }: DeliveryInHand): Compiled | null => {
    const found = prepared.get(subscriptionId);
    return found && 'document' in found ? found : null;
  };
  const [contexts, recorded, current, origins, replayed] = await Promise.all([
    contextsFor(engine.host, prepared),
    loadBatchEvents(engine.pool, batch, compiledOf),
    loadCurrentRows(engine, batch, compiledOf),
    isTracing() ? loadTraceOrigins(engine.pool, batch) : NOT_TRACED,
    loadReplayed(engine.pool, batch),
  ]);
  return { definitions: prepared, contexts, recorded, current, origins, replayed };
}

/** Whether an update changed nothing that the definition reads. Deliveries that somebody sends again are always sent. */
function isUnread({ reads, related }: Compiled, { kind, eventId }: DeliveryInHand, { events }: BatchEvents): boolean {
  if (reads === null || kind !== 'LIVE') return false;
  const event = events.get(eventId ?? '');
  return (
    event?.operation === 'updated' && event.changed !== null && !event.changed.some((column) => reads.has(column) || related.has(column))
  );
}

const NOT_TRACED: Loaded['origins'] = new Map();

/** Returns the reason to skip a delivery before its query runs; `null`: none. */
function whyNothingToSend(
  definition: Compiled,
  claimed: DeliveryInHand,
  { recorded, current, replayed }: Loaded,
): ReplayObstacle | typeof GONE | typeof UNREAD | null {
  const earlier = replayed.get(claimed.id);
  if (earlier && 'obstacle' in earlier) return earlier.obstacle;
  if (claimed.eventId === null && !current.has(claimed.id)) return GONE;
  return isUnread(definition, claimed, recorded) ? UNREAD : null;
}

function earlierOf({ replayed }: Loaded, { id }: DeliveryInHand): PayloadSubject['replayed'] {
  const earlier = replayed.get(id);
  return earlier && 'obstacle' in earlier ? undefined : earlier;
}

const DISABLED_BECAUSE = {
  RETRIES_EXHAUSTED: (attempts: number) => `A delivery failed ${attempts} times; no retry is left.`,
  GONE: () => 'The receiver answered 410 Gone.',
};

function sourcesOf(
  { host }: Engine,
  {
    definition,
    context,
    claimed,
    loaded,
  }: { definition: Compiled; context: Exclude<OwnerContext, null | { failed: unknown }>; claimed: DeliveryInHand; loaded: Loaded },
): PayloadSources {
  const { id, eventId } = claimed;
  return {
    open: (overlay: Snapshot[]) => openContext(host, context, overlay),
    overlay: overlayOf(claimed, loaded.recorded),
    event:
      eventId === null
        ? unrecorded(definition.topic.operation, loaded.current.get(id) ?? null)
        : (loaded.recorded.events.get(eventId) ?? null),
  };
}

function overlayOf({ eventId, typename, nodeKey }: DeliveryInHand, { snapshots }: BatchEvents): Snapshot[] {
  const columns = eventId === null ? undefined : snapshots.get(eventId);
  return columns ? [{ typename, key: nodeKey, columns }] : [];
}
