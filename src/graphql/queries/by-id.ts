// Adds root fields that find one object by its id, for hosts with and without `node(id:)`.
import type { ObjectRef } from '@pothos/core';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { keyOfId, loadOwn, type OwnTypename } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';

export function addById(builder: Builder, access: AccessOf, types: WebhookTypes): void {
  const found = {
    WebhookSubscription: [types.subscription.ref, 'Your subscription with this id; null when there is none.'],
    WebhookDelivery: [types.delivery.ref, 'The delivery with this id, to a subscription of yours; null when there is none.'],
    WebhookAttempt: [types.attempt.ref, 'The attempt with this id, of a delivery to a subscription of yours; null when there is none.'],
    WebhookError: [types.error.ref, 'The error with this id, of a subscription of yours; null when there is none or it was dismissed.'],
    WebhookEvent: [types.event, 'The event with this id, which a subscription of yours was told of; null when there is none.'],
    WebhookReplay: [types.replay.ref, 'The replay with this id, to a subscription of yours; null when there is none.'],
  } satisfies Partial<Record<OwnTypename, [unknown, string]>>;
  for (const [typename, [type, description]] of Object.entries(found) as [OwnTypename, [ObjectRef<Types, object>, string]][])
    builder.queryField(`w${typename.slice(1)}`, (t) =>
      t.field({
        type,
        description,
        args: { id: t.arg.id({ required: true, description: 'Its global id, or the id of the record.' }) },
        resolve: (_root, { id }, ctx) => {
          const own = access(ctx);
          return loadOwn(own, typename, keyOfId(own.engine, typename, id));
        },
      }),
    );
}
