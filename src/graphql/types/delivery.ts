// A builder in, WebhookDelivery, its connection and its filters out.
import type { ArgBuilder, ObjectRef } from '@pothos/core';
import type { Builder, Types } from '../../sample/graph/builder.js';
import type { Delivery, DeliveryFilter, DeliveryState, VisibleEvent } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { AttemptParts } from './attempt.js';
import type { Enums } from './enums.js';
import { type TopicRef, totalOf } from './topic.js';

interface Parts {
  enums: Enums;
  topic: TopicRef;
  event: ObjectRef<Types, VisibleEvent>;
  attempt: AttemptParts['ref'];
}

export function addDelivery(builder: Builder, access: AccessOf, { enums, topic, event, attempt }: Parts) {
  const ref = builder.objectRef<Delivery>('WebhookDelivery');
  builder.node(ref, {
    description: 'A notification on its way to one subscription.',
    id: { resolve: (delivery) => delivery.id, description: 'For `node(id:)`.' },
    loadOne: (id, ctx) => access(ctx).loaders.delivery.load(id),
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: "The record's id, which the receiver reads in `…Webhook-Job-Id`." }),
      kind: t.field({
        type: enums.kind,
        nullable: false,
        description: 'Why there is this delivery.',
        resolve: (delivery) => delivery.kind,
      }),
      state: t.field({ type: enums.state, nullable: false, description: 'Where it is on its way.', resolve: (delivery) => delivery.state }),
      reason: t.exposeString('reason', {
        description:
          'Why it is held, skipped or cancelled; of a before-hook that refused or failed: whether the write was `REFUSED` or `ALLOWED` by it.',
      }),
      topic: t.field({
        type: topic,
        description: 'What happened.',
        resolve: (delivery, _args, ctx) => access(ctx).loaders.topic.load(delivery.topicId),
      }),
      node: t.node({
        description: 'The node as it is now; null when it is gone, or not yours to read.',
        id: (delivery) => ({ type: delivery.typename, id: delivery.nodeKey }),
      }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node.',
        resolve: (delivery, _args, ctx) => access(ctx).engine.host.toGlobalId(delivery.typename, delivery.nodeKey),
      }),
      event: t.field({
        type: event,
        description: 'The change that it tells of; null for TEST, SNAPSHOT and BEFORE.',
        resolve: (delivery, _args, ctx) => (delivery.eventId === null ? null : access(ctx).loaders.event.load(delivery.eventId)),
      }),
      attempts: t.field({
        type: [attempt],
        nullable: { list: false, items: false },
        description: 'Every try so far, the first one first.',
        resolve: (delivery, _args, ctx) => access(ctx).loaders.attemptsOf.load(delivery.id),
      }),
      attemptCount: t.exposeInt('attemptCount', { nullable: false, description: 'How many tries there were.' }),
      nextAttemptAt: t.field({
        type: 'DateTime',
        description: 'When it is tried next; null when it waits for something else, or for nothing any more.',
        resolve: ({ state, dueAt }) => (state === 'PENDING' || state === 'RETRYING' ? dueAt : null),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When it was made.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'When its state last changed.' }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookDeliveryEdge', description: 'A delivery in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookDeliveryConnection',
      description: 'A list of deliveries, the newest first.',
      type: ref,
      fields: (t) => ({
        totalCount: t.int({ nullable: false, description: 'How many there are on all pages.', resolve: totalOf }),
      }),
    },
    edge,
  );
  const args = (arg: ArgBuilder<Types>) => ({
    state: arg({ type: enums.state, description: 'Only those in this state.' }),
    states: arg({ type: [enums.state], description: 'Only those in one of these states.' }),
    topicKey: arg.string({ description: 'Only those of this topic, e.g. `user/created`.' }),
    createdAtMin: arg({ type: 'DateTime', description: 'Only those made at this moment or later.' }),
    createdAtMax: arg({ type: 'DateTime', description: 'Only those made at this moment or before.' }),
  });
  return { ref, connection, edge, args };
}

export type DeliveryParts = ReturnType<typeof addDelivery>;

interface DeliveryArguments {
  state?: DeliveryState | null;
  states?: readonly DeliveryState[] | null;
  topicKey?: string | null;
  createdAtMin?: Date | null;
  createdAtMax?: Date | null;
}

export function filterOf({ state, states, topicKey, createdAtMin, createdAtMax }: DeliveryArguments): DeliveryFilter {
  const wanted = state == null ? (states ?? null) : (states ?? [state]).filter((one) => one === state);
  return { states: wanted, topicKey, createdAtMin, createdAtMax };
}
