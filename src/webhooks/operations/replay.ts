// Starts and cancels replays. A worker turns a replay into deliveries, batch by batch.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Replay, ReplayMode, Subscription } from '../base/model.js';
import { recordAudit } from '../base/store/audit.js';
import { type DeliveryFilter, eventIdsOf } from '../base/store/deliveries.js';
import { isBigId } from '../base/store/page.js';
import { endReplay, replayRange, replaysByIds, startReplay } from '../base/store/replays.js';
import { lockSubscription, subscriptionsByIds } from '../base/store/subscriptions.js';
import { insideTransaction } from '../base/store/transaction.js';
import { countReplay, type ReplayCounts, type ReplayRange } from '../fan-out/count-replay.js';
import { clearReplay } from '../lease/due-scan.js';
import { listYoungClaims, untilNoneBegins } from '../lease/lease-freshness.js';
import { begin } from './begin-move.js';
import { about, whyNotEnabled } from './resend.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';

export interface Replayed {
  problems: Problem[];
  replay: Replay | null;
}

/** The events that a replay sends, and the source of its requests. */
export interface ReplayScope {
  /** The period, inclusive. `from: null` starts at the first stored event, `to: null` ends now. */
  from: Date | null;
  to: Date | null;
  /** Whether events that the subscription did not miss are sent again, too. */
  includesDelivered: boolean;
  /** Default: NEW_PAYLOAD. */
  mode?: ReplayMode;
  /** Only the events of these deliveries: those with the ids or, without ids, that match the filter. Then the period is ignored. */
  deliveries?: { ids: readonly string[] | null; filter: DeliveryFilter } | null;
}

/** Maximum number of events that a replay of selected deliveries sends. */
const MAX_SELECTED = 100_000;

const refused = (problem: Problem): Replayed => ({ problems: [problem], replay: null });

/**
 * Starts a replay of the past events that match the subscription's current topic and environments, including events from before it was
 * created or while it was disabled. It sends the events that the subscription missed (`is_missed` of fan-out/match.sql), all of them, or
 * those of selected deliveries. Each event gets a new delivery of the kind REPLAY with the same event id, so that a receiver can ignore
 * events that it already has.
 */
export async function replayEvents(engine: Engine, actor: Actor, subscriptionId: string, scope: ReplayScope): Promise<Replayed> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const subscription = (await subscriptionsByIds(engine.pool, actor, [subscriptionId])).get(subscriptionId);
  if (!subscription) return refused({ ...NOT_FOUND, field: 'webhookSubscriptionId' });
  const eventIds = await selectedEvents(engine, actor, subscription.id, scope);
  const problem = whyNotReplayed(subscription, scope, eventIds);
  if (problem) return refused(problem);
  const { from, to, mode = 'NEW_PAYLOAD' } = eventIds ? { ...scope, from: null, to: null } : scope;
  const includesDelivered = scope.includesDelivered || eventIds !== null;
  const id = await insideTransaction(engine.pool, async (client) => {
    const start = { subscriptionId: subscription.id, userId: actor.userId, from, to, includesDelivered, mode, eventIds };
    const started = await startReplay(client, start);
    if (started !== null)
      await recordAudit(client, actor, [{ ...about(subscription), action: 'REPLAYED', message: describe(scope, eventIds) }]);
    return started;
  });
  if (id === null)
    return refused({ field: 'base', message: 'a replay of this subscription is already running; wait until it ends or cancel it' });
  return { problems: [], replay: await read(engine, actor, id) };
}

const AGAIN: Record<ReplayMode, string> = {
  SENT_BYTES: ', as they were sent before',
  STORED_PAYLOAD: ', from the stored payload',
  NEW_PAYLOAD: '',
};

function describe({ from, to, includesDelivered, mode = 'NEW_PAYLOAD' }: ReplayScope, eventIds: string[] | null): string {
  if (eventIds) return `Events of selected deliveries${AGAIN[mode]}: ${eventIds.length}.`;
  const what = includesDelivered ? 'All events' : 'Missed events';
  return `${what} from ${from?.toISOString() ?? 'the first event'} to ${to?.toISOString() ?? 'now'}${AGAIN[mode]}.`;
}

