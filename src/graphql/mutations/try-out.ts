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
    description: 'The `input` argument of `testWebhookSubscription`.',
    fields: (t) => ({ id: t.id({ description: 'The id of the subscription.' }) }),
  });
  const payload = builder.objectRef<Omit<TryResult, 'changedSecrets'> & Answered>('TestWebhookSubscriptionPayload').implement({
    description: 'The result of `testWebhookSubscription`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why no test was sent; empty when a test was sent, even if it failed.')),
      report: t.field({
        type: types.report,
        description: 'The report of the test, with the result of each stage; `null` when there are errors.',
        resolve: ({ report }) => report,
      }),
      webhookDelivery: t.field({
        type: types.delivery.ref,
        description: 'The delivery of the test, which has the kind TEST and one attempt; `null` when there are errors.',
        resolve: ({ deliveryId }, _args, ctx) => (deliveryId === null ? null : access(ctx).loaders.delivery.load(deliveryId)),
      }),
    }),
  });
  builder.mutationField('testWebhookSubscription', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        "Send a test with the newest node of the topic's type now; for a `deleted` topic, with the node deleted last. The test is sent even if the validation template renders `false` or the subscription is disabled, and its failure never disables the subscription.",
      args: {
        id: t.arg.id({ description: 'The id of the subscription.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
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
    webhookSubscription: 'The subscription to preview. With an `id`, its fields replace those of the saved subscription.',
    nodeId: "The id of the node to preview with. Default: the newest node of the topic's type.",
  };
  const wrapped = builder.inputType('PreviewWebhookSubscriptionInput', {
    description: 'The `input` argument of `previewWebhookSubscription`.',
    fields: (t) => ({
      webhookSubscription: t.field({ type: input, description: args.webhookSubscription }),
      nodeId: t.id({ description: args.nodeId }),
    }),
  });
  const payload = builder.objectRef<TryResult & Answered>('PreviewWebhookSubscriptionPayload').implement({
    description: 'The result of `previewWebhookSubscription`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The mistakes because of which the definition can not be saved; empty when there are none.')),
      warnings: t.field(warningsOf(userError, 'Possible mistakes in the definition, which could be saved nevertheless.')),
      report: t.field({
        type: types.report,
        description:
          'The report of the preview, without the stages that mistakes prevent; `null` when there is nothing to preview, such as no node or no valid topic: `errors` says why.',
        resolve: ({ report }) => report,
      }),
      changedSecrets: t.stringList({
        nullable: false,
        description:
          'The fields of the input whose secrets differ from the saved ones, e.g. `sharedSecret`. Empty for a new subscription. Secrets are never returned.',
        resolve: (result) => result.changedSecrets,
      }),
    }),
  });
  builder.mutationField('previewWebhookSubscription', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'Show the notification that a subscription would send for a node. Saves and sends nothing.',
      args: {
        webhookSubscription: t.arg({ type: input, description: args.webhookSubscription }),
        nodeId: t.arg.id({ description: args.nodeId }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, plain, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = plain.webhookSubscription || !plain.input ? plain : plain.input;
        const around = asked === plain ? [] : ['input'];
        const { id, input: definition } = readAsked(engine, types.host, asked.webhookSubscription ?? {});
        const result = await previewSubscription(engine, actor, { id, input: definition, nodeId: asked.nodeId ?? null });
        // In the arguments, `nodeId` is beside `webhookSubscription` and not inside it, so its path doesn't contain that name.
        const problems = result.problems.map((one) => (one.field === 'nodeId' ? { ...one, path: [...around, 'nodeId'] } : one));
        return { ...result, problems, path: [...around, 'webhookSubscription'] };
      },
    }),
  );
}
