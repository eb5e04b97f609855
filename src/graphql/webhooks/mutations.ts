// A builder and the types in, the mutations of subscriptions out, in both published forms. A user's mistake is data.
import type { ObjectRef } from '@pothos/core';
import {
  createSubscription,
  deleteSubscription,
  type Problem,
  type SaveResult,
  type SubscriptionInput,
  updateSubscription,
} from '../../webhooks/index.js';
import type { Builder, Types } from '../builder.js';
import type { UserError } from '../user-error.js';
import { type Access, type AccessOf, keyOfId } from './access.js';
import type { WebhookTypes } from './types.js';

type Save = (access: Access, id: string | null, input: SubscriptionInput) => Promise<SaveResult>;

const MUTATIONS: Record<string, { description: string; save: Save }> = {
  create: {
    description: 'Subscribes to a topic.',
    save: ({ engine, actor }, _id, input) => createSubscription(engine, actor, input),
  },
  update: {
    description: 'Changes a subscription, switches it off or on. What is absent stays, what is null is cleared.',
    save: ({ engine, actor }, id, input) => (id === null ? Promise.resolve(NO_ID) : updateSubscription(engine, actor, id, input)),
  },
  delete: {
    description: 'Deletes a subscription: what is still to be sent is cancelled, its history stays, its secrets are wiped.',
    save: ({ engine, actor }, id) => (id === null ? Promise.resolve(NO_ID) : deleteSubscription(engine, actor, id)),
  },
};

const NO_ID: SaveResult = { subscription: null, problems: [{ field: 'id', message: "can't be blank", type: 'BLANK' }] };

export function addMutations(
  builder: Builder,
  access: AccessOf,
  { types, userError }: { types: WebhookTypes; userError: ObjectRef<Types, UserError> },
): void {
  const input = addInput(builder, types);
  for (const [verb, { description, save }] of Object.entries(MUTATIONS)) {
    const stem = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}WebhookSubscription`;
    const wrapped = builder.inputType(`${stem}Input`, {
      description: `What \`${verb}WebhookSubscription\` takes in its \`input\` form.`,
      fields: (t) => ({ webhookSubscription: t.field({ type: input, description: 'The subscription.' }) }),
    });
    const payload = builder.objectRef<SaveResult & { path: string[] }>(`${stem}Payload`).implement({
      description: `What \`${verb}WebhookSubscription\` answers.`,
      fields: (t) => ({
        errors: t.field({
          type: [userError],
          nullable: { list: false, items: false },
          description: 'The mistakes because of which nothing was saved; empty when all is well.',
          resolve: ({ problems, path }) => problems.filter(({ severity }) => severity !== 'warning').map((one) => toUserError(one, path)),
        }),
        warnings: t.field({
          type: [userError],
          nullable: { list: false, items: false },
          description: 'What looks like a mistake, and was saved all the same.',
          resolve: ({ problems, path }) => problems.filter(({ severity }) => severity === 'warning').map((one) => toUserError(one, path)),
        }),
        webhookSubscription: t.field({
          type: types.subscription.ref,
          description:
            verb === 'delete' ? 'The subscription as it was; null when there are errors.' : 'The subscription; null when there are errors.',
          resolve: ({ subscription }) => subscription,
        }),
      }),
    });
    builder.mutationField(`${verb}WebhookSubscription`, (t) =>
      t.field({
        type: payload,
        nullable: false,
        description,
        args: {
          webhookSubscription: t.arg({ type: input, description: 'The subscription.' }),
          input: t.arg({ type: wrapped, description: 'The same, one level deeper.' }),
        },
        resolve: async (_root, args, ctx) => {
          const own = access(ctx);
          const { id, topic, ...rest } = args.webhookSubscription ?? args.input?.webhookSubscription ?? {};
          const key = id == null ? null : keyOfId(own.engine, 'WebhookSubscription', id);
          const topicId = topic?.id == null ? topic?.id : keyOfId(own.engine, 'WebhookTopic', topic.id);
          const asked = { ...rest, ...(topic !== undefined && { topic: topic && { ...topic, id: topicId } }) };
          const result = await save(own, key, asked);
          if (result.subscription && verb !== 'delete') own.loaders.subscription.clear(result.subscription.id);
          const path = args.webhookSubscription || !args.input ? ['webhookSubscription'] : ['input', 'webhookSubscription'];
          return { ...result, path };
        },
      }),
    );
  }
}

function toUserError({ field, message, type }: Problem, path: string[]): UserError {
  return { field, message, type: type ?? 'INVALID', path: field === 'base' ? path : [...path, ...field.split('.')] };
}

function addInput(builder: Builder, { enums }: WebhookTypes) {
  const topic = builder.inputType('WebhookTopicInput', {
    description: 'Names a topic: by its id, by its key, or by its key and version.',
    fields: (t) => ({
      id: t.id({ description: 'The id of the topic.' }),
      key: t.string({ description: 'E.g. `user/created`.' }),
      version: t.string({ description: 'E.g. `1.1`; without it the latest one, which is then kept.' }),
    }),
  });
  const header = builder.inputType('WebhookHeaderInput', {
    description: 'A header to send.',
    fields: (t) => ({
      name: t.string({ description: 'The name of the header.' }),
      value: t.string({ description: 'Its value; absent: the value that it has already.' }),
    }),
  });
  const retry = builder.inputType('WebhookRetryInput', {
    description: "Limits of trying again, in place of the installation's; a spent delivery then fails, and the subscription stays on.",
    fields: (t) => ({
      maxTries: t.int({ description: 'Tries in all, the first one too: 1–100.' }),
      maxTimeMs: t.float({ description: 'Milliseconds from the first to the last try, up to 90 days.' }),
    }),
  });
  return builder.inputType('WebhookSubscriptionInput', {
    description: 'A subscription as it is asked for. Absent: unchanged; null: cleared.',
    fields: (t) => ({
      id: t.id({ description: 'Which one to change or delete.' }),
      name: t.string({ description: 'For people.' }),
      topic: t.field({ type: topic, description: 'What to be told of.' }),
      callbackUrl: t.string({ description: 'Where to send notifications: an https URL.' }),
      contentType: t.field({ type: enums.contentType, description: 'What to write notifications in; default: JSON.' }),
      sharedSecret: t.string({ description: 'The secret that notifications are signed with. It is never answered.' }),
      query: t.string({ description: 'A query over `$nodeId: ID!` and `$nodeType: String` whose result is the payload.' }),
      validationTemplate: t.string({ description: 'Liquid over the payload that must say `true` or `false`: whether to send.' }),
      template: t.string({ description: 'Liquid over the payload that writes the body.' }),
      errorTemplate: t.string({
        description: "Liquid over the receiver's answer (`body`, `headers`, `status`): whatever it writes is an error.",
      }),
      headers: t.field({ type: [header], description: 'Headers to send besides ours. Their values are never answered.' }),
      retry: t.field({ type: retry, description: 'Limits of trying again of its own.' }),
      disabled: t.boolean({ description: 'Whether it is switched off.' }),
    }),
  });
}
