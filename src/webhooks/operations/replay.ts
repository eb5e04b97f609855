// What its owner wants to hear once more -> a replay, which a worker turns into deliveries batch by batch; or its end.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Replay } from '../base/model.js';
import { recordAudit } from '../base/store/audit.js';
import { cancelReplayed } from '../base/store/delivery-state.js';
import { isBigId } from '../base/store/page.js';
import { replaysByIds } from '../base/store/replays.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { insideTransaction } from '../base/store/transaction.js';
import { about, whyAsleep } from './resend.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';

export interface Replayed {
  problems: Problem[];
  replay: Replay | null;
}

/** Both inclusive, by the time at which an event was written; absent: the first event that is kept, and now. */
export interface ReplayRange {
  from: Date | null;
  to: Date | null;
}

const refused = (problem: Problem): Replayed => ({ problems: [problem], replay: null });

/**
 * Sends the events of a time again, as the topic, the environments and the definition of the subscription are now, also those from
 * before it was created or while it was disabled. New deliveries of kind REPLAY: whoever counts by delivery id hears them anew.
 */
export async function replayEvents(engine: Engine, actor: Actor, subscriptionId: string, { from, to }: ReplayRange): Promise<Replayed> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const subscription = (await subscriptionsByIds(engine.pool, actor, [subscriptionId])).get(subscriptionId);
  if (!subscription) return refused({ ...NOT_FOUND, field: 'webhookSubscriptionId' });
  if (subscription.definition.before)
    return refused({ field: 'base', message: 'it is a before-hook: it is asked, and never told of an event' });
  const asleep = whyAsleep(subscription);
  if (asleep) return refused(asleep);
  if (from && to && from > to) return refused({ field: 'to', message: 'is before from' });
  // An event's id is a little older than its time.
  // "from" before the epoch of ids is the first event; "to" in the future would go on for ever.
  const id = await insideTransaction(engine.pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `WITH range AS (
       SELECT greatest(coalesce($3::timestamptz, least((SELECT min(occurred_at) FROM hookgraph.events WHERE id = (SELECT min(id) FROM hookgraph.events)),
         (SELECT hookgraph.time_of(min(id)) FROM hookgraph.captures)), now()), '2020-01-01Z') AS from_at, least(coalesce($4::timestamptz, now()), now()) AS to_at)
     INSERT INTO hookgraph.replays (subscription_id, requested_by, from_at, to_at, position)
     SELECT $1, $2, least(from_at, to_at), to_at, hookgraph.id_at(least(from_at, to_at) - interval '1 second') FROM range
     ON CONFLICT (subscription_id) WHERE state = 'RUNNING' DO NOTHING RETURNING id`,
      [subscription.id, actor.userId, from, to],
    );
    const range = `From ${from?.toISOString() ?? 'the first event'} to ${to?.toISOString() ?? 'now'}.`;
    if (rows[0]) await recordAudit(client, actor, [{ ...about(subscription), action: 'REPLAYED', message: range }]);
    return rows[0]?.id ?? null;
  });
  if (id === null) return refused({ field: 'base', message: 'a replay of this subscription is under way; wait for its end or cancel it' });
  return { problems: [], replay: await read(engine, actor, id) };
}

/** Ends it, and cancels what of it is not sent yet. Repeating it changes nothing. */
export async function cancelReplay(engine: Engine, actor: Actor, id: string): Promise<Replayed> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const replay = await read(engine, actor, id);
  if (!replay) return refused(NOT_FOUND);
  if (replay.state === 'DONE') return refused({ field: 'base', message: 'it is done; all of its deliveries are made' });
  await insideTransaction(engine.pool, async (client) => {
    // Its step locks the row as well: what is made after this is nothing.
    const { rowCount } = await client.query(
      `UPDATE hookgraph.replays SET state = 'CANCELLED', updated_at = clock_timestamp() WHERE id = $1 AND state = 'RUNNING'`,
      [id],
    );
    if (rowCount === 1) await recordAudit(client, actor, [{ subscriptionId: replay.subscriptionId, action: 'REPLAY_CANCELLED' }]);
    await cancelReplayed(client, id);
  });
  return { problems: [], replay: await read(engine, actor, id) };
}

async function read(engine: Engine, actor: Actor, id: string): Promise<Replay | null> {
  return isBigId(id) ? ((await replaysByIds(engine.pool, actor, [id])).get(id) ?? null) : null;
}