/** Returns the ids of the selected events, at most MAX_SELECTED + 1; `null` when the scope is a period. */
async function selectedEvents(engine: Engine, actor: Actor, subscriptionId: string, { deliveries }: ReplayScope): Promise<string[] | null> {
  return deliveries ? eventIdsOf(engine.pool, actor, subscriptionId, { ...deliveries, limit: MAX_SELECTED + 1 }) : null;
}

export interface ReplayDryRun extends ReplayCounts {
  from: Date;
  to: Date;
  /** Why the replay would be refused now; `null` if it would be started. */
  problem: Problem | null;
  /** The events that the replay would read. */
  range: ReplayRange;
  mode: ReplayMode;
}

/** Counts what a replay would send, without sending it. Returns `null` when the user has no such subscription. */
export async function dryRunReplay(engine: Engine, actor: Actor, subscriptionId: string, scope: ReplayScope): Promise<ReplayDryRun | null> {
  const subscription = (await subscriptionsByIds(engine.pool, actor, [subscriptionId])).get(subscriptionId);
  if (!subscription) return null;
  const eventIds = await selectedEvents(engine, actor, subscription.id, scope);
  const { from, to, position } = await replayRange(engine.pool, eventIds ? null : scope.from, eventIds ? null : scope.to);
  const includesDelivered = scope.includesDelivered || eventIds !== null;
  const range = { from, to, position, subscriptionId: subscription.id, includesDelivered, eventIds };
  const counts = await countReplay(engine.pool, range);
  const problem = actor.canManageWebhooks ? whyNotReplayed(subscription, scope, eventIds) : NOT_ALLOWED;
  return { ...counts, from, to, problem, range, mode: scope.mode ?? 'NEW_PAYLOAD' };
}

function whyNotReplayed(subscription: Subscription, { from, to, deliveries }: ReplayScope, eventIds: string[] | null): Problem | null {
  if (subscription.definition.before) return { field: 'base', message: 'a before-hook receives no events, so there is nothing to replay' };
  const invalid: Problem | null = !deliveries && from && to && from > to ? { field: 'to', message: 'must not be before `from`' } : null;
  return whyNotEnabled(subscription) ?? invalid ?? (eventIds && whyNotSelected(eventIds));
}

function whyNotSelected({ length }: string[]): Problem | null {
  if (length === 0) return { field: 'deliveries', message: 'no delivery of the subscription matches that has an event', type: 'NOT_FOUND' };
  if (length <= MAX_SELECTED) return null;
  return { field: 'deliveries', message: `have more than ${MAX_SELECTED} events, which is the limit; select fewer, or replay a period` };
}

/** Ends a running replay and cancels its open deliveries. No attempt of these begins after it has returned. Idempotent. */
export async function cancelReplay(engine: Engine, actor: Actor, id: string): Promise<Replayed> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const replay = await read(engine, actor, id);
  if (!replay) return refused(NOT_FOUND);
  if (replay.state === 'DONE') return refused({ field: 'base', message: 'the replay has already created all of its deliveries' });
  const young = await insideTransaction(engine.pool, async (client) => {
    // Waits for claims that began before, which don't see the replay's new state.
    await lockSubscription(client, actor, replay.subscriptionId);
    // The worker that creates the replay's deliveries locks the replay's row, too, so it creates none after this update.
    if (await endReplay(client, id))
      await recordAudit(client, actor, [{ subscriptionId: replay.subscriptionId, action: 'REPLAY_CANCELLED' }]);
    return listYoungClaims(client, [replay.subscriptionId], id);
  });
  await begin(engine, () => clearReplay(engine.pool, id));
  await untilNoneBegins(engine.pool, young);
  return { problems: [], replay: await read(engine, actor, id) };
}

async function read(engine: Engine, actor: Actor, id: string): Promise<Replay | null> {
  return isBigId(id) ? ((await replaysByIds(engine.pool, actor, [id])).get(id) ?? null) : null;
}
