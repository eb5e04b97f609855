// Runs claimed deliveries through the stages, in order: payload, request, sending, verdict.

import type { Compiled, Sendable } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Host, Owner, Snapshot } from './base/model.js';
import { EgressFailed } from './base/network/guard.js';
import { openContext } from './base/recall.js';
import { afterAttempt } from './base/store/delivery-state.js';
import { loadForSending } from './base/store/subscriptions.js';
import { TemplateError } from './base/templates/template.js';
import { compileDefinition, locate } from './compile-definition.js';
import { OriginSlots } from './destinations/https/origin-slots.js';
import type { DeliveryIds } from './destinations/kind.js';
import { watchOutages } from './destinations/outage.js';
import type { DeliveryInHand } from './lease/claim.js';
import { mayBegin, renew } from './lease/lease-freshness.js';
import { buildPayload, type PayloadResult } from './payload/build-payload.js';
import { type BatchEvents, loadBatchEvents } from './payload/load-snapshots.js';
import type { DeliverySender, SentRequest } from './send-delivery.js';
import type { AttemptRecord, DeliveryResult } from './verdict/attempt-result.js';
import { Circuits } from './verdict/circuits.js';
import { judge } from './verdict/judge.js';
import { markBroken } from './verdict/mark-broken.js';
import { readError } from './verdict/read-error.js';

/** A subscription's definition at the time of the claim: compiled, broken, failed to load, or `off` when no longer enabled. */
type Prepared = Known | { failed: unknown } | { off: true };
type Known = Compiled | { broken: string; version: number };

interface Ready {
  prepared: Map<string, Prepared>;
  /** Contexts by subscription id; `null` when the owner no longer exists. */
  contexts: Map<string, Awaited<ReturnType<Host['contextFor']>> | { failed: unknown }>;
  recorded: BatchEvents;
}

/** Milliseconds for which this worker claims nothing of a slowed subscription, until its new pace is recorded for all workers. */
const UNTIL_RECORDED_MS = 1000;

/** Start of an attempt. */
interface AttemptStart {
  at: Date;
  /** Time by `performance.now()`. */
  ms: number;
}

/** Milliseconds after which a delivery is due again after an internal failure. */
const PUT_BACK_MS = 5000;

export interface Journey {
  /** Runs a claimed batch, and calls `tell` with the result of each delivery and its index in the batch. */
  run(batch: DeliveryInHand[], tell: (place: number, result: DeliveryResult) => void): void;
  /** Returns the origin of a subscription's requests; `undefined` until a delivery of it was claimed. */
  originOf(subscriptionId: string): string | undefined;
  /** Puts back the deliveries that wait for a slot of their origin, now and from now on. */
  stop(): void;
}

interface JourneyOptions {
  /** Asks the caller to claim nothing of this subscription in this process for `ms` milliseconds. */
  rest?(subscriptionId: string, ms: number): void;
}

