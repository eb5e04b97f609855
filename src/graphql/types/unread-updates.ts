// Adds the GraphQL type WebhookUnreadUpdates: how many of the last updates changed nothing that a subscription reads.
import type { ObjectRef } from '@pothos/core';
import type { Subscription, UnreadUpdates } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';

const numbers = new Intl.NumberFormat('en-US');

export function addUnreadUpdates(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>): void {
  const ref = builder.objectRef<UnreadUpdates & { skips: boolean }>('WebhookUnreadUpdates').implement({
    description: 'The updates, among the last 1,000 deliveries, that changed no field which the query or a template reads.',
    fields: (t) => ({
      totalCount: t.exposeInt('considered', { nullable: false, description: 'The number of updates among the last 1,000 deliveries.' }),
      unreadCount: t.exposeInt('unread', { nullable: false, description: 'The number of them that changed nothing which is read.' }),
      message: t.string({
        nullable: false,
        description: 'Both numbers in a sentence.',
        resolve: ({ considered, unread, skips }) => {
          const counted = `Of the last ${numbers.format(considered)} updates ${numbers.format(unread)} touched nothing that you read`;
          return skips || unread === 0 ? `${counted}.` : `${counted}; \`skipUnread\` skips such updates.`;
        },
      }),
    }),
  });
  builder.objectField(subscription, 'unreadUpdates', (t) =>
    t.field({
      type: ref,
      description:
        'The last updates, and the number of them that `skipUnread` skips, or would skip. `null` when there was no update, the topic is not one like `user/updated`, or a change of any column may matter.',
      resolve: async ({ id, definition }, _args, ctx) => {
        const counted = await access(ctx).loaders.unreadUpdatesOf.load(id);
        return counted && { ...counted, skips: definition.skipUnread === true };
      },
    }),
  );
}
