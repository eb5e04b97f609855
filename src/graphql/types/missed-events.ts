// Adds the GraphQL type WebhookMissedEvents: the events that a subscription missed while it was disabled.
import type { ObjectRef } from '@pothos/core';
import { describeMissed, type MissedEvents, type Subscription } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';

/** `subscriptionId`: the subscription that missed the events. */
export type Missed = MissedEvents & { subscriptionId: string };

export function addMissedEvents(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>) {
  const ref = builder.objectRef<Missed>('WebhookMissedEvents').implement({
    description: 'The events that happened while a subscription was disabled. They are not sent by themselves; a replay sends them.',
    fields: (t) => ({
      count: t.exposeInt('count', { nullable: false, description: 'The number of events, counted up to 10,000.' }),
      isAtLeast: t.exposeBoolean('isAtLeast', { nullable: false, description: 'Whether there may be more events than `count`.' }),
      since: t.expose('since', { type: 'DateTime', nullable: false, description: 'The `from` of a replay that sends all of them.' }),
      message: t.string({
        nullable: false,
        description: 'The number of missed events in a sentence, with the mutation that sends them.',
        resolve: ({ subscriptionId, ...missed }, _args, ctx) => {
          const id = access(ctx).engine.host.toGlobalId('WebhookSubscription', subscriptionId);
          const mutation = `replayWebhookEvents(webhookSubscriptionId: ${JSON.stringify(id)}, from: ${JSON.stringify(missed.since)})`;
          return `${describeMissed(missed)}; send them with ${mutation}.`;
        },
      }),
    }),
  });
  builder.objectField(subscription, 'missedEvents', (t) =>
    t.field({
      type: ref,
      description:
        'The events that the subscription missed since it was last disabled, counted up to 1,000; `null` when it missed none. A replay may have sent them since.',
      resolve: async ({ id }, _args, ctx) => {
        const missed = await access(ctx).loaders.missedOf.load(id);
        return missed && { ...missed, subscriptionId: id };
      },
    }),
  );
  return ref;
}
