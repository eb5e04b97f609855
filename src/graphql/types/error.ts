// Adds the GraphQL type WebhookError (an attempt that failed or had nothing to send), its connection, its filters and the mutation that
// dismisses errors.
import type { ArgBuilder } from '@pothos/core';
import { type DeliveryError, deleteErrorsById, type ErrorFilter } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { idField, keyOfId } from '../own-nodes.js';
import type { UserErrorRef } from '../user-error.js';
import { type Answered, errorsOf } from '../user-error.js';
import type { AttemptParts } from './attempt.js';
import type { DeliveryParts } from './delivery.js';
import type { Enums } from './enums.js';
import { type TopicRef, totalOf } from './topic.js';

interface Parts {
  enums: Enums;
  topic: TopicRef;
  delivery: DeliveryParts;
  attempt: AttemptParts;
}

export function addError(builder: Builder, access: AccessOf, { enums, topic, delivery, attempt }: Parts) {
  const ref = builder.objectRef<DeliveryError>('WebhookError');
  builder.objectType(ref, {
    description: 'An attempt that failed, or that had nothing to send, and that was not dismissed.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the error, for `webhookError(id:)` and `deleteWebhookErrors`.'),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the failed attempt in the database.' }),
      outcome: t.field({
        type: enums.outcome,
        nullable: false,
        description: 'The result of the attempt: FAILED or HELD.',
        resolve: ({ outcome }) => outcome,
      }),
      stage: t.field({ type: enums.stage, description: 'The stage at which the attempt failed.', resolve: ({ stage }) => stage }),
      message: t.exposeString('message', { description: 'Why the attempt failed, in a sentence.' }),
      topic: t.field({
        type: topic,
        description: 'The topic of the notification.',
        resolve: ({ topicId }, _args, ctx) => access(ctx).loaders.topic.load(topicId),
      }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node of the notification.',
        resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).engine.host.toGlobalId(typename, nodeKey),
      }),
      webhookDelivery: t.field({
        type: delivery.ref,
        description: 'The delivery of the failed attempt.',
        resolve: ({ deliveryId }, _args, ctx) => access(ctx).loaders.delivery.load(deliveryId),
      }),
      attempt: t.field({
        type: attempt.ref,
        description: 'The failed attempt, with its request and response.',
        resolve: ({ id }, _args, ctx) => access(ctx).loaders.attempt.load(id),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'The time at which the error was recorded.' }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookErrorEdge', description: 'An error in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookErrorConnection',
      description: 'A list of errors, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  const args = (arg: ArgBuilder<Types>) => ({
    topicKey: arg.string({ description: 'Only errors of this topic, e.g. `user/created`.' }),
    stage: arg({ type: enums.stage, description: 'Only errors of this stage.' }),
    createdAtMin: arg({ type: 'DateTime', description: 'Only errors recorded at this time or later.' }),
    createdAtMax: arg({ type: 'DateTime', description: 'Only errors recorded at this time or earlier.' }),
  });
  return { ref, connection, edge, args };
}

export type ErrorParts = ReturnType<typeof addError>;

export function errorFilterOf({ topicKey, stage, createdAtMin, createdAtMax }: ErrorFilter): ErrorFilter {
  return { topicKey, stage, createdAtMin, createdAtMax };
}

const MOST_AT_ONCE = 1_000;

export function addDismissal(builder: Builder, access: AccessOf, userError: UserErrorRef): void {
  const wrapped = builder.inputType('DeleteWebhookErrorsInput', {
    description: 'The `input` argument of `deleteWebhookErrors`.',
    fields: (t) => ({ ids: t.idList({ description: 'The ids of the errors.' }) }),
  });
  const payload = builder.objectRef<Answered & { ids: string[] }>('DeleteWebhookErrorsPayload').implement({
    description: 'The result of `deleteWebhookErrors`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why no error was dismissed; empty on success.')),
      deletedIds: t.idList({ nullable: false, description: 'The ids of the dismissed errors.', resolve: ({ ids }) => ids }),
    }),
  });
  builder.mutationField('deleteWebhookErrors', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description: `Dismiss up to ${MOST_AT_ONCE} errors, either all of them or none. Their attempts are kept. Dismissing an error again changes nothing.`,
      args: {
        ids: t.arg.idList({ description: 'The ids of the errors.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { ids: plain, input }, ctx) => {
        const { engine, actor, loaders } = access(ctx);
        const ids = plain ?? input?.ids;
        const path = plain == null && input ? ['input'] : [];
        const refused = (message: string, type?: 'BLANK' | 'NOT_FOUND') => ({
          problems: [{ field: 'ids', message, ...(type && { type }) }],
          path,
          ids: [],
        });
        if (!actor.canManageWebhooks)
          return {
            problems: [{ field: 'base', message: 'you are not allowed to manage webhooks', type: 'FORBIDDEN' as const }],
            path,
            ids: [],
          };
        if (ids == null) return refused("can't be blank", 'BLANK');
        if (ids.length > MOST_AT_ONCE) return refused(`are ${ids.length}; the maximum in one request is ${MOST_AT_ONCE}`);
        const keys = ids.map((id) => keyOfId(engine, 'WebhookError', id));
        const { missing } = await deleteErrorsById(engine, actor, keys);
        if (missing.length > 0)
          return refused(`not found: ${ids.filter((_, index) => missing.includes(keys[index] as string)).join(', ')}`, 'NOT_FOUND');
        for (const key of keys) loaders.error.clear(key);
        return { problems: [], path, ids: [...ids] };
      },
    }),
  );
}
