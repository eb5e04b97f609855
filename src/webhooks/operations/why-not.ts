// Explains for each recent event of a subscription's topic, optionally of one node, whether it was delivered and why not.
import { withArticle } from '../../runtime/article.js';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { NoticedFinding } from '../base/capture-finding.js';
import type { Engine } from '../base/engine.js';
import type { Actor, Delivery, Subscription, Topic } from '../base/model.js';
import { lastAttemptsOf } from '../base/store/attempts.js';
import { deliveriesByIds, type VisibleEvent } from '../base/store/deliveries.js';
import { OPERATOR } from '../base/store/delivery-state.js';
import { countMissed, describeMissed, type MissedEvents } from '../base/store/missed-events.js';
import { neighboursOf } from '../base/store/ordered-deliveries.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import { describeWorkers, readWorkers } from '../base/store/workers.js';
import type { Reason, WhyNotCode } from './why-not-codes.js';
import { paceOf, reason, reasonOf, reasonWithout, type Unmatched } from './why-not-reasons.js';

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

export const IS_HOOK =
  'The subscription is a before-hook: it is called while mutations of this API wait, and receives no events. Its deliveries of the kind BEFORE show the results.';
const MAX_FINDINGS = 20;
/**
 * Maximum number of events to search, newest first. If the question names a node, these are its events; otherwise the events of all tenants
 * and types.
 */
const MAX_EVENTS = 10_000;

/** Explains the recent events of a subscription. Returns `null` when it doesn't exist or belongs to another user. */
export async function whyNot(engine: Engine, actor: Actor, question: WhyNotQuestion): Promise<WhyNot | null> {
  // Read first, so that no pause separates the other reads, and a GraphQL query reads all of them at one moment.
  const captureFindings = await engine.capture.findings();
  const subscription = (await subscriptionsByIds(engine.pool, actor, [question.subscriptionId])).get(question.subscriptionId);
  if (!subscription) return null;
  if (subscription.definition.before) return { code: 'BEFORE_HOOK', conclusion: IS_HOOK, findings: [] };
  const topic = (await topicsByIds(engine.pool, [subscription.topicId])).get(subscription.topicId) as Topic;
  const named = question.nodeId === null ? null : engine.host.fromGlobalId(question.nodeId);
  const since = question.since ?? new Date(Date.now() - 24 * 60 * 60 * 1000);
  if (question.nodeId !== null && named?.typename !== topic.typename) {
    const conclusion = named
      ? `The given id is the id of ${withArticle(named.typename)}, but ${topic.key} is about the type ${topic.typename}.`
      : `The given id is not the id of a node. The topic ${topic.key} is about nodes of the type ${topic.typename}.`;
    return { code: named ? 'OTHER_TYPE' : 'NOT_A_NODE_ID', conclusion, findings: [] };
  }
  const findings = await findingsOf(engine, actor, { subscription, topic, key: named?.key ?? null, since });
  const unrecorded = whyUnrecorded(captureFindings, topic, findings.length === 0);
  const missed = subscription.disabledAt && (await countMissed(engine.pool, subscription.id, subscription.disabledAt));
  const { code, sentence } = conclude(subscription, topic, findings, { ofOne: named !== null, since, unrecorded, missed });
  return { code, conclusion: sentence, findings };
}

/**
 * Returns why changes of the topic's type are not recorded; `null` when this process's periodic check of the triggers has found no reason.
 */
