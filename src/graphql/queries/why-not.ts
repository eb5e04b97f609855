// Adds the query that explains why a notification was not sent.

import { type Finding, WHY_NOT_CODES, type WhyNot, whyNot } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import { describe } from '../types/enums.js';
import type { WebhookTypes } from '../types/index.js';

export function addWhyNot(builder: Builder, access: AccessOf, { event, delivery }: WebhookTypes): void {
  const code = builder.enumType('WebhookWhyNotCode', {
    description: 'A reason of why-not. Codes are stable; the sentence beside one may change.',
    values: describe(WHY_NOT_CODES),
  });
  const finding = builder.objectRef<Finding>('WebhookFinding').implement({
    description: 'What came of one change, or why nothing did.',
    fields: (t) => ({
      event: t.field({ type: event, nullable: false, description: 'The change.', resolve: (found) => found.event }),
      delivery: t.field({
        type: delivery.ref,
        description: 'The delivery that tells of it, the newest one; null when there is none.',
        resolve: (found) => found.delivery,
      }),
      code: t.field({ type: code, nullable: false, description: 'The reason, for programs.', resolve: (found) => found.code }),
      reason: t.exposeString('reason', { nullable: false, description: 'What came of it and why, in a sentence.' }),
    }),
  });
  const answer = builder.objectRef<WhyNot>('WebhookWhyNot').implement({
    description: 'Why a subscription did not hear of something.',
    fields: (t) => ({
      code: t.field({
        type: code,
        nullable: false,
        description: 'The most likely reason, for programs.',
        resolve: (answer) => answer.code,
      }),
      conclusion: t.exposeString('conclusion', { nullable: false, description: 'The most likely reason, in a sentence.' }),
      findings: t.field({
        type: [finding],
        nullable: { list: false, items: false },
        description: 'The last changes that it might have heard of, up to 20, the newest first.',
        resolve: ({ findings }) => findings,
      }),
    }),
  });
  builder.queryField('webhookWhyNot', (t) =>
    t.field({
      type: answer,
      description: 'Why nothing came: what became of the last changes of a node, or of all nodes. Null: no such subscription of yours.',
      args: {
        webhookSubscriptionId: t.arg.id({ required: true, description: 'The id of the subscription.' }),
        nodeId: t.arg.id({ description: 'The id of the node that nothing was heard of; absent: of any.' }),
        since: t.arg({ type: 'DateTime', description: 'Only changes at this moment or later; absent: those of the last day.' }),
      },
      resolve: (_root, { webhookSubscriptionId, nodeId, since }, ctx) => {
        const { engine, actor } = access(ctx);
        const subscriptionId = keyOfId(engine, 'WebhookSubscription', String(webhookSubscriptionId));
        return whyNot(engine, actor, { subscriptionId, nodeId: nodeId == null ? null : String(nodeId), since: since ?? null });
      },
    }),
  );
}
