// A delivery and its definition -> what a template reads as `notification`: what the notification is, beside what its query found.
import type { Compiled } from '../base/compiled.js';
import type { DeliveryKind } from '../base/model.js';

export interface Notification {
  /** The delivery's id: the same on every retry. */
  id: string;
  /** E.g. `user/created`. */
  topic: string;
  topicVersion: string;
  /** `before` where a write waits for the answer. */
  phase: 'before' | 'after';
  /** False for a test and a preview. */
  live: boolean;
  nodeId: string;
  nodeType: string;
  /** The subscription's record id. */
  webhookId: string;
  /** Of this attempt: UTC, ISO 8601. */
  time: string;
}

export function notificationOf(
  { topic, subscriptionId }: Pick<Compiled, 'topic' | 'subscriptionId'>,
  { deliveryId, kind, nodeId, nodeType }: { deliveryId: string; kind: DeliveryKind; nodeId: string; nodeType: string },
  at: Date,
): Notification {
  return {
    id: deliveryId,
    topic: topic.key,
    topicVersion: topic.version,
    phase: kind === 'BEFORE' ? 'before' : 'after',
    live: kind !== 'TEST',
    nodeId,
    nodeType,
    webhookId: subscriptionId,
    time: at.toISOString(),
  };
}
