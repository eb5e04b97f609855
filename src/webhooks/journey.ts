// The story: the order of the stages, and no detail.

import { type Compiled, compileDefinition, destinationOf, type Sendable } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Host, Owner, Snapshot } from './base/model.js';
import { auditByRule } from './base/store/audit.js';
import { afterAttempt, holdDeliveries } from './base/store/delivery-state.js';
import { loadForSending } from './base/store/subscriptions.js';
import { TemplateError } from './base/templates/template.js';
import { Lanes } from './destinations/https/origin-slots.js';
import type { DeliveryInHand } from './lease/claim.js';
import { mayBegin, renew } from './lease/lease-freshness.js';
import { buildPayload, type PayloadResult } from './payload/build-payload.js';
import { type Columns, loadSnapshots } from './payload/load-snapshots.js';
import type { Carried, Courier, Parcel } from './send-delivery.js';
import type { AttemptRecord, Settlement } from './verdict/attempt-result.js';
import { judge } from './verdict/judge.js';
import { readError } from './verdict/read-error.js';

/** What a definition is at the moment of a claim: ready, or the reason why nothing of it can run. `off`: no longer enabled. */
type Prepared = Known | { failed: unknown } | { off: true };
type Known = Compiled | { broken: string; version: number };

interface Ready {
  prepared: Map<string, Prepared>;
  /** By subscription; null: its owner is gone. */
  contexts: Map<string, Awaited<ReturnType<Host['contextFor']>> | { failed: unknown }>;
  snapshots: Map<string, Columns>;
}

/** When an attempt did. */
interface Begun {
  at: Date;
  /** By `performance.now()`. */
  ms: number;
}

/** When a failure of ours put a delivery back, it is due again after so long. */
const PUT_BACK_MS = 5000;

export interface Journey {
  /** Takes a claimed batch through payload, request, send and verdict; tells what came of each, by its place in the batch. */
  run(batch: DeliveryInHand[], tell: (place: number, settlement: Settlement) => void): void;
  /** Where a subscription's requests go, once a delivery of it was claimed. */
  originOf(subscriptionId: string): string | undefined;
  /** What waits behind others of its origin is put back, now and from now on. */
  stop(): void;
}

