// Adds the query that explains why a notification was not sent.

import { type Decision, type Finding, type WhyNot, whyNot } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';

export function addWhyNot(builder: Builder, access: AccessOf, { event, delivery, subscription, enums }: WebhookTypes): void {
  const { whyNotCode: code } = enums;
  const finding = builder.objectRef<Finding>('WebhookFinding').implement({
    description: 'A change, and why its notification was or was not sent.',
    fields: (t) => ({
      event: t.field({
        type: event.ref,
        nullable: false,
        description: 'The recorded change of the node.',
        resolve: (found) => found.event,
      }),
      delivery: t.field({
        type: delivery.ref,
        description: 'The newest delivery of this change; `null` when there is none.',
        resolve: (found) => found.delivery,
      }),
      code: t.field({
        type: code,
        nullable: false,
        description: 'Why the notification was or was not sent, for programs.',
        resolve: (found) => found.code,
      }),
      reason: t.exposeString('reason', { nullable: false, description: 'Why the notification was or was not sent, in a sentence.' }),
    }),
  });
  const decision = builder.objectRef<Decision>('WebhookDecision').implement({
    description: 'The decision about an event for a subscription, and why it was made.',
    fields: (t) => ({
      webhookSubscription: t.field({
        type: subscription.ref,
        nullable: false,
        description: 'The subscription.',
        resolve: (decided) => decided.subscription,
      }),
      delivery: t.field({
        type: delivery.ref,
        description: 'The newest delivery of the event to the subscription; `null` when there is none.',
        resolve: (decided) => decided.delivery,
      }),
      code: t.field({
        type: code,
        nullable: false,
        description: 'Why the notification was or was not sent, for programs.',
        resolve: (decided) => decided.code,
      }),
      reason: t.exposeString('reason', { nullable: false, description: 'Why the notification was or was not sent, in a sentence.' }),
    }),
  });
  builder.objectField(event.ref, 'decisions', (t) =>
    t.field({
      type: [decision],
      nullable: { list: false, items: false },
      description: 'The decision about the event for each of your subscriptions to topics of its node type, those to its operation first.',
      resolve: ({ id }, _args, ctx) => access(ctx).loaders.decisionsOf.load(id),
    }),
  );
  const answer = builder.objectRef<WhyNot>('WebhookWhyNot').implement({
    description: 'The explanation why a subscription did not send a notification.',
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
        description: 'The last changes that could concern the subscription, up to 20, newest first.',
        resolve: ({ findings }) => findings,
      }),
    }),
  });
  builder.queryField('webhookWhyNot', (t) =>
    t.field({
      type: answer,
      description:
        'Explain why a notification was not sent, by the last changes of a node or of all nodes. `null` when you have no such subscription.',
      args: {
        webhookSubscriptionId: t.arg.id({ required: true, description: 'The id of the subscription.' }),
        nodeId: t.arg.id({ description: 'The id of the node whose notification is missing. Default: all nodes.' }),
        since: t.arg({ type: 'DateTime', description: 'Only changes at this time or later. Default: one day ago.' }),
      },
      resolve: (_root, { webhookSubscriptionId, nodeId, since }, ctx) => {
        const { reading: engine, actor } = access(ctx);
        const subscriptionId = keyOfId(engine, 'WebhookSubscription', String(webhookSubscriptionId));
        return whyNot(engine, actor, { subscriptionId, nodeId: nodeId == null ? null : String(nodeId), since: since ?? null });
      },
    }),
  );
}
