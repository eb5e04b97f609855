// Starts and cancels replays. A worker turns a replay into deliveries, batch by batch.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Replay, Subscription } from '../base/model.js';
import { recordAudit } from '../base/store/audit.js';
import { isBigId } from '../base/store/page.js';
import { endReplay, replayRange, replaysByIds, startReplay } from '../base/store/replays.js';
import { lockSubscription, subscriptionsByIds } from '../base/store/subscriptions.js';
import { insideTransaction } from '../base/store/transaction.js';
import { countReplay, type ReplayCounts } from '../fan-out/count-replay.js';
import { clearReplay } from '../lease/due-scan.js';
import { listYoungClaims, untilNoneBegins } from '../lease/lease-freshness.js';
import { begin } from './begin-move.js';
import { about, whyNotEnabled } from './resend.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';

export interface Replayed {
  problems: Problem[];
  replay: Replay | null;
}

/** Which events a replay sends. Both ends are inclusive. `from: null` starts at the first stored event, `to: null` ends now. */
export interface ReplayScope {
  from: Date | null;
  to: Date | null;
  /** Whether events that the subscription did not miss are sent again, too. */
  includesDelivered: boolean;
}

const refused = (problem: Problem): Replayed => ({ problems: [problem], replay: null });

/**
 * Starts a replay of the past events that match the subscription's current topic and environments, also of those from before it was
 * created or while it was disabled. It sends those that the subscription missed (`is_missed` of fan-out/match.sql) or all of them. Each
 * event gets a new delivery of the kind REPLAY, with the same event id, so that a receiver ignores what it knows.
 */
export async function replayEvents(engine: Engine, actor: Actor, subscriptionId: string, scope: ReplayScope): Promise<Replayed> {
  const { from, to, includesDelivered } = scope;
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const subscription = (await subscriptionsByIds(engine.pool, actor, [subscriptionId])).get(subscriptionId);
  if (!subscription) return refused({ ...NOT_FOUND, field: 'webhookSubscriptionId' });
  const problem = whyNotReplayed(subscription, scope);
  if (problem) return refused(problem);
  const id = await insideTransaction(engine.pool, async (client) => {
    const started = await startReplay(client, { subscriptionId: subscription.id, userId: actor.userId, from, to, includesDelivered });
    const what = includesDelivered ? 'All events' : 'Missed events';
    const range = `${what} from ${from?.toISOString() ?? 'the first event'} to ${to?.toISOString() ?? 'now'}.`;
    if (started !== null) await recordAudit(client, actor, [{ ...about(subscription), action: 'REPLAYED', message: range }]);
    return started;
  });
  if (id === null)
    return refused({ field: 'base', message: 'a replay of this subscription is already running; wait until it ends or cancel it' });
  return { problems: [], replay: await read(engine, actor, id) };
}

export interface ReplayDryRun extends ReplayCounts {
  from: Date;
  to: Date;
  /** Why the replay would be refused now; `null` if it would be started. */
  problem: Problem | null;
}

/** Counts what a replay would do, without doing it. Returns `null` when the user has no such subscription. */
export async function dryRunReplay(engine: Engine, actor: Actor, subscriptionId: string, scope: ReplayScope): Promise<ReplayDryRun | null> {
  const subscription = (await subscriptionsByIds(engine.pool, actor, [subscriptionId])).get(subscriptionId);
  if (!subscription) return null;
  const range = await replayRange(engine.pool, scope.from, scope.to);
  const { includesDelivered } = scope;
  const counts = await countReplay(engine.pool, { ...range, subscriptionId: subscription.id, includesDelivered });
  return {
    ...counts,
    from: range.from,
    to: range.to,
    problem: actor.canManageWebhooks ? whyNotReplayed(subscription, scope) : NOT_ALLOWED,
  };
}

function whyNotReplayed(subscription: Subscription, { from, to }: ReplayScope): Problem | null {
  if (subscription.definition.before) return { field: 'base', message: 'a before-hook receives no events, so there is nothing to replay' };
  const invalid: Problem | null = from && to && from > to ? { field: 'to', message: 'must not be before `from`' } : null;
  return whyNotEnabled(subscription) ?? invalid;
}

/** Ends a running replay and cancels its open deliveries. When it returns, no attempt of them begins any more. Idempotent. */
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
