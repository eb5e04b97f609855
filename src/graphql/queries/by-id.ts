// Adds root fields that find one object of each Hookgraph type by its id, because not every host has the root field `node(id:)`.
import type { ObjectRef } from '@pothos/core';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { keyOfId, loadOwn, type OwnTypename } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';

export function addById(builder: Builder, access: AccessOf, types: WebhookTypes): void {
  const found = {
    WebhookSubscription: [types.subscription.ref, 'Your subscription with this id; `null` when you have no such subscription.'],
    WebhookDelivery: [types.delivery.ref, 'The delivery with this id, if it is for one of your subscriptions; else `null`.'],
    WebhookAttempt: [types.attempt.ref, 'The attempt with this id, if it is for one of your subscriptions; else `null`.'],
    WebhookError: [types.error.ref, 'The error with this id, if it is for one of your subscriptions and was not dismissed; else `null`.'],
    WebhookEvent: [types.event.ref, 'The event with this id, if one of your subscriptions has a delivery of it; else `null`.'],
    WebhookReplay: [types.replay.ref, 'The replay with this id, if it is to one of your subscriptions; else `null`.'],
    WebhookBulkAction: [
      types.bulkAction.ref,
      'Your action on many deliveries or errors with this id; `null` when you have no such action.',
    ],
  } satisfies Partial<Record<OwnTypename, [unknown, string]>>;
  for (const [typename, [type, description]] of Object.entries(found) as [OwnTypename, [ObjectRef<Types, object>, string]][])
    builder.queryField(`w${typename.slice(1)}`, (t) =>
      t.field({
        type,
        description,
        args: { id: t.arg.id({ required: true, description: 'The global id of the object, or its `databaseId`.' }) },
        resolve: (_root, { id }, ctx) => {
          const own = access(ctx);
          return loadOwn(own, typename, keyOfId(own.engine, typename, id));
        },
      }),
    );
}
