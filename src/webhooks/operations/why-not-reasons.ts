// Explains why a change has no delivery, or why its delivery was or was not sent.
import type { CurrentPace, Delivery, Operation, Subscription, Topic } from '../base/model.js';
import type { AttemptSummary } from '../base/store/attempts.js';
import { COALESCED, LOOP, OPERATOR, ORDER, REPLAY_OBSTACLES, type ReplayObstacle, SLOW, UNREAD } from '../base/store/delivery-state.js';
import type { Neighbour } from '../base/store/ordered-deliveries.js';
import type { Reason, WhyNotCode } from './why-not-codes.js';

/** Which conditions of a subscription a change meets. */
export interface Unmatched {
  fitsTopic: boolean;
  fitsEnvironment: boolean;
  startsNoLoop: boolean;
  isQueued: boolean;
  isOlder: boolean;
  /** Whether only related rows changed, none of which the subscription reads. */
  isOtherRelated: boolean;
}

/** Whether workers run, in a sentence: see `describeWorkers`. */
type WorkersSentence = string;

/** Returns why a change has no delivery. */
export function reasonWithout(row: Unmatched, operation: Operation, topic: Topic, workers: WorkersSentence): Reason {
  if (row.isQueued) return reason('NOT_RELAYED', `The change is recorded, but no worker has matched it with subscriptions yet. ${workers}`);
  if (operation !== topic.operation)
    return reason('OTHER_OPERATION', `The node was ${operation}, but ${topic.key} is about nodes that are ${topic.operation}.`);
  if (row.isOtherRelated)
    return reason(
      'OTHER_RELATED_CHANGE',
      'Only related rows changed, not the node itself. The subscription gets such changes with `relatedChanges`, of the fields that its query reads.',
    );
  if (!row.fitsTopic) return reason('OTHER_CHANGE', `The change doesn't match the conditions of the topic ${topic.key}.`);
  if (row.isOlder) return reason('OLDER_THAN_SUBSCRIPTION', 'The change happened before the subscription was created. A replay sends it.');
  if (!row.fitsEnvironment) return reason('OTHER_ENVIRONMENT', 'The node is in an environment that the subscription does not include.');
  if (!row.startsNoLoop)
    return reason(
      'ABOUT_SUBSCRIPTION_TOPICS',
      'The changed node is itself a subscription to a webhook_subscription topic. Such changes are never sent, because they could cause each other endlessly.',
    );
  return reason(
    'OTHER_DEFINITION_THEN',
    'The subscription had another topic when the change happened, or did not cover the node. A replay sends it.',
  );
}

export interface Circumstances {
  /** The last attempt. */
  last: AttemptSummary | null;
  leasedUntil: Date | null;
  subscription: Subscription;
  workers: WorkersSentence;
  /** The delivery that this one waits for, or that replaced it; absent when the subscription is not ordered. */
  neighbour: Neighbour | undefined;
}

/** Returns why a delivery was or was not sent, and until when it waits. */
export function reasonOf(delivery: Delivery, { last, leasedUntil, subscription: { pace }, workers, neighbour }: Circumstances): Reason {
  if (leasedUntil && (delivery.state === 'PENDING' || delivery.state === 'RETRYING'))
    return reason(
      'IN_PROGRESS',
      `A worker has claimed the delivery: it is being sent, or waits for the answer of the receiver. Without a result until ${leasedUntil.toISOString()}, it is sent again.`,
    );
  if (delivery.reason === LOOP) return reason('IN_A_LOOP', inALoop(delivery));
  if (delivery.reason === ORDER) return reason('WAITS_IN_ORDER', waitsInOrder(neighbour));
  if (delivery.reason === COALESCED) return reason('REPLACED', replacedBy(neighbour));
  if (delivery.reason === OPERATOR) return reason('WAITS_FOR_OPERATOR', waitsForOperator(delivery));
  if (delivery.reason === SLOW) return reason('QUERY_TOO_SLOW', queryTooSlow(delivery));
  const failure = last?.message ? ` ${last.stage ?? 'Result'}: ${last.message}` : '';
  switch (delivery.state) {
    case 'DELIVERED':
      return reason('DELIVERED', `The notification was delivered by attempt ${delivery.attemptCount}.`);
    case 'SKIPPED':
      return skippedBecause(delivery.reason, failure);
    case 'HELD': {
      const { code, sentence } = HELD_BECAUSE[delivery.reason ?? ''] ?? reason('HELD_NODE', 'The delivery is held.');
      return reason(code, `${sentence}${failure}`);
    }
    case 'RETRYING': {
      const next = `Attempt ${delivery.attemptCount} failed; the next one is due at ${delivery.dueAt.toISOString()}.`;
      return reason('RETRYING', `${next}${failure}${pace ? ` ${paceOf(pace)}` : ''}`);
    }
    case 'FAILED':
      return reason(
        'FAILED',
        `The delivery failed after ${delivery.attemptCount} attempts and is not retried. You can resend it.${failure}`,
      );
    case 'CANCELLED':
      if (delivery.reason === 'FORGOTTEN')
        return reason('CANCELLED', 'The delivery was cancelled, because an admin had everything about its node forgotten.');
      return reason('CANCELLED', 'The delivery was cancelled, because its subscription was deleted or its replay was cancelled.');
    case 'PENDING':
      if (delivery.dueAt > delivery.createdAt && delivery.dueAt > new Date())
        return reason(
          'PUT_BACK',
          `This installation could not send the notification. It is tried again at ${delivery.dueAt.toISOString()}; no attempt is counted.${pace ? ` ${paceOf(pace)}` : ''}`,
        );
      if (pace)
        return reason(
          'PACED',
          `The delivery has been due since ${delivery.dueAt.toISOString()}, but the subscription is slowed down. ${paceOf(pace)}`,
        );
      return reason(
        'NOT_CLAIMED',
        `The delivery has been due since ${delivery.dueAt.toISOString()}; no worker has claimed it yet. ${workers}`,
      );
  }
}

