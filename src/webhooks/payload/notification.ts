// Builds the variable `notification` of the templates, which has the ids, topic and time of a delivery.
import type { Compiled } from '../base/compiled.js';
import { type DeliveryKind, stableEventId } from '../base/model.js';

export interface Notification {
  /** Id of the delivery, the same in every retry. */
  id: string;
  /** Id of the event, the same however often it is sent. A test, a before-hook and a delivery that is resent as new have their own. */
  eventId: string;
  /** The key of the topic, for example `user/created`. */
  topic: string;
  topicVersion: string;
  /** `before` for a before-hook, `after` for all other deliveries. */
  phase: 'before' | 'after';
  /** False for a test and a preview. */
  live: boolean;
  /** Whether a snapshot sends the node in its current state, without an event. */
  snapshot: boolean;
  nodeId: string;
  nodeType: string;
  /** Id of the subscription. */
  webhookId: string;
  /** Time of this attempt: UTC, ISO 8601. */
  time: string;
}

export function notificationOf(
  { topic, subscriptionId }: Pick<Compiled, 'topic' | 'subscriptionId'>,
  { id, kind, eventId, nodeId, nodeType }: { id: string; kind: DeliveryKind; eventId: string | null; nodeId: string; nodeType: string },
  at: Date,
): Notification {
  return {
    id,
    eventId: stableEventId({ kind, eventId }) ?? id,
    topic: topic.key,
    topicVersion: topic.version,
    phase: kind === 'BEFORE' ? 'before' : 'after',
    live: kind !== 'TEST',
    snapshot: kind === 'SNAPSHOT',
    nodeId,
    nodeType,
    webhookId: subscriptionId,
    time: at.toISOString(),
  };
}
