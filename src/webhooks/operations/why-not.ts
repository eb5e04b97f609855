// Explains for each recent event of a subscription's topic, optionally of one node, whether it was delivered and why not.
import { sqlStatement } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import type { Actor, Attempt, CurrentPace, Delivery, Operation, Subscription, Topic } from '../base/model.js';
import { attemptsOf, deliveriesByIds, type VisibleEvent } from '../base/store/deliveries.js';
import { OPERATOR } from '../base/store/delivery-state.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import type { Reason, WhyNotCode } from './why-not-codes.js';

const LAST_EVENTS = sqlStatement<'subscription_id' | 'tenant' | 'typename' | 'node_key' | 'since' | 'max_events' | 'max_findings'>(
  'webhooks/operations/why-not.sql',
);

export interface Finding {
  event: VisibleEvent;
  delivery: Delivery | null;
  code: WhyNotCode;
  reason: string;
}

export interface WhyNot {
  code: WhyNotCode;
  conclusion: string;
  /** Findings, newest event first. */
  findings: Finding[];
}

export interface WhyNotQuestion {
  subscriptionId: string;
  /** Global id of a node; `null` for any node of the topic's type. */
  nodeId: string | null;
  /** Start of the period; `null` for the last 24 hours. */
  since: Date | null;
}

const IS_HOOK =
  'The subscription is a before-hook: it is called while mutations of this API wait, and receives no events. Its deliveries of the kind BEFORE show the results.';
const MAX_FINDINGS = 20;
/**
 * Maximum number of events to search, newest first. If the question names a node, these are its events; otherwise the events of all tenants
 * and types.
 */
const MAX_EVENTS = 10_000;

/** Explains the recent events of a subscription. Returns `null` when it doesn't exist or belongs to another user. */
export async function whyNot(engine: Engine, actor: Actor, question: WhyNotQuestion): Promise<WhyNot | null> {
  const subscription = (await subscriptionsByIds(engine.pool, actor, [question.subscriptionId])).get(question.subscriptionId);
  if (!subscription) return null;
  if (subscription.definition.before) return { code: 'BEFORE_HOOK', conclusion: IS_HOOK, findings: [] };
  const topic = (await topicsByIds(engine.pool, [subscription.topicId])).get(subscription.topicId) as Topic;
  const named = question.nodeId === null ? null : engine.host.fromGlobalId(question.nodeId);
  const since = question.since ?? new Date(Date.now() - 24 * 60 * 60 * 1000);
  if (question.nodeId !== null && named?.typename !== topic.typename) {
    const conclusion = named
      ? `The given id is the id of a ${named.typename}, but ${topic.key} is about the type ${topic.typename}.`
      : `The given id is not the id of a node. The topic ${topic.key} is about nodes of the type ${topic.typename}.`;
    return { code: named ? 'OTHER_TYPE' : 'NOT_A_NODE_ID', conclusion, findings: [] };
  }
  const findings = await findingsOf(engine, actor, { subscription, topic, key: named?.key ?? null, since });
  const unrecorded = await whyUnrecorded(engine, topic, findings.length === 0);
  const { code, sentence } = conclude(subscription, topic, findings, { ofOne: named !== null, since, unrecorded });
  return { code, conclusion: sentence, findings };
}

/**
 * Returns why changes of the topic's type are not recorded; `null` when this process's periodic check of the triggers has found no reason.
 */
async function whyUnrecorded({ capture }: Engine, { typename }: Topic, isNothingRecorded: boolean): Promise<string | null> {
  const concerned = (await capture.findings()).filter((found) => found.typename === typename);
  const lost = concerned.filter(({ loses, kind }) => loses || (kind === 'PARTS' && isNothingRecorded));
  const [first] = lost;
  if (!first) return null;
  const since = new Date(Math.min(...lost.map((found) => found.since.getTime()))).toISOString();
  const reasons = lost.map(({ message, hint }) => `${message} ${hint}`).join(' ');
  return `Changes of the table ${first.table} are not recorded, or only some of them, at least since ${since}. The operator of this API can correct this: ${reasons}`;
}

interface Search {
  subscription: Subscription;
  topic: Topic;
  key: string | null;
  since: Date;
}

interface Row extends VisibleEvent {
  deliveryId: string | null;
  fitsTopic: boolean;
  fitsEnvironment: boolean;
  startsNoLoop: boolean;
  isQueued: boolean;
  isOlder: boolean;
}