function skippedBecause(because: string | null, failure: string): Reason {
  if (because === UNREAD)
    return reason(
      'UNREAD_CHANGE',
      'The change touched no field that the query or a template reads, and the subscription skips such changes.',
    );
  if (Object.hasOwn(REPLAY_OBSTACLES, because ?? ''))
    return reason(
      'SKIPPED_NOTHING_STORED',
      `The replay had nothing to send: ${REPLAY_OBSTACLES[because as ReplayObstacle]} A replay in another mode may send the event.`,
    );
  return because === 'DISABLED'
    ? reason('SKIPPED_DISABLED', 'The subscription was disabled when the change happened. A replay sends it.')
    : reason('SKIPPED_VALIDATION', `The notification was skipped.${failure}`);
}

export const reason = (code: WhyNotCode, sentence: string): Reason => ({ code, sentence });

function waitsForOperator({ dueAt }: Delivery): string {
  return `The delivery waits for the operator of this API: a fault that your subscription can't change keeps the notification from being built. It is tried again at ${dueAt.toISOString()}, and continues by itself once the fault is corrected. No attempt is counted.`;
}

function queryTooSlow({ dueAt }: Delivery): string {
  return `The stored query took longer than its limit. It runs again at ${dueAt.toISOString()}, and then after growing pauses. If it is still too slow after some minutes, the delivery is held: let the query select less. No attempt is counted.`;
}

function waitsInOrder(neighbour: Neighbour | undefined): string {
  if (!neighbour?.waitsFor)
    return 'The delivery waits until all changes before it are turned into deliveries, because the subscription is ordered.';
  const held = neighbour.waitsForState === 'HELD' ? ' Release or correct that one, or cancel the order with `ordering: NONE`.' : '';
  return `The delivery waits for the delivery ${neighbour.waitsFor} of the same node, which is ${neighbour.waitsForState ?? 'open'}, because the subscription is ordered.${held}`;
}

function replacedBy(neighbour: Neighbour | undefined): string {
  const successor = neighbour?.replacedBy ? `the delivery ${neighbour.replacedBy}` : 'a later delivery';
  return `The delivery was replaced by ${successor} of the same node before the receiver had accepted it, because the subscription has the ordering LATEST_ONLY.`;
}

function inALoop({ dueAt }: Delivery): string {
  return `The last notifications about this node were each followed by a write of yours to the node, which caused the next one. They are sent with growing pauses; this one at ${dueAt.toISOString()}. A validation template can leave out your own writes: \`{{ event.actor.userId != data.viewer.databaseId }}\`.`;
}

export function paceOf({ state, perSecond, resumesAt }: CurrentPace): string {
  const rate = perSecond === null ? '' : ` at ${Number(perSecond.toPrecision(2))} a second`;
  const wait = resumesAt === null ? '' : ` Nothing is sent before ${new Date(resumesAt).toISOString()}.`;
  switch (state) {
    case 'PROBING':
      return `The receiver keeps failing: one notification at a time is tried until the receiver accepts it.${wait}`;
    case 'SLOWED':
      return `The receiver asked to slow down, or recovers from failures: notifications are sent${rate}.${wait}`;
    case 'LIMITED':
      return `The subscription has a rate limit: notifications are sent${rate || ' within its limit of concurrent requests'}.`;
  }
}

const HELD_BECAUSE: Record<string, Reason> = {
  DISABLED: reason('HELD_DISABLED', 'The delivery is held until the subscription is enabled.'),
  BROKEN: reason('HELD_BROKEN', 'The delivery is held until the definition of the subscription is corrected.'),
  NODE: reason(
    'HELD_NODE',
    'The delivery is held because the query or a template gave nothing usable for this node. Correct the definition, or release the delivery.',
  ),
};
