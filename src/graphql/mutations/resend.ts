// Adds the mutations that release held deliveries and resend a delivery.

import { type Released, type Resent, releaseHeldDeliveries, resendDelivery } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf } from '../user-error.js';

interface Parts {
  types: WebhookTypes;
  userError: UserErrorRef;
}

const blank = (field: string) => ({ problems: [{ field, message: "can't be blank", type: 'BLANK' as const }] });

export function addSendAgain(builder: Builder, access: AccessOf, parts: Parts): void {
  addRelease(builder, access, parts);
  addResend(builder, access, parts);
}

function addRelease(builder: Builder, access: AccessOf, { types, userError }: Parts): void {
  const wrapped = builder.inputType('ReleaseWebhookDeliveriesInput', {
    description: 'The `input` argument of `releaseWebhookDeliveries`.',
    fields: (t) => ({ webhookSubscriptionId: t.id({ description: 'The id of the subscription.' }) }),
  });
  const payload = builder.objectRef<Released & Answered>('ReleaseWebhookDeliveriesPayload').implement({
    description: 'The result of `releaseWebhookDeliveries`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why no delivery was released; empty on success.')),
      releasedCount: t.exposeInt('count', { nullable: false, description: 'The number of released deliveries; they are due now.' }),
      webhookSubscription: t.field({
        type: types.subscription.ref,
        description: 'The subscription; `null` when there are errors.',
        resolve: ({ subscription }) => subscription,
      }),
    }),
  });
  builder.mutationField('releaseWebhookDeliveries', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'Send all held deliveries of a subscription now. Their earlier attempts still count towards the limits for retries.',
      args: {
        webhookSubscriptionId: t.arg.id({ description: 'The id of the subscription.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { webhookSubscriptionId: plain, input }, ctx) => {
        const { engine, actor } = access(ctx);
        const id = plain ?? input?.webhookSubscriptionId;
        const path = plain == null && input ? ['input'] : [];
        if (id == null) return { ...blank('webhookSubscriptionId'), subscription: null, count: 0, path };
        return { ...(await releaseHeldDeliveries(engine, actor, keyOfId(engine, 'WebhookSubscription', id))), path };
      },
    }),
  );
}

const AS_NEW =
  'Whether a new delivery is sent, with new ids in its headers, so that a receiver that ignores repetitions takes it. Default: false.';

function addResend(builder: Builder, access: AccessOf, { types, userError }: Parts): void {
  const wrapped = builder.inputType('ResendWebhookDeliveryInput', {
    description: 'The `input` argument of `resendWebhookDelivery`.',
    fields: (t) => ({
      id: t.id({ description: 'The id of the delivery.' }),
      asNew: t.boolean({ description: AS_NEW }),
    }),
  });
  const payload = builder.objectRef<Resent & Answered>('ResendWebhookDeliveryPayload').implement({
    description: 'The result of `resendWebhookDelivery`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why the delivery is not resent; empty on success.')),
      webhookDelivery: t.field({
        type: types.delivery.ref,
        description: 'The delivery that is due now: with `asNew` a new one, otherwise the same; `null` when there are errors.',
        resolve: ({ delivery }) => delivery,
      }),
    }),
  });
  builder.mutationField('resendWebhookDelivery', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Resend a delivery in any state at once: a further attempt of the same delivery, which a receiver that already has it may drop, or with `asNew` a new delivery, which the receiver takes.',
      args: {
        id: t.arg.id({ description: 'The id of the delivery.' }),
        asNew: t.arg.boolean({ description: AS_NEW }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { id: plain, asNew, input }, ctx) => {
        const { engine, actor, loaders } = access(ctx);
        const id = plain ?? input?.id;
        const path = plain == null && input ? ['input'] : [];
        if (id == null) return { ...blank('id'), delivery: null, path };
        const result = await resendDelivery(engine, actor, keyOfId(engine, 'WebhookDelivery', id), {
          asNew: asNew ?? input?.asNew ?? false,
        });
        if (result.delivery) loaders.delivery.clear(result.delivery.id);
        return { ...result, path };
      },
    }),
  );
}
