// Adds the GraphQL type WebhookBulkAction (many deliveries that are resent, or many errors that are deleted), its list, and the mutations
// that start and cancel one.
import type { ArgBuilder, ObjectRef } from '@pothos/core';
import {
  type BulkAction,
  type BulkSelection,
  type BulkStarted,
  cancelBulkAction,
  countBulkActions,
  deleteErrors,
  type Engine,
  listBulkActions,
  MAX_BULK_IDS,
  resendDeliveries,
} from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import { idField, keyOfId } from '../own-nodes.js';
import { type Answered, errorsOf, type UserErrorRef } from '../user-error.js';
import { filterOf } from './delivery.js';
import { errorFilterOf } from './error.js';
import type { WebhookTypes } from './index.js';
import { totalOf } from './topic.js';

export function addBulkAction(builder: Builder, access: AccessOf) {
  const state = builder.enumType('WebhookBulkActionState', {
    description: 'The state of an action on many deliveries or errors.',
    values: {
      RUNNING: { description: 'A worker carries the action out. Resending waits while its subscription is disabled.' },
      DONE: { description: 'The action has ended.' },
      CANCELLED: { description: 'The action was cancelled. What it had changed stays changed.' },
    } as const,
  });
  const kind = builder.enumType('WebhookBulkActionKind', {
    description: 'What an action does with many deliveries or errors.',
    values: {
      RESEND: { description: 'Resends deliveries: a further attempt of each.' },
      RESEND_AS_NEW: { description: 'Resends deliveries as new ones.' },
      DELETE_ERRORS: { description: 'Deletes errors. Their attempts are kept.' },
    } as const,
  });
  const ref = builder.objectRef<BulkAction>('WebhookBulkAction');
  builder.objectType(ref, {
    description: 'An action on many deliveries or errors, which workers carry out step by step.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the action, for `webhookBulkAction(id:)` and `cancelWebhookBulkAction`.'),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the action in the database.' }),
      kind: t.field({ type: kind, nullable: false, description: 'What the action does.', resolve: (action) => action.kind }),
      state: t.field({ type: state, nullable: false, description: 'The state of the action.', resolve: (action) => action.state }),
      matchedCount: t.exposeInt('total', {
        nullable: false,
        description: 'The number of deliveries or errors that matched when the action was started.',
      }),
      doneCount: t.exposeInt('done', {
        nullable: false,
        description:
          'The number of deliveries or errors that the action has changed. Those that stopped matching meanwhile stay as they are.',
      }),
      progress: t.exposeFloat('progress', { nullable: false, description: 'The finished share of the action, from 0 to 1.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'The time at which the action was started.' }),
      finishedAt: t.field({
        type: 'DateTime',
        description: 'The time at which the action ended or was cancelled; `null` while it runs.',
        resolve: (action) => (action.state === 'RUNNING' ? null : action.updatedAt),
      }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookBulkActionEdge', description: 'An action in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookBulkActionConnection',
      description: 'A list of actions, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  builder.queryField('webhookBulkActions', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'List your actions on many deliveries or errors, newest first.',
        args: { state: t.arg({ type: state, description: 'Only actions in this state.' }) },
        resolve: async (_root, args, ctx) => {
          const { reading, actor } = access(ctx);
          const wanted = args.state ?? null;
          return toConnection(
            await listBulkActions(reading.pool, actor, wanted, pageOf(args)),
            (row) => row.id,
            () => countBulkActions(reading.pool, actor, wanted),
          );
        },
      },
      connection,
      edge,
    ),
  );
  return { ref };
}

export type BulkActionParts = ReturnType<typeof addBulkAction>;

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

/** Lets the conditions of a list, which are declared as arguments, be fields of an input object. */
function asArguments(t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>): ArgBuilder<Types> {
  const field = (options: never) => t.field(options);
  return Object.assign(field, { string: t.string.bind(t), id: t.id.bind(t), int: t.int.bind(t) }) as unknown as ArgBuilder<Types>;
}