async function findingsOf({ pool }: Engine, actor: Actor, { subscription, topic, key, since }: Search): Promise<Finding[]> {
  const { rows } = await pool.query<Row>(
    LAST_EVENTS.text,
    LAST_EVENTS.values({
      subscription_id: subscription.id,
      tenant: actor.tenant,
      typename: topic.typename,
      node_key: key,
      since,
      max_findings: MAX_FINDINGS,
      max_events: MAX_EVENTS,
    }),
  );
  const deliveryIds = rows.flatMap(({ deliveryId }) => deliveryId ?? []);
  const [deliveries, attempts] = await Promise.all([deliveriesByIds(pool, actor, deliveryIds), attemptsOf(pool, actor, deliveryIds)]);
  return rows.map((row) => {
    const { id, occurredAt, typename, nodeKey, operation, changed, before, after } = row;
    const event: VisibleEvent = { id, occurredAt, typename, nodeKey, operation, changed, before, after };
    const delivery = deliveries.get(row.deliveryId ?? '') ?? null;
    const last = delivery && (attempts.get(delivery.id)?.at(-1) ?? null);
    const { code, sentence } = delivery ? reasonOf(delivery, last, subscription) : reasonWithout(row, event.operation, topic);
    return { event, delivery, code, reason: sentence };
  });
}

function reasonWithout(row: Row, operation: Operation, topic: Topic): Reason {
  if (row.isQueued)
    return reason('NOT_RELAYED', 'The change is recorded, but no worker has matched it with subscriptions yet. Is a worker running?');
  if (operation !== topic.operation)
    return reason('OTHER_OPERATION', `The node was ${operation}, but ${topic.key} is about nodes that are ${topic.operation}.`);
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

function reasonOf(delivery: Delivery, last: Attempt | null, { pace }: Subscription): Reason {
  if (delivery.reason === OPERATOR) return reason('WAITS_FOR_OPERATOR', waitsForOperator(delivery));
  const failure = last?.message ? ` ${last.stage ?? 'Result'}: ${last.message}` : '';
  switch (delivery.state) {
    case 'DELIVERED':
      return reason('DELIVERED', `The notification was delivered by attempt ${delivery.attemptCount}.`);
    case 'SKIPPED':
      return delivery.reason === 'DISABLED'
        ? reason('SKIPPED_DISABLED', 'The subscription was disabled when the change happened. A replay sends it.')
        : reason('SKIPPED_VALIDATION', `The notification was skipped.${failure}`);
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
        `The delivery has been due since ${delivery.dueAt.toISOString()}; no worker has claimed it yet. Is a worker running?`,
      );
  }
}

const reason = (code: WhyNotCode, sentence: string): Reason => ({ code, sentence });

function waitsForOperator({ dueAt }: Delivery): string {
  return `The delivery waits for the operator of this API: a fault that your subscription can't change keeps the notification from being built. It is tried again at ${dueAt.toISOString()}, and continues by itself once the fault is corrected. No attempt is counted.`;
}

function paceOf({ state, perSecond, resumesAt }: CurrentPace): string {
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

function conclude(
  subscription: Subscription,
  topic: Topic,
  findings: Finding[],
  { ofOne, since, unrecorded }: { ofOne: boolean; since: Date; unrecorded: string | null },
): Reason {
  if (subscription.status === 'DISABLED') {
    const disabled = `The subscription has been disabled since ${subscription.disabledAt?.toISOString()}.`;
    return reason('SUBSCRIPTION_DISABLED', `${disabled} ${subscription.disabledMessage ?? 'Its owner disabled it.'}`);
  }
  if (subscription.status === 'HELD') return reason('SUBSCRIPTION_HELD', `The definition no longer works: ${subscription.brokenReason}`);
  if (unrecorded !== null) return reason('NOT_CAPTURED', unrecorded);
  const from = since.toISOString();
  if (findings.length === 0) {
    const nothing = `No change of ${ofOne ? `this ${topic.typename}` : `any ${topic.typename}`} was recorded in your organization since ${from}.`;
    const counted =
      'A change is recorded when its transaction commits, unless it changes no announced column or its session disabled capture.';
    return reason('NO_CHANGE', `${nothing} ${counted}`);
  }
  const delivered = findings.filter(({ delivery }) => delivery?.state === 'DELIVERED').length;
  if (delivered === findings.length) return reason('DELIVERED', 'All changes were delivered.');
  const [only] = findings;
  if (only && findings.length === 1) return reason(only.code, only.reason);
  const waiting = findings.filter(({ code }) => code === 'WAITS_FOR_OPERATOR');
  if (waiting.length === findings.length) return reason('WAITS_FOR_OPERATOR', (waiting[0] as Finding).reason);
  const sentences = [
    `${delivered} of the last ${findings.length} changes ${delivered === 1 ? 'was' : 'were'} delivered.`,
    waiting.length > 0 &&
      `${waiting.length} ${waiting.length === 1 ? 'waits' : 'wait'} for the operator of this API and will continue without you.`,
    subscription.pace && paceOf(subscription.pace),
  ];
  return reason('PARTLY_DELIVERED', sentences.filter(Boolean).join(' '));
}
