// Tests a saved subscription: sends its newest node once, records the delivery, and reports every stage.

import type { Engine } from '../base/engine.js';
import { type Problem, WebhooksError } from '../base/errors.js';
import type { Actor, Snapshot, Subscription, Topic } from '../base/model.js';
import { EgressFailed } from '../base/network/guard.js';
import { openContext } from '../base/recall.js';
import type { StageReport } from '../base/report.js';
import { loadForSending, subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import { compileDefinition } from '../compile-definition.js';
import { readCancel } from '../gate/read-cancel.js';
import { buildPayload } from '../payload/build-payload.js';
import { type DeliverySender, openDeliverySender, type SentRequest } from '../send-delivery.js';
import type { AttemptRecord } from '../verdict/attempt-result.js';
import { judge } from '../verdict/judge.js';
import { readError } from '../verdict/read-error.js';
import { nextDeliveryId, recordTest } from '../verdict/record-test.js';
import { eventOf, findLastNode } from './find-node.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';
import { inOrder, OWNER_GONE, refused, type TryResult } from './try-result.js';

/**
 * Sends the newest node of the topic's type once, from this process, even if the validation template rejects it or the subscription
 * is disabled.
 * @throws WebhooksError SECRETS_UNREADABLE when the secrets can't be decrypted
 * @throws Error for an internal failure
 */
export async function testSubscription(engine: Engine, actor: Actor, id: string): Promise<TryResult> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const own = (await subscriptionsByIds(engine.pool, actor, [id])).get(id);
  if (!own) return refused(NOT_FOUND);
  const sendable = (await loadForSending(engine, [own.id])).get(own.id);
  if (!sendable) throw new WebhooksError('SECRETS_UNREADABLE', `The secrets of the subscription ${own.id} can't be opened.`);
  const { subscription } = sendable;
  const topic = (await topicsByIds(engine.pool, [subscription.topicId])).get(subscription.topicId) as Topic;
  const compiled = await compileDefinition(engine, sendable);
  if ('broken' in compiled) return refused({ field: 'base', message: compiled.broken });
  const found = await findLastNode(engine, actor, topic);
  if ('problem' in found) return refused(found.problem);
  const { node } = found;

  const [deliveryId, contextOf] = await Promise.all([nextDeliveryId(engine.pool), engine.host.contextFor(actor)]);
  if (!contextOf) return refused(OWNER_GONE);
  const startedAt = new Date();
  const started = performance.now();
  const told: StageReport[] = [];
  const watch = (report: StageReport) => void told.push(report);
  const event = compiled.event && (await eventOf(engine, actor, topic, node));
  const sources = () => ({ open: (overlay: Snapshot[]) => openContext(engine.host, contextOf, overlay), overlay: node.overlay, event });
  const payload = await buildPayload(engine, compiled, { ...node, id: deliveryId, kind: 'TEST' }, sources, watch);
  const { queryMs, renderMs } = payload;
  let attempt: AttemptRecord;
  if (payload.outcome !== 'READY') {
    const { outcome, stage, message } = payload;
    attempt = { ...attemptOf(subscription, startedAt, started), outcome, stage, message, timings: { queryMs, renderMs } };
  } else {
    const withinMs = subscription.definition.before?.timeoutMs;
    const { typename, nodeKey } = node;
    const ids = { deliveryId, typename, nodeKey, eventId: null };
    const sent = await sendOnce(engine, withinMs, (sender) => sender.send(compiled, ids, payload.body, watch));
    if ('problem' in sent) return refused(sent.problem);
    const { request, answer } = sent;
    const response = answer.kind === 'REPLY' ? { status: answer.status, headers: answer.headers, body: answer.body } : null;
    const about = { attemptCount: 0, ageMs: 0, nowMs: Date.now(), random: 0 };
    const cancel = subscription.definition.before ? readCancel(answer) : null;
    const judged = judge(answer, await readError(engine, compiled, answer, payload.event, watch), compiled.retry, about);
    const { outcome, stage } = judged;
    const message = cancel === null ? judged.message : `It would refuse the write: ${cancel}`;
    const failed = stage !== null && stage !== 'ERROR_TEMPLATE';
    if (stage !== 'AUTH' || !told.some((one) => one.stage === 'AUTH'))
      told.push({
        stage: stage === 'AUTH' ? 'AUTH' : 'SEND',
        outcome: failed ? 'FAILED' : 'OK',
        input: request,
        output: response,
        message: failed ? message : null,
        durationMs: answer.sendMs,
      });
    const timings = { queryMs, renderMs, sendMs: answer.sendMs };
    attempt = { ...attemptOf(subscription, startedAt, started), outcome, stage, message, timings, request, response };
  }
  // The caller sees the unmasked report once; masking applies to the stored record.
  const recorded = compiled.recorder?.(attempt) ?? attempt;
  await recordTest(engine.pool, {
    deliveryId,
    subscriptionId: own.id,
    topicId: topic.id,
    actor,
    ...node,
    attempt: recorded,
  });
  const { outcome, stage, message, request, response, durationMs } = attempt;
  const stages = inOrder(told);
  const ended = outcome === 'DELIVERED' ? outcome : 'FAILED';
  return {
    problems: [],
    report: { typename: node.typename, nodeKey: node.nodeKey, outcome: ended, stage, message, stages, request, response, durationMs },
    deliveryId,
  };
}

/**
 * Sends with a new sender, so that no worker needs to run and no cached OAuth token is used. A failure of the installation's own
 * proxy is returned as a problem and not recorded as an attempt.
 */
async function sendOnce(
  engine: Engine,
  withinMs: number | undefined,
  send: (sender: DeliverySender) => Promise<SentRequest>,
): Promise<SentRequest | { problem: Problem }> {
  const sender = openDeliverySender(engine, withinMs);
  try {
    return await send(sender);
  } catch (error) {
    if (!(error instanceof EgressFailed)) throw error;
    engine.log.error({ err: error }, 'a test could not be sent for a reason of ours');
    return { problem: { field: 'base', message: "nothing could be sent: this installation's own way out of its network fails" } };
  } finally {
    await sender.close();
  }
}

function attemptOf({ version }: Subscription, startedAt: Date, started: number) {
  return { subscriptionVersion: version, startedAt, durationMs: performance.now() - started, request: null, response: null };
}