export function createJourney(engine: Engine, sender: DeliverySender, { rest = () => {} }: JourneyOptions = {}): Journey {
  const compiled = new Map<string, Known>();
  /** Kept apart from `compiled`, because the origin is known before the templates are parsed, which may have to wait. */
  const origins = new Map<string, string>();
  const slots = new OriginSlots(engine.deadlines.perOrigin);
  const circuits = new Circuits();
  const outage = watchOutages(engine.log, engine.guard.evidence);

  async function prepare(batch: DeliveryInHand[]): Promise<Map<string, Prepared>> {
    const prepared = new Map<string, Prepared>();
    const stale = new Set<string>();
    for (const { subscriptionId, version } of batch) {
      const known = compiled.get(subscriptionId);
      if (known?.version === version) prepared.set(subscriptionId, known);
      else stale.add(subscriptionId);
    }
    if (stale.size === 0) return prepared;
    const loaded = await loadForSending(engine, [...stale]);
    if (compiled.size > MAX_COMPILED) compiled.clear();
    if (origins.size > MAX_ORIGINS) origins.clear();
    await Promise.all([...stale].map(async (id) => prepared.set(id, await prepareOne(id, loaded.get(id)))));
    return prepared;
  }

  async function prepareOne(id: string, sendable: Sendable | undefined): Promise<Prepared> {
    if (!sendable) return { failed: new Error(`subscription ${id} could not be loaded`) };
    // The subscription was disabled or deleted since the claim. A deleted one has no secrets any more, and its request would be
    // unsigned.
    if (sendable.subscription.status !== 'ENABLED') return { off: true };
    try {
      origins.set(id, locate(sendable).origin);
      const known = { ...(await compileDefinition(engine, sendable)), version: sendable.subscription.version };
      compiled.set(id, known);
      return known;
    } catch (failed) {
      return { failed };
    }
  }

  /** Loads the definitions, contexts and events of a whole batch at once. */
  async function getReady(batch: DeliveryInHand[]): Promise<Ready> {
    const prepared = await prepare(batch);
    const broken = [...prepared].flatMap(([id, one]) => ('broken' in one ? [{ id, version: one.version, reason: one.broken }] : []));
    if (broken.length > 0) await markBroken(engine.pool, broken);
    const definitionOf = ({ subscriptionId }: DeliveryInHand): Compiled | null => {
      const own = prepared.get(subscriptionId);
      return own && 'document' in own ? own : null;
    };
    const [contexts, recorded] = await Promise.all([contextsFor(engine, prepared), loadBatchEvents(engine.pool, batch, definitionOf)]);
    return { prepared, contexts, recorded };
  }

  async function deliver(claimed: DeliveryInHand, ready: Ready): Promise<DeliveryResult> {
    const own = ready.prepared.get(claimed.subscriptionId) as Prepared;
    if ('failed' in own) throw own.failed;
    if ('off' in own) return resultOf(claimed, {});
    if ('broken' in own) return resultOf(claimed, { next: { state: 'HELD', reason: 'BROKEN', retryMs: null } });
    const contextOf = ready.contexts.get(claimed.subscriptionId);
    if (!contextOf) return ownerGone(claimed);
    if ('failed' in contextOf) throw contextOf.failed;

    const { origin } = own;
    const slot = slots.take(origin);
    if (slot && !(await slot)) return resultOf(claimed, { putBackMs: null });
    try {
      // The receiver was stopped since the claim, or the wait for a slot was long and the owner's rights may have changed: claim it
      // again.
      if (circuits.isStopped(claimed) || (slot && !mayBegin(claimed))) return resultOf(claimed, { putBackMs: null });
      return await begin(own, claimed, () => ({
        open: (overlay) => openContext(engine.host, contextOf, overlay),
        overlay: overlayOf(claimed, ready.recorded),
        event: ready.recorded.events.get(claimed.eventId ?? '') ?? null,
      }));
    } finally {
      slots.release(origin);
    }
  }

  async function begin(own: Compiled, claimed: DeliveryInHand, sources: Parameters<typeof buildPayload>[3]): Promise<DeliveryResult> {
    const delivery = mayBegin(claimed) ? claimed : await renew(engine.pool, claimed, engine.deadlines.leaseMs);
    if (!delivery) return resultOf(claimed, {});
    const start: AttemptStart = { at: new Date(), ms: performance.now() };
    const built = buildPayload(engine, own, delivery, sources);
    const payload = built instanceof Promise ? await built : built;
    if (payload.outcome !== 'READY') {
      const { outcome, stage, message } = payload;
      const attempt = attemptOf(own, start, payload, { outcome, stage, message, request: null, response: null });
      return resultOf(delivery, { next: afterAttempt(outcome, null), attempt });
    }

    // Checks again, in case the payload took long: the lease must outlast the request, and the subscription must still be enabled.
    if (!mayBegin(delivery) && !(await renew(engine.pool, delivery, engine.deadlines.leaseMs))) return resultOf(delivery, {});
    const sent = await sender.send(own, idsOf(delivery), payload.body);
    const read = own.errorTemplate ? await readError(engine, own, sent.answer, payload.event) : '';
    return conclude(own, delivery, start, payload, sent, read);
  }

  function conclude(
    own: Compiled,
    delivery: DeliveryInHand,
    start: AttemptStart,
    payload: PayloadResult,
    sent: SentRequest,
    read: string,
  ): DeliveryResult {
    const { request, answer, authMs } = sent;
    const nowMs = Date.now();
    const { attemptCount } = delivery;
    const ageMs = nowMs - delivery.createdAtMs;
    const verdict = judge(answer, read, own.retry, { attemptCount, ageMs, nowMs, random: engine.random() });
    const { outcome, stage, message } = verdict;
    const meaning = circuits.judge(delivery, verdict);
    if (circuits.isStopped(delivery)) rest(delivery.subscriptionId, UNTIL_RECORDED_MS);
    const replied = answer.kind === 'REPLY' ? answer : null;
    const response = replied && { status: replied.status, headers: replied.headers, body: replied.body };
    const attempt = attemptOf(
      own,
      start,
      payload,
      { outcome, stage, message, request, response },
      {
        ...(authMs !== undefined && { authMs }),
        sendMs: answer.sendMs,
        ...(replied?.firstByteMs !== undefined && { firstByteMs: replied.firstByteMs }),
      },
    );
    return resultOf(delivery, {
      next: afterAttempt(outcome, verdict.retryMs),
      attempt,
      disable: verdict.disable && { reason: verdict.disable, message: DISABLED_BECAUSE[verdict.disable](attemptCount + 1) },
      ...meaning,
    });
  }

  return {
    run(batch, tell) {
      const putBack = (place: number, error: unknown) => {
        const delivery = batch[place] as DeliveryInHand;
        if (error instanceof EgressFailed) {
          const waitMs = outage.putBack(delivery, error);
          rest(delivery.subscriptionId, waitMs);
          engine.meter.putBack('NETWORK');
          return tell(place, resultOf(delivery, { putBackMs: waitMs }));
        }
        // Any TemplateError here is `busy`: other templates of the same tenant take up its share of the renderers.
        if (error instanceof TemplateError) engine.log.debug({ deliveryId: delivery.id }, 'a template waits for its turn');
        else engine.log.error({ err: error, deliveryId: delivery.id }, 'a delivery failed for a reason of ours; it runs again');
        engine.meter.putBack(error instanceof TemplateError ? 'RENDERER' : 'INTERNAL');
        tell(place, resultOf(delivery, { putBackMs: PUT_BACK_MS }));
      };
      getReady(batch).then(
        (ready) => {
          for (let place = 0; place < batch.length; place++)
            deliver(batch[place] as DeliveryInHand, ready).then(
              (result) => tell(place, result),
              (error) => putBack(place, error),
            );
        },
        (error) => {
          for (let place = 0; place < batch.length; place++) putBack(place, error);
        },
      );
    },
    originOf: (subscriptionId) => origins.get(subscriptionId),
    stop() {
      slots.close();
      outage.close();
    },
  };
}

