// A type of the host's that groups subscriptions in, its field `webhookSubscriptions` out.
import type { ObjectRef } from '@pothos/core';
import type { Builder, Types } from '../../sample/graph/builder.js';
import { cursorOfSubscription } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import { toConnection } from '../connection.js';
import type { WebhookTypes } from './index.js';

export interface GroupType {
  type: ObjectRef<Types, object>;
  /** The key that the engine knows a row by. */
  keyOf(row: object): string;
}

export function addGroups(
  builder: Builder,
  access: AccessOf,
  { types: { subscription }, integration }: { types: WebhookTypes; integration: GroupType },
): void {
  builder.objectField(integration.type, 'webhookSubscriptions', (t) =>
    t.connection(
      {
        type: subscription.ref,
        nullable: false,
        description: 'Your subscriptions that belong to it, the oldest first.',
        args: {
          topicKey: t.arg.string({ description: 'Only those to this topic, e.g. `user/created`.' }),
          disabled: t.arg.boolean({ description: 'Only those that are switched off, or only those that are not.' }),
        },
        resolve: async (row, args, ctx) => {
          const { loaders } = access(ctx);
          const filter = { topicKey: args.topicKey, disabled: args.disabled };
          const key = integration.keyOf(row);
          const page = await loaders.subscriptionsOf({ filter, page: pageOf(args) }).load(key);
          return toConnection(page, cursorOfSubscription, () => loaders.subscriptionCountOf(filter).load(key));
        },
      },
      subscription.connection,
      subscription.edge,
    ),
  );
}
