// Starts snapshots, which send the current nodes of a topic's type to a subscription. A worker turns a snapshot into deliveries, step by
// step.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Topic } from '../base/model.js';
import { replaysByIds } from '../base/store/replays.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import { insideTransaction } from '../base/store/transaction.js';
import type { Replayed } from './replay.js';
import { whyNotEnabled } from './resend.js';
import { beginSnapshot, whyNoSnapshot } from './save/begin-snapshot.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';

const refused = (problem: Problem): Replayed => ({ problems: [problem], replay: null });

/**
 * Starts to send the current nodes of the subscription's topic to it. Each node becomes a delivery of the kind SNAPSHOT, unless the
 * subscription got a live delivery about the node after the start.
 */
export async function snapshotSubscription(engine: Engine, actor: Actor, subscriptionId: string): Promise<Replayed> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const subscription = (await subscriptionsByIds(engine.pool, actor, [subscriptionId])).get(subscriptionId);
  if (!subscription) return refused({ ...NOT_FOUND, field: 'webhookSubscriptionId' });
  const topic = (await topicsByIds(engine.pool, [subscription.topicId])).get(subscription.topicId) as Topic;
  const problem = whyNoSnapshot(topic, subscription.definition.before != null) ?? whyNotEnabled(subscription);
  if (problem) return refused({ ...problem, field: 'base' });
  const id = await insideTransaction(engine.pool, (client) =>
    beginSnapshot(client, engine.host, { actor, subscriptionId: subscription.id, topic }),
  );
  if (id === null)
    return refused({ field: 'base', message: 'a replay of this subscription is already running; wait until it ends or cancel it' });
  return { problems: [], replay: (await replaysByIds(engine.pool, actor, [id])).get(id) ?? null };
}