/** Maximum number of compiled definitions in the cache; beyond it the cache is cleared. */
const MAX_COMPILED = 10_000;
const MAX_ORIGINS = 100_000;

const DISABLED_BECAUSE = {
  RETRIES_EXHAUSTED: (attempts: number) => `A delivery failed ${attempts} times; no retry is left.`,
  GONE: () => 'The receiver answered 410 Gone.',
};

const resultOf = (delivery: DeliveryInHand, rest: Partial<DeliveryResult>): DeliveryResult => ({
  deliveryId: delivery.id,
  token: delivery.token,
  subscriptionId: delivery.subscriptionId,
  next: null,
  attempt: null,
  disable: null,
  // A probe that is not sent has no result; its subscription must be probed again.
  ...(delivery.pace === 'PROBING' && { pace: { slowMs: null, opens: false, probed: true, delivered: 0 } }),
  ...rest,
});

/** Looks up each owner once per batch, so that changes to an owner count from the next batch on. Each query still gets a new context. */
async function contextsFor({ host }: Engine, prepared: Map<string, Prepared>): Promise<Ready['contexts']> {
  const ofOwner = new Map<string, ReturnType<Host['contextFor']>>();
  const ask = (owner: Owner) => {
    const key = JSON.stringify([owner.tenant, owner.userId]);
    const asked = ofOwner.get(key) ?? host.contextFor(owner);
    ofOwner.set(key, asked);
    return asked;
  };
  const asked = [...prepared].flatMap(([id, own]) => ('owner' in own ? [{ id, context: ask(own.owner) }] : []));
  return new Map(
    await Promise.all(asked.map(async ({ id, context }) => [id, await context.catch((failed: unknown) => ({ failed }))] as const)),
  );
}

function attemptOf(
  { version: subscriptionVersion, recorder }: Compiled,
  start: AttemptStart,
  { queryMs, renderMs }: PayloadResult,
  came: Pick<AttemptRecord, 'outcome' | 'stage' | 'message' | 'request' | 'response'>,
  timings = {},
): AttemptRecord {
  const durationMs = performance.now() - start.ms;
  const attempt = { subscriptionVersion, startedAt: start.at, durationMs, timings: { queryMs, renderMs, ...timings }, ...came };
  return recorder?.(attempt) ?? attempt;
}

const idsOf = ({ id, typename, nodeKey, eventId }: DeliveryInHand): DeliveryIds => ({
  deliveryId: id,
  typename,
  nodeKey,
  eventId,
});

function overlayOf({ eventId, typename, nodeKey }: DeliveryInHand, { snapshots }: BatchEvents): Snapshot[] {
  const columns = eventId === null ? undefined : snapshots.get(eventId);
  return columns ? [{ typename, key: nodeKey, columns }] : [];
}

const ownerGone = (delivery: DeliveryInHand): DeliveryResult =>
  resultOf(delivery, {
    next: { state: 'HELD', reason: 'DISABLED', retryMs: null },
    disable: { reason: 'OWNER_GONE', message: 'Its owner is gone, disabled, or belongs to another organization now.' },
  });