export function createJourney(engine: Engine, courier: Courier): Journey {
  const compiled = new Map<string, Known>();
  /** Beside it, since a template may wait for its turn to be parsed. */
  const origins = new Map<string, string>();
  const lanes = new Lanes();

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
    // Switched off since the claim. A deleted one has no secrets any more: what it would send were unsigned.
    if (sendable.subscription.status !== 'ENABLED') return { off: true };
    try {
      origins.set(id, destinationOf(sendable).origin);
      const known = { ...(await compileDefinition(engine, sendable)), version: sendable.subscription.version };
      compiled.set(id, known);
      return known;
    } catch (failed) {
      return { failed };
    }
  }

  /** What a whole batch needs, loaded at once. */
  async function getReady(batch: DeliveryInHand[]): Promise<Ready> {
    const prepared = await prepare(batch);
    await markBroken(engine, prepared);
    const [contexts, snapshots] = await Promise.all([contextsFor(engine, prepared), snapshotsFor(engine, batch, prepared)]);
    return { prepared, contexts, snapshots };
  }

  async function deliver(claimed: DeliveryInHand, ready: Ready): Promise<Settlement> {
    const own = ready.prepared.get(claimed.subscriptionId) as Prepared;
    if ('failed' in own) throw own.failed;
    if ('off' in own) return settled(claimed, {});
    if ('broken' in own) return settled(claimed, { next: { state: 'HELD', reason: 'BROKEN', retryMs: null } });
    const contextOf = ready.contexts.get(claimed.subscriptionId);
    if (!contextOf) return ownerGone(claimed);
    if ('failed' in contextOf) throw contextOf.failed;

    const { origin } = own;
    const turn = lanes.enter(origin);
    if (turn && !(await turn)) return settled(claimed, { putBackMs: null });
    try {
      // Its owner was asked about too long ago: it is claimed again.
      if (turn && !mayBegin(claimed)) return settled(claimed, { putBackMs: null });
      return await begin(own, claimed, () => contextOf(overlayOf(claimed, ready.snapshots)));
    } finally {
      lanes.leave(origin);
    }
  }

  async function begin(own: Compiled, claimed: DeliveryInHand, openContext: Parameters<typeof buildPayload>[3]): Promise<Settlement> {
    const delivery = mayBegin(claimed) ? claimed : await renew(engine.pool, claimed);
    if (!delivery) return settled(claimed, {});
    const begun: Begun = { at: new Date(), ms: performance.now() };
    const built = buildPayload(engine, own, delivery, openContext);
    const payload = built instanceof Promise ? await built : built;
    if (payload.outcome !== 'READY') {
      const { outcome, stage, message } = payload;
      const attempt = attemptOf(own, begun, payload, { outcome, stage, message, request: null, response: null });
      return settled(delivery, { next: afterAttempt(outcome, null), attempt });
    }

    // Once more, for a payload that took long: the lease outlives the exchange, and its subscription is enabled still.
    if (!mayBegin(delivery) && !(await renew(engine.pool, delivery))) return settled(delivery, {});
    const carried = await courier.carry(own, parcelOf(delivery), payload.body);
    const read = own.errorTemplate ? await readError(engine, own, carried.answer) : '';
    return conclude(own, delivery, begun, payload, carried, read);
  }

  function conclude(
    own: Compiled,
    delivery: DeliveryInHand,
    begun: Begun,
    payload: PayloadResult,
    carried: Carried,
    read: string,
  ): Settlement {
    const { request, answer, authMs } = carried;
    const nowMs = Date.now();
    const { attemptCount } = delivery;
    const ageMs = nowMs - delivery.createdAtMs;
    const verdict = judge(answer, read, own.retry, { attemptCount, ageMs, nowMs, random: engine.random() });
    const { outcome, stage, message } = verdict;
    const replied = answer.kind === 'REPLY' ? answer : null;
    const response = replied && { status: replied.status, headers: replied.headers, body: replied.body };
    const attempt = attemptOf(
      own,
      begun,
      payload,
      { outcome, stage, message, request, response },
      {
        ...(authMs !== undefined && { authMs }),
        sendMs: answer.sendMs,
        ...(replied?.firstByteMs !== undefined && { firstByteMs: replied.firstByteMs }),
      },
    );
    return settled(delivery, {
      next: afterAttempt(outcome, verdict.retryMs),
      attempt,
      disable: verdict.disable && { reason: verdict.disable, message: DISABLED_BECAUSE[verdict.disable](attemptCount + 1) },
    });
  }

  return {
    run(batch, tell) {
      const putBack = (place: number, error: unknown) => {
        const delivery = batch[place] as DeliveryInHand;
        // `busy`, and no other, comes so far: its own tenant's templates had all the turns.
        if (error instanceof TemplateError) engine.log.debug({ deliveryId: delivery.id }, 'a template waits for its turn');
        else engine.log.error({ err: error, deliveryId: delivery.id }, 'a delivery failed for a reason of ours; it runs again');
        tell(place, settled(delivery, { putBackMs: PUT_BACK_MS }));
      };
      getReady(batch).then(
        (ready) => {
          for (let place = 0; place < batch.length; place++)
            deliver(batch[place] as DeliveryInHand, ready).then(
              (settlement) => tell(place, settlement),
              (error) => putBack(place, error),
            );
        },
        (error) => {
          for (let place = 0; place < batch.length; place++) putBack(place, error);
        },
      );
    },
    originOf: (subscriptionId) => origins.get(subscriptionId),
    stop: () => lanes.close(),
  };
}

