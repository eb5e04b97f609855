// Adds the mutations that test and preview a subscription.

import { type DraftRehearsal, previewSubscription, rehearseDraft, type TryResult, testSubscription } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import { type InputRef, readAsked } from '../types/input.js';
import { FIRST_REHEARSED, PAGE_TEXTS } from '../types/rehearsal.js';
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
  addRehearsing(builder, access, parts);
}

function addRehearsing(builder: Builder, access: AccessOf, { types, userError, input }: Parts): void {
  const payload = builder.objectRef<DraftRehearsal & Answered>('RehearseWebhookSubscriptionPayload').implement({
    description: 'The result of `rehearseWebhookSubscription`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The mistakes because of which the definition can not be saved; empty when there are none.')),
      warnings: t.field(warningsOf(userError, 'Possible mistakes in the definition, which could be saved nevertheless.')),
      rehearsal: t.field({
        type: types.rehearsal,
        description: 'The results that the events would have; `null` when the query, a template or the topic of the draft has mistakes.',
        resolve: ({ rehearsal }) => rehearsal,
      }),
    }),
  });
  builder.mutationField('rehearseWebhookSubscription', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Try a draft on the last stored events of its topic, newest first: what would be sent, skipped or held, and how it differs from the live version. Nodes are read as they are now. Sends and saves nothing.',
      args: {
        webhookSubscription: t.arg({
          type: input,
          required: true,
          description: 'The subscription to try. With an `id`, its fields replace those of the saved subscription, the live version.',
        }),
        first: t.arg.int({ description: PAGE_TEXTS.first }),
        after: t.arg.string({ description: PAGE_TEXTS.after }),
      },
      resolve: async (_root, { webhookSubscription, first, after }, ctx) => {
        const { engine, actor } = access(ctx);
        const { limit, after: position } = pageOf({ first: first ?? FIRST_REHEARSED, after: after ?? null });
        const { id, input: definition } = readAsked(engine, types.host, webhookSubscription);
        const result = await rehearseDraft(engine, actor, { id, input: definition, first: limit, after: position });
        return { ...result, path: ['webhookSubscription'] };
      },
    }),
  );
}

const TEST_NODE = "The id of the node to test with. Default: the newest node of the topic's type.";

function addTest(builder: Builder, access: AccessOf, { types, userError }: Parts): void {
  const wrapped = builder.inputType('TestWebhookSubscriptionInput', {
    description: 'The `input` argument of `testWebhookSubscription`.',
    fields: (t) => ({ id: t.id({ description: 'The id of the subscription.' }), nodeId: t.id({ description: TEST_NODE }) }),
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
        "Send a test now, with a node or the newest node of the topic's type; for a `deleted` topic, the node deleted last. The test is sent even if the validation template renders `false` or the subscription is disabled, and its failure never disables the subscription.",
      args: {
        id: t.arg.id({ description: 'The id of the subscription.' }),
        nodeId: t.arg.id({ description: TEST_NODE }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { input, ...plain }, ctx) => {
        const { engine, actor } = access(ctx);
        const { id, nodeId } = plain.id == null && input ? input : plain;
        const path = plain.id == null && input ? ['input'] : [];
        if (id == null)
          return { problems: [{ field: 'id', message: "can't be blank", type: 'BLANK' as const }], report: null, deliveryId: null, path };
        return { ...(await testSubscription(engine, actor, keyOfId(engine, 'WebhookSubscription', id), nodeId ?? null)), path };
      },
    }),
  );
}

const beside = new Set(['nodeId', 'attemptId']);

/** Converts a sample response; header values that aren't texts become texts. */
function readResponse({ status, headers, body }: { status?: number | null; headers?: unknown; body?: string | null }) {
  const given = typeof headers === 'object' && headers !== null && !Array.isArray(headers) ? Object.entries(headers) : [];
  return { status: status ?? 200, headers: Object.fromEntries(given.map(([name, value]) => [name, String(value)])), body: body ?? '' };
}

function addPreview(builder: Builder, access: AccessOf, { types, userError, input }: Parts): void {
  const args = {
    webhookSubscription: 'The subscription to preview. With an `id`, its fields replace those of the saved subscription.',
    nodeId: "The id of the node to preview with. Default: the newest node of the topic's type.",
    response: 'A response of the receiver, for which the preview shows what the error template and the status say.',
    attemptId: 'The id of an attempt whose recorded response takes the place of `response`.',
  };
  const response = builder.inputType('WebhookResponseInput', {
    description: 'A response to judge as if the receiver had sent it.',
    fields: (t) => ({
      status: t.int({ description: 'The HTTP status code. Default: 200.' }),
      headers: t.field({ type: 'JSON', description: 'The headers, as an object with the value of each name.' }),
      body: t.string({ description: 'The body. Default: empty.' }),
    }),
  });
  const wrapped = builder.inputType('PreviewWebhookSubscriptionInput', {
    description: 'The `input` argument of `previewWebhookSubscription`.',
    fields: (t) => ({
      webhookSubscription: t.field({ type: input, description: args.webhookSubscription }),
      nodeId: t.id({ description: args.nodeId }),
      response: t.field({ type: response, description: args.response }),
      attemptId: t.id({ description: args.attemptId }),
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
        response: t.arg({ type: response, description: args.response }),
        attemptId: t.arg.id({ description: args.attemptId }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, plain, ctx) => {
        const { engine, actor } = access(ctx);
        const asked = plain.webhookSubscription || !plain.input ? plain : plain.input;
        const around = asked === plain ? [] : ['input'];
        const { id, input: definition } = readAsked(engine, types.host, asked.webhookSubscription ?? {});
        const result = await previewSubscription(engine, actor, {
          id,
          input: definition,
          nodeId: asked.nodeId ?? null,
          response: asked.response ? readResponse(asked.response) : null,
          attemptId: asked.attemptId == null ? null : keyOfId(engine, 'WebhookAttempt', asked.attemptId),
        });
        // In the arguments, `nodeId` and `attemptId` are beside `webhookSubscription`, so their path doesn't contain that name.
        const problems = result.problems.map((one) => (beside.has(one.field) ? { ...one, path: [...around, one.field] } : one));
        return { ...result, problems, path: [...around, 'webhookSubscription'] };
      },
    }),
  );
}
