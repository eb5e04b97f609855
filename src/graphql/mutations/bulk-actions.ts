// Adds the mutations that resend many deliveries, delete many errors, and cancel such an action.
import type { ObjectRef } from '@pothos/core';
import {
  type BulkSelection,
  type BulkStarted,
  cancelBulkAction,
  deleteErrors,
  type Engine,
  MAX_BULK_IDS,
  resendDeliveries,
} from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import { asArguments } from '../as-arguments.js';
import type { Builder, Types } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import { filterOf } from '../types/delivery.js';
import { errorFilterOf } from '../types/error.js';
import type { WebhookTypes } from '../types/index.js';
import { type Answered, errorsOf, type UserErrorRef } from '../user-error.js';

interface Parts {
  types: WebhookTypes;
  userError: UserErrorRef;
}

export function addBulkMutations(builder: Builder, access: AccessOf, { types, userError }: Parts): void {
  const payload = (name: string, done: string) =>
    builder.objectRef<BulkStarted & Answered>(`${name.charAt(0).toUpperCase()}${name.slice(1)}Payload`).implement({
      description: `The result of \`${name}\`.`,
      fields: (t) => ({
        errors: t.field(errorsOf(userError, `The reasons why the action was not ${done}; empty on success.`)),
        webhookBulkAction: t.field({
          type: types.bulkAction.ref,
          description: 'The action; `null` when there are errors.',
          resolve: ({ action }) => action,
        }),
      }),
    });
  addResendMany(builder, access, { types, payload: payload('resendWebhookDeliveries', 'started') });
  addDeleteMany(builder, access, { types, payload: payload('deleteMatchingWebhookErrors', 'started') });
  const cancelled = builder.inputType('CancelWebhookBulkActionInput', {
    description: 'The `input` argument of `cancelWebhookBulkAction`.',
    fields: (t) => ({ id: t.id({ description: 'The id of the action.' }) }),
  });
  builder.mutationField('cancelWebhookBulkAction', (t) =>
    t.field({
      type: payload('cancelWebhookBulkAction', 'cancelled'),
      nullable: false,
      description: 'Cancel an action on many deliveries or errors. What it has changed so far stays changed.',
      args: {
        id: t.arg.id({ description: 'The id of the action.' }),
        input: t.arg({ type: cancelled, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { id: plain, input }, ctx) => {
        const { engine, actor, loaders } = access(ctx);
        const id = plain ?? input?.id;
        const path = plain == null && input ? ['input'] : [];
        if (id == null) return { problems: [{ field: 'id', message: "can't be blank", type: 'BLANK' as const }], action: null, path };
        const result = await cancelBulkAction(engine, actor, keyOfId(engine, 'WebhookBulkAction', id));
        if (result.action) loaders.bulkAction.clear(result.action.id);
        return { ...result, path };
      },
    }),
  );
}

interface Starting {
  types: WebhookTypes;
  payload: ObjectRef<Types, BulkStarted & Answered>;
}

function addResendMany(builder: Builder, access: AccessOf, { types, payload }: Starting): void {
  const input = builder.inputType('ResendWebhookDeliveriesInput', {
    description: 'Which deliveries `resendWebhookDeliveries` resends.',
    fields: (t) => ({
      ids: t.idList({ description: `The ids of up to ${MAX_BULK_IDS} deliveries. With them, the other conditions are ignored.` }),
      webhookSubscriptionId: t.id({ description: 'Only deliveries of this subscription.' }),
      ...types.delivery.args(asArguments(t)),
      asNew: t.boolean({
        description:
          'Whether new deliveries are sent, with new ids in their headers, so that a receiver that ignores repetitions takes them. Default: false.',
      }),
    }),
  });
  builder.mutationField('resendWebhookDeliveries', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Resend many deliveries: those with the ids, or all that match the conditions, in any state. Leaves out tests, before-hooks, and deliveries of subscriptions that are not enabled. A worker sends them step by step, and new events are not delayed.',
      args: { input: t.arg({ type: input, required: true, description: 'The deliveries to resend.' }) },
      resolve: async (_root, { input: asked }, ctx) => {
        const { engine, actor } = access(ctx);
        const tooMany = refuseTooMany(asked.ids);
        if (tooMany) return tooMany;
        const selection = { ...selectionOf(engine, asked), filter: filterOf(engine, asked) };
        return { ...(await resendDeliveries(engine, actor, selection, { asNew: asked.asNew ?? false })), path: ['input'] };
      },
    }),
  );
}

function addDeleteMany(builder: Builder, access: AccessOf, { types, payload }: Starting): void {
  const input = builder.inputType('DeleteMatchingWebhookErrorsInput', {
    description: 'Which errors `deleteMatchingWebhookErrors` deletes.',
    fields: (t) => ({
      webhookSubscriptionId: t.id({ description: 'Only errors of this subscription.' }),
      ...types.error.args(asArguments(t)),
    }),
  });
  builder.mutationField('deleteMatchingWebhookErrors', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: 'Dismiss all errors that match the conditions. Their attempts are kept. A worker does it step by step.',
      args: { input: t.arg({ type: input, required: true, description: 'The errors to dismiss.' }) },
      resolve: async (_root, { input: asked }, ctx) => {
        const { engine, actor } = access(ctx);
        const { subscriptionIds } = selectionOf(engine, asked);
        return { ...(await deleteErrors(engine, actor, subscriptionIds, errorFilterOf(asked))), path: ['input'] };
      },
    }),
  );
}

interface Selected {
  ids?: readonly string[] | null;
  webhookSubscriptionId?: string | null;
}

function selectionOf(engine: Engine, { ids, webhookSubscriptionId: id }: Selected): Omit<BulkSelection, 'filter'> {
  return {
    ids: ids?.map((one) => keyOfId(engine, 'WebhookDelivery', one)) ?? null,
    subscriptionIds: id == null ? null : [keyOfId(engine, 'WebhookSubscription', id)],
  };
}

function refuseTooMany(ids: readonly string[] | null | undefined): (BulkStarted & Answered) | null {
  if (ids == null || ids.length <= MAX_BULK_IDS) return null;
  const message = `are ${ids.length}; the maximum in one request is ${MAX_BULK_IDS}`;
  return { problems: [{ field: 'ids', message }], action: null, path: ['input'] };
}