/** Definitions kept compiled; beyond it all are compiled afresh. */
const MAX_COMPILED = 10_000;
const MAX_ORIGINS = 100_000;

const DISABLED_BECAUSE = {
  RETRIES_EXHAUSTED: (attempts: number) => `A delivery failed ${attempts} times; no retry is left.`,
  GONE: () => 'The receiver answered 410 Gone.',
};

const settled = (delivery: DeliveryInHand, rest: Partial<Settlement>): Settlement => ({
  deliveryId: delivery.id,
  token: delivery.token,
  subscriptionId: delivery.subscriptionId,
  next: null,
  attempt: null,
  disable: null,
  ...rest,
});

/** Each owner once per batch, so that what happens to one counts from the next batch on; each query runs on a fresh context all the same. */
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
  begun: Begun,
  { queryMs, renderMs }: PayloadResult,
  came: Pick<AttemptRecord, 'outcome' | 'stage' | 'message' | 'request' | 'response'>,
  timings = {},
): AttemptRecord {
  const durationMs = performance.now() - begun.ms;
  const attempt = { subscriptionVersion, startedAt: begun.at, durationMs, timings: { queryMs, renderMs, ...timings }, ...came };
  return recorder?.(attempt) ?? attempt;
}

const parcelOf = ({ id, typename, nodeKey, eventId }: DeliveryInHand): Parcel => ({
  deliveryId: id,
  typename,
  nodeKey,
  eventId,
});

/** The nodes as their events saw them, for queries that find their rows gone. */
async function snapshotsFor(engine: Engine, batch: DeliveryInHand[], prepared: Map<string, Prepared>): Promise<Map<string, Columns>> {
  const asksBack = ({ subscriptionId }: DeliveryInHand) => {
    const own = prepared.get(subscriptionId);
    return own !== undefined && 'document' in own && own.document !== null;
  };
  return loadSnapshots(engine.pool, [...new Set(batch.flatMap((one) => (one.eventId !== null && asksBack(one) ? [one.eventId] : [])))]);
}

function overlayOf({ eventId, typename, nodeKey }: DeliveryInHand, snapshots: Map<string, Columns>): Snapshot[] {
  const columns = eventId === null ? undefined : snapshots.get(eventId);
  return columns ? [{ typename, key: nodeKey, columns }] : [];
}

/** Marks the broken ones of a batch in one statement, each once; their deliveries are held unrun. */
async function markBroken(engine: Engine, prepared: Map<string, Prepared>): Promise<void> {
  const broken = [...prepared].flatMap(([id, one]) => ('broken' in one ? [{ id, version: one.version, reason: one.broken }] : []));
  if (broken.length === 0) return;
  const { rows } = await engine.pool.query<{ id: string }>(
    `WITH changed AS (
       UPDATE hookgraph.subscriptions x SET broken_at = now(), broken_reason = b.reason, updated_at = clock_timestamp()
       FROM unnest($1::uuid[], $2::int[], $3::text[]) AS b (id, version, reason)
       WHERE x.id = b.id AND x.version = b.version AND x.broken_at IS NULL
       RETURNING x.id, x.tenant, x.owner, x.version, 'BROKEN' AS rule, b.reason AS message
     ), told AS (${auditByRule('HELD')})
     SELECT id FROM changed`,
    [broken.map(({ id }) => id), broken.map(({ version }) => version), broken.map(({ reason }) => reason)],
  );
  const marked = rows.map(({ id }) => id);
  if (marked.length > 0) await holdDeliveries(engine.pool, marked, 'BROKEN');
}

const ownerGone = (delivery: DeliveryInHand): Settlement =>
  settled(delivery, {
    next: { state: 'HELD', reason: 'DISABLED', retryMs: null },
    disable: { reason: 'OWNER_GONE', message: 'Its owner is gone, disabled, or belongs to another organization now.' },
  });
