// Tests a saved subscription: sends a notification about the newest node once, records the delivery, and reports every stage.

import type { Engine } from '../base/engine.js';
import { type Problem, WebhooksError } from '../base/errors.js';
import type { Actor, Topic } from '../base/model.js';
import { EgressFailed } from '../base/network/guard.js';
import { OWNER_GONE_PROBLEM } from '../base/owner-gone.js';
import { openContext } from '../base/recall.js';
import type { StageReport } from '../base/report.js';
import { loadForSending, subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import { compileDefinition } from '../compile-definition.js';
import { readCancel } from '../gate/read-cancel.js';
import { type DeliverySender, openDeliverySender } from '../send-delivery.js';
import { type Ended, onlyAttempt, runStages } from '../stages.js';
import { AttemptStart } from '../verdict/attempt-record.js';
import { nextDeliveryId, recordTest } from '../verdict/record-test.js';
import { eventOf, findLastNode, findNode } from './find-node.js';
import { NOT_ALLOWED, NOT_FOUND } from './save.js';
import { inOrder, refused, type TryResult } from './try-result.js';

/**
 * Sends this node, or the newest node of the topic's type, once, from this process, even if the validation template rejects it or the
 * subscription is disabled.
 * @throws WebhooksError SECRETS_UNREADABLE when the secrets can't be decrypted
 * @throws Error for an internal failure
 */
export async function testSubscription(engine: Engine, actor: Actor, id: string, nodeId: string | null = null): Promise<TryResult> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const own = (await subscriptionsByIds(engine.pool, actor, [id])).get(id);
  if (!own) return refused(NOT_FOUND);
  const sendable = (await loadForSending(engine, [own.id])).get(own.id);
  if (!sendable)
    throw new WebhooksError('SECRETS_UNREADABLE', `The secrets of the subscription ${own.id} can't be decrypted; the log says why.`);
  const { subscription } = sendable;
  const topic = (await topicsByIds(engine.pool, [subscription.topicId])).get(subscription.topicId) as Topic;
  const compiled = await compileDefinition(engine, sendable);
  if ('broken' in compiled) return refused({ field: 'base', message: compiled.broken });
  const found = await (nodeId === null ? findLastNode(engine, actor, topic) : findNode(engine, actor, topic, nodeId));
  if ('problem' in found) return refused(found.problem);
  const { node } = found;

  const [deliveryId, contextOf] = await Promise.all([nextDeliveryId(engine.pool), engine.host.contextFor(actor)]);
  if (!contextOf) return refused(OWNER_GONE_PROBLEM);
  const reports: StageReport[] = [];
  const event = compiled.event && (await eventOf(engine, actor, topic, node));
  const { typename, nodeKey, overlay } = node;
  const start = new AttemptStart(compiled, {
    id: deliveryId,
    eventId: null,
    replayId: null,
    kind: 'TEST',
    typename,
    nodeKey,
    attemptCount: 0,
  });
  const { before } = subscription.definition;
  const ended = await sendOnce(engine, before?.timeoutMs, ({ send }) =>
    runStages(engine, compiled, {
      start,
      send,
      sources: () => ({ open: (rows) => openContext(engine.host, contextOf, rows), overlay, event }),
      circumstances: onlyAttempt,
      watch: (report) => void reports.push(report),
    }),
  );
  if ('problem' in ended) return refused(ended.problem);
  const cancel = before && ended.answer ? readCancel(ended.answer) : null;
  const attempt = cancel === null ? ended.attempt : { ...ended.attempt, message: `The receiver would refuse the write: ${cancel}` };
  // Only the stored record is masked; the user who runs the test gets the unmasked report.
  await recordTest(engine, actor, { topicId: topic.id, attempt: compiled.recorder?.(attempt) ?? attempt });
  const { stage, message, request, response, durationMs } = attempt;
  const outcome = attempt.outcome === 'DELIVERED' ? 'DELIVERED' : 'FAILED';
  return {
    problems: [],
    report: { typename, nodeKey, outcome, stage, message, stages: inOrder(reports), request, response, durationMs },
    changedSecrets: [],
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
  run: (sender: DeliverySender) => Promise<Ended | null>,
): Promise<Ended | { problem: Problem }> {
  const sender = openDeliverySender(engine, withinMs);
  try {
    // `run` returns `null` only if its `maySend` forbids the request, and a test has no `maySend`.
    return (await run(sender)) as Ended;
  } catch (error) {
    if (!(error instanceof EgressFailed)) throw error;
    engine.log.error({ err: error }, "sending a test failed: this installation's outgoing network does not work");
    return { problem: { field: 'base', message: "the test was not sent: this installation's outgoing network does not work" } };
  } finally {
    await sender.close();
  }
}