function whyUnrecorded(found: NoticedFinding[], { typename }: Topic, isNothingRecorded: boolean): string | null {
  const concerned = found.filter((found) => found.typename === typename);
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

interface Row extends VisibleEvent, Unmatched {
  deliveryId: string | null;
  /** The time until which a worker has claimed the delivery; `null` when none has. */
  leasedUntil: Date | null;
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
  const [deliveries, attempts, found] = await Promise.all([
    deliveriesByIds(pool, actor, deliveryIds),
    lastAttemptsOf(pool, actor, deliveryIds),
    readWorkers(pool),
  ]);
  const neighbours = await neighboursOf(pool, deliveries.values());
  const workers = describeWorkers(found);
  return rows.map((row) => {
    const { id, occurredAt, typename, nodeKey, operation, changed, before, after } = row;
    const event: VisibleEvent = { id, occurredAt, typename, nodeKey, operation, changed, before, after };
    const delivery = deliveries.get(row.deliveryId ?? '') ?? null;
    const last = delivery && (attempts.get(delivery.id) ?? null);
    const { code, sentence } = delivery
      ? reasonOf(delivery, { last, leasedUntil: row.leasedUntil, subscription, workers, neighbour: neighbours.get(delivery.id) })
      : reasonWithout(row, event.operation, topic, workers);
    return { event, delivery, code, reason: sentence };
  });
}

/** Returns sentences about the numbers of waiting and of held deliveries; each is `null` if there are none. */
function waitingOf(findings: Finding[]): (string | null)[] {
  const deliveries = findings.flatMap(({ delivery }) => delivery ?? []);
  const open = deliveries.filter(({ state }) => state === 'PENDING' || state === 'RETRYING');
  const [next] = open.map(({ dueAt }) => dueAt).sort((a, b) => a.getTime() - b.getTime());
  const ofOperator = open.filter((delivery) => delivery.reason === OPERATOR).length;
  const held = deliveries.filter(({ state }) => state === 'HELD').length;
  return [
    next ? `${open.length} ${open.length === 1 ? 'waits' : 'wait'}; the next attempt is due at ${next.toISOString()}.` : null,
    ofOperator > 0 ? `${ofOperator} of them ${ofOperator === 1 ? 'waits' : 'wait'} until the operator of this API corrects a fault.` : null,
    held > 0 ? `${held} ${held === 1 ? 'is' : 'are'} held; the findings say until when.` : null,
  ];
}

/** Says which command sends missed events. */
const replayOf = ({ id }: Subscription, from: Date): string =>
  `\`hookgraph replay ${id} --from ${from.toISOString()}\` (\`replayWebhookEvents\`)`;

/** Says how many of the events were missed while the subscription was disabled; `null` when none was. */
function missedOf(subscription: Subscription, findings: Finding[]): string | null {
  const missed = findings.filter(({ code }) => code === 'SKIPPED_DISABLED');
  const first = missed.at(-1);
  if (!first) return null;
  const count = missed.length === 1 ? '1 was' : `${missed.length} were`;
  const them = missed.length === 1 ? 'it' : 'them';
  return `${count} missed while the subscription was disabled; ${replayOf(subscription, first.event.occurredAt)} sends ${them}.`;
}

function conclude(
  subscription: Subscription,
  topic: Topic,
  findings: Finding[],
  { ofOne, since, unrecorded, missed }: { ofOne: boolean; since: Date; unrecorded: string | null; missed: MissedEvents | null },
): Reason {
  if (subscription.status === 'DISABLED') {
    const disabled = `The subscription has been disabled since ${subscription.disabledAt?.toISOString()}.`;
    const counted = missed && describeMissed(missed);
    const what = counted
      ? ` ${counted.charAt(0).toUpperCase()}${counted.slice(1)}; enable the subscription, then send ${missed.count === 1 ? 'it' : 'them'} with ${replayOf(subscription, missed.since)}.`
      : '';
    return reason('SUBSCRIPTION_DISABLED', `${disabled} ${subscription.disabledMessage ?? 'Its owner disabled it.'}${what}`);
  }
  if (subscription.status === 'HELD') return reason('SUBSCRIPTION_HELD', `The definition no longer works: ${subscription.brokenReason}`);
  if (unrecorded !== null) return reason('NOT_CAPTURED', unrecorded);
  const from = since.toISOString();
  if (findings.length === 0) {
    const nothing = `No change of ${ofOne ? `this ${topic.typename}` : `any ${topic.typename}`} was recorded in your organization since ${from}.`;
    const counted =
      'A change is recorded when its transaction commits, unless it changes no announced column, is undone by the same transaction, or its session disabled capture.';
    return reason('NO_CHANGE', `${nothing} ${counted}`);
  }
  const delivered = findings.filter(({ delivery }) => delivery?.state === 'DELIVERED').length;
  if (delivered === findings.length) return reason('DELIVERED', 'All changes were delivered.');
  const [only] = findings;
  if (only && findings.length === 1) return reason(only.code, only.reason);
  const sentences = [
    `${delivered} of the last ${findings.length} changes ${delivered === 1 ? 'was' : 'were'} delivered.`,
    missedOf(subscription, findings),
    ...waitingOf(findings),
    subscription.pace && paceOf(subscription.pace),
  ];
  return reason('PARTLY_DELIVERED', sentences.filter(Boolean).join(' '));
}
