// Adds the mutation that sends the current nodes of a topic's type to a subscription.
import type { ObjectRef } from '@pothos/core';
import { type Replayed, snapshotSubscription } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { Answered } from '../user-error.js';

interface Parts {
  payload: ObjectRef<Types, Replayed & Answered>;
  /** Returns the payload with the error that a required field is missing. */
  blank(field: string): Replayed;
}

export function addSnapshot(builder: Builder, access: AccessOf, { payload, blank }: Parts): void {
  const target = builder.inputType('SnapshotWebhookSubscriptionInput', {
    description: 'The `input` argument of `snapshotWebhookSubscription`.',
    fields: (t) => ({ webhookSubscriptionId: t.id({ description: 'The id of the subscription.' }) }),
  });
  builder.mutationField('snapshotWebhookSubscription', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Send the current nodes of the topic’s type to a subscription, each as a new delivery, as if it had just been created or updated. A node of which a live delivery is made meanwhile is left out. It does not delay new events. Only for `created` and `updated` topics.',
      args: {
        webhookSubscriptionId: t.arg.id({ description: 'The id of the subscription.' }),
        input: t.arg({ type: target, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { webhookSubscriptionId: plain, input }, ctx) => {
        const { engine, actor } = access(ctx);
        const id = plain ?? input?.webhookSubscriptionId;
        const path = plain == null && input ? ['input'] : [];
        if (id == null) return { ...blank('webhookSubscriptionId'), path };
        return { ...(await snapshotSubscription(engine, actor, keyOfId(engine, 'WebhookSubscription', id))), path };
      },
    }),
  );
}
