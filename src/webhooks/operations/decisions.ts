// Explains what became of each event for each of the owner's subscriptions to its node type.
import { sqlStatement } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import type { Delivery, Operation, Owner, Subscription, Topic } from '../base/model.js';
import { lastAttemptsOf } from '../base/store/attempts.js';
import { deliveriesByIds } from '../base/store/deliveries.js';
import { neighboursOf } from '../base/store/ordered-deliveries.js';
import { isBigId } from '../base/store/page.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import { describeWorkers, readWorkers } from '../base/store/workers.js';
import { IS_HOOK } from './why-not.js';
import type { WhyNotCode } from './why-not-codes.js';
import { reasonOf, reasonWithout, type Unmatched } from './why-not-reasons.js';

const PAIRS = sqlStatement<'event_ids' | 'tenant' | 'owner'>('webhooks/operations/decisions.sql');

export interface Decision {
  subscription: Subscription;
  /** The newest delivery of the event to the subscription; `null` when there is none. */
  delivery: Delivery | null;
  code: WhyNotCode;
  reason: string;
}

interface Pair extends Unmatched {
  eventId: string;
  operation: Operation;
  subscriptionId: string;
  topicId: string;
  deliveryId: string | null;
  leasedUntil: Date | null;
}

/** Explains these events for all subscriptions of the owner, in seven statements. Subscriptions to the event's operation come first. */
export async function decisionsOf(
  { pool }: Pick<Engine, 'pool'>,
  owner: Owner,
  eventIds: readonly string[],
): Promise<Map<string, Decision[]>> {
  const values = PAIRS.values({ event_ids: eventIds.filter(isBigId), tenant: owner.tenant, owner: owner.userId });
  const { rows } = await pool.query<Pair>(PAIRS.text, values);
  const deliveryIds = rows.flatMap(({ deliveryId }) => deliveryId ?? []);
  const distinct = (ids: string[]) => [...new Set(ids)];
  const [subscriptions, topics, deliveries, attempts, found] = await Promise.all([
    subscriptionsByIds(pool, owner, distinct(rows.map(({ subscriptionId }) => subscriptionId))),
    topicsByIds(pool, distinct(rows.map(({ topicId }) => topicId))),
    deliveriesByIds(pool, owner, deliveryIds),
    lastAttemptsOf(pool, owner, deliveryIds),
    readWorkers(pool),
  ]);
  const neighbours = await neighboursOf(pool, deliveries.values());
  const workers = describeWorkers(found);
  const decisions = new Map<string, Decision[]>(eventIds.map((id) => [id, []]));
  for (const row of rows) {
    const subscription = subscriptions.get(row.subscriptionId);
    // A subscription that was deleted between the statements is left out.
    if (!subscription) continue;
    const delivery = deliveries.get(row.deliveryId ?? '') ?? null;
    const last = delivery && (attempts.get(delivery.id) ?? null);
    const { code, sentence } = delivery
      ? reasonOf(delivery, { last, leasedUntil: row.leasedUntil, subscription, workers, neighbour: neighbours.get(delivery.id) })
      : subscription.definition.before
        ? { code: 'BEFORE_HOOK' as const, sentence: IS_HOOK }
        : reasonWithout(row, row.operation, topics.get(row.topicId) as Topic, workers);
    decisions.get(row.eventId)?.push({ subscription, delivery, code, reason: sentence });
  }
  return decisions;
}
