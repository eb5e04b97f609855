// Adds the mutations that test and preview a subscription.

import { previewSubscription, type TryResult, testSubscription } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import { type InputRef, readAsked } from '../types/input.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf, warningsOf } from '../user-error.js';

interface Parts {
  types: WebhookTypes;
  userError: UserErrorRef;
  input: InputRef;
}

export function addTryOut(builder: Builder, access: AccessOf, parts: Parts): void {
  addTest(builder, access, parts);
  addPreview(builder, access, parts);
}

function addTest(builder: Builder, access: AccessOf, { types, userError }: Parts): void {
  const wrapped = builder.inputType('TestWebhookSubscriptionInput', {
    description: 'What `testWebhookSubscription` takes in its `input` form.',
    fields: (t) => ({ id: t.id({ description: 'The id of the subscription.' }) }),
  });
  const payload = builder.objectRef<TryResult & Answered>('TestWebhookSubscriptionPayload').implement({
    description: 'What `testWebhookSubscription` answers.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'Why nothing was sent; empty when something was, however that ended.')),
      report: t.field({
        type: types.report,
        description: 'What happened, stage by stage; null when there are errors.',
        resolve: ({ report }) => report,
      }),
      webhookDelivery: t.field({
        type: types.delivery.ref,
        description: 'How it was recorded: of kind TEST, with one attempt; null when there are errors.',
        resolve: ({ deliveryId }, _args, ctx) => (deliveryId === null ? null : access(ctx).loaders.delivery.load(deliveryId)),
      }),
    }),
  });
  builder.mutationField('testWebhookSubscription', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        "Sends the last node of the topic's type now (of a `deleted` topic: the last one deleted), once, whatever the validation template says and also when the subscription is disabled. It never counts towards disabling it.",
      args: {
        id: t.arg.id({ description: 'The id of the subscription.' }),
        input: t.arg({ type: wrapped, description: 'The same, one level deeper.' }),
      },
      resolve: async (_root, { id: plain, input }, ctx) => {
        const { engine, actor } = access(ctx);
        const id = plain ?? input?.id;
        const path = plain == null && input ? ['input'] : [];
        if (id == null)
          return { problems: [{ field: 'id', message: "can't be blank", type: 'BLANK' as const }], report: null, deliveryId: null, path };
        return { ...(await testSubscription(engine, actor, keyOfId(engine, 'WebhookSubscription', id))), path };
      },
    }),
  );
}

function addPreview(builder: Builder, access: AccessOf, { types, userError, input }: Parts): void {
  const args = {
    webhookSubscription: 'The definition: of no subscription yet or, with an `id`, over what is saved of that one.',
    nodeId: "The id of the node to try it on; absent: the last one of the topic's type.",
  };
  const wrapped = builder.inputType('PreviewWebhookSubscriptionInput', {
    description: 'What `previewWebhookSubscription` takes in its `input` form.',
    fields: (t) => ({
      webhookSubscription: t.field({ type: input, description: args.webhookSubscription }),
      nodeId: t.id({ description: args.nodeId }),
    }),
  });
  const payload = builder.objectRef<TryResult & Answered>('PreviewWebhookSubscriptionPayload').implement({
    description: 'What `previewWebhookSubscription` answers.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'Every mistake in the definition, with its place; such a definition could not be saved.')),
      warnings: t.field(warningsOf(userError, 'What looks like a mistake, and could be saved all the same.')),
      report: t.field({
        type: types.report,
        description: 'What would happen, stage by stage, as far as the mistakes let it; null when there is nothing to try it on.',
        resolve: ({ report }) => report,
      }),
    }),
  });
  builder.mutationField('previewWebhookSubscription', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'Tries a definition on a node, up to the request that would be sent. It saves and sends nothing.',
      args: {
        webhookSubscription: t.arg({ type: input, description: args.webhookSubscription }),
        nodeId: t.arg.id({ description: args.nodeId }),
        input: t.arg({ type: wrapped, description: 'The same, one level deeper.' }),
      },
      resolve: async (_root, plain, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = plain.webhookSubscription || !plain.input ? plain : plain.input;
        const around = asked === plain ? [] : ['input'];
        const { id, input: definition } = readAsked(engine, types.host, asked.webhookSubscription ?? {});
        const result = await previewSubscription(engine, actor, { id, input: definition, nodeId: asked.nodeId ?? null });
        // `nodeId` is an argument beside the subscription, so its path differs.
        const problems = result.problems.map((one) => (one.field === 'nodeId' ? { ...one, path: [...around, 'nodeId'] } : one));
        return { ...result, problems, path: [...around, 'webhookSubscription'] };
      },
    }),
  );
}
