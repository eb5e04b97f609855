// Adds the GraphQL type WebhookDelivery (a notification for one subscription), its connection and its filters.
import type { ArgBuilder, ObjectRef } from '@pothos/core';
import {
  type Delivery,
  type DeliveryFilter,
  type DeliveryKind,
  type DeliveryState,
  type Engine,
  SEARCHED_DAYS,
  type Stage,
  type VisibleEvent,
} from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { type HostTypes, nodeField } from '../host-types.js';
import { idField, keyOfOwn } from '../own-nodes.js';
import type { AttemptParts } from './attempt.js';
import type { Enums } from './enums.js';
import { type TopicRef, totalOf } from './topic.js';

interface Parts {
  enums: Enums;
  topic: TopicRef;
  event: ObjectRef<Types, VisibleEvent>;
  attempt: AttemptParts['ref'];
  host: HostTypes;
}

export function addDelivery(builder: Builder, access: AccessOf, { enums, topic, event, attempt, host }: Parts) {
  const ref = builder.objectRef<Delivery>('WebhookDelivery');
  const neighbour = async (ctx: Parameters<AccessOf>[0], delivery: Delivery, which: 'waitsFor' | 'replacedBy') => {
    if (delivery.reason !== 'ORDER' && delivery.reason !== 'COALESCED') return null;
    const { loaders } = access(ctx);
    const id = (await loaders.neighbourOf.load(delivery))?.[which] ?? null;
    return id === null ? null : loaders.delivery.load(id);
  };
  builder.objectType(ref, {
    description: 'A notification for one subscription, with all its attempts.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the delivery, for `webhookDelivery(id:)` and `resendWebhookDelivery`.'),
      databaseId: t.exposeString('id', {
        nullable: false,
        description: 'The id of the delivery in the database, which receivers find in the header `X-Scope-Webhook-Job-Id`.',
      }),
      kind: t.field({
        type: enums.kind,
        nullable: false,
        description: 'The reason why the delivery was created.',
        resolve: (delivery) => delivery.kind,
      }),
      state: t.field({
        type: enums.state,
        nullable: false,
        description: 'The state of the delivery.',
        resolve: (delivery) => delivery.state,
      }),
      reason: t.exposeString('reason', {
        description:
          'The reason why the delivery is held, skipped or cancelled. `OPERATOR`: it waits until the operator of this API corrects a fault, and is then tried by itself. `SLOW`: the stored query took longer than its limit, and runs again after growing pauses. `LOOP`: your writes to the node answer its notifications, which are sent with growing pauses. `ORDER`: it waits for an earlier delivery of its node, see `waitsFor`. `COALESCED`: a later one replaced it, see `replacedBy`. `UNREAD`: the change touched nothing that the subscription reads. For a before-hook that refused or failed: `REFUSED` or `ALLOWED`, the decision about the write.',
      }),
      waitsFor: t.field({
        type: ref,
        description:
          'The earlier delivery of the same node that must end first, because the subscription is ordered; `null` when the delivery waits for none.',
        resolve: (delivery, _args, ctx) => neighbour(ctx, delivery, 'waitsFor'),
      }),
      replacedBy: t.field({
        type: ref,
        description:
          'The later delivery of the same node that replaced this one, because the subscription has the ordering LATEST_ONLY; `null` when none did, or more than 90 days ago.',
        resolve: (delivery, _args, ctx) => neighbour(ctx, delivery, 'replacedBy'),
      }),
      topic: t.field({
        type: topic,
        description: 'The topic of the notification.',
        resolve: (delivery, _args, ctx) => access(ctx).loaders.topic.load(delivery.topicId),
      }),
      ...(host.loadAny && {
        node: nodeField(t, host.loadAny, 'The node as it is now; `null` when it was deleted or you may not read it.'),
      }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node.',
        resolve: (delivery, _args, ctx) => access(ctx).engine.host.toGlobalId(delivery.typename, delivery.nodeKey),
      }),
      event: t.field({
        type: event,
        description: 'The change that caused the delivery; `null` for the kinds TEST, SNAPSHOT and BEFORE.',
        resolve: (delivery, _args, ctx) => (delivery.eventId === null ? null : access(ctx).loaders.event.load(delivery.eventId)),
      }),
      attempts: t.field({
        type: [attempt],
        nullable: { list: false, items: false },
        description: 'All attempts so far, oldest first.',
        resolve: (delivery, _args, ctx) => access(ctx).loaders.attemptsOf.load(delivery.id),
      }),
      lastAttempt: t.field({
        type: attempt,
        description: 'The newest attempt; `null` before the first attempt.',
        resolve: (delivery, _args, ctx) => access(ctx).loaders.lastAttemptOf.load(delivery.id),
      }),
      attemptCount: t.exposeInt('attemptCount', { nullable: false, description: 'The number of attempts so far.' }),
      nextAttemptAt: t.field({
        type: 'DateTime',
        description: 'The time of the next attempt; `null` when the delivery is held, final or waits for an earlier one.',
        resolve: ({ state, reason, dueAt }) => ((state === 'PENDING' && reason !== 'ORDER') || state === 'RETRYING' ? dueAt : null),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'The time at which the delivery was created.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'The time of the last change of its state.' }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookDeliveryEdge', description: 'A delivery in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookDeliveryConnection',
      description: 'A list of deliveries, newest first.',
      type: ref,
      fields: (t) => ({
        totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }),
      }),
    },
    edge,
  );
  const args = (arg: ArgBuilder<Types>) => ({
    state: arg({ type: enums.state, description: 'Only deliveries in this state.' }),
    states: arg({ type: [enums.state], description: 'Only deliveries in one of these states.' }),
    topicKey: arg.string({ description: 'Only deliveries of this topic, e.g. `user/created`.' }),
    createdAtMin: arg({ type: 'DateTime', description: 'Only deliveries created at this time or later.' }),
    createdAtMax: arg({ type: 'DateTime', description: 'Only deliveries created at this time or earlier.' }),
    updatedAtMin: arg({
      type: 'DateTime',
      description: `Only deliveries that were created, or whose state changed, at this time or later, to poll for changes. ${RECENT}`,
    }),
    nodeId: arg.id({ description: `Only deliveries about this node. ${RECENT}` }),
    kinds: arg({ type: [enums.kind], description: `Only deliveries of these kinds. ${RECENT}` }),
    stages: arg({ type: [enums.stage], description: `Only deliveries whose last attempt ended at one of these stages. ${RECENT}` }),
    responseStatusMin: arg.int({
      description: `Only deliveries whose last attempt got a response with this HTTP status or a greater one, such as 500. ${RECENT}`,
    }),
    responseStatusMax: arg.int({
      description: `Only deliveries whose last attempt got a response with this HTTP status or a smaller one, such as 599. ${RECENT}`,
    }),
    search: arg.string({
      description: `An id of a delivery, event, attempt or node: only its deliveries. Any other text: only deliveries whose last attempt did not succeed with a message that contains each of these words. For words and nodes: ${RECENT.charAt(0).toLowerCase()}${RECENT.slice(1)}`,
    }),
  });
  return { ref, connection, edge, args };
}

/** Ends the description of a filter that no index supports. */
const RECENT = `Without \`createdAtMin\`, only deliveries of the last ${SEARCHED_DAYS} days.`;

export type DeliveryParts = ReturnType<typeof addDelivery>;

interface DeliveryArguments {
  state?: DeliveryState | null;
  states?: readonly DeliveryState[] | null;
  topicKey?: string | null;
  createdAtMin?: Date | null;
  createdAtMax?: Date | null;
  updatedAtMin?: Date | null;
  nodeId?: string | null;
  kinds?: readonly DeliveryKind[] | null;
  stages?: readonly Stage[] | null;
  responseStatusMin?: number | null;
  responseStatusMax?: number | null;
  search?: string | null;
}

export function filterOf(engine: Engine, asked: DeliveryArguments): DeliveryFilter {
  const { state, states, topicKey, createdAtMin, createdAtMax, nodeId, kinds, stages, responseStatusMin, responseStatusMax } = asked;
  const selected = state == null ? (states ?? null) : (states ?? [state]).filter((one) => one === state);
  const node = nodeId == null ? null : nodeOf(engine, nodeId);
  const searched = searchOf(engine, asked.search?.trim() ?? '');
  return {
    ...{ states: selected, topicKey, createdAtMin, createdAtMax, updatedAtMin: asked.updatedAtMin, node, kinds, stages },
    ...{ statusMin: responseStatusMin, statusMax: responseStatusMax },
    ...(searched.node && node && !isSame(searched.node, node) ? { ...searched, node: NO_NODE } : searched),
  };
}

type Node = NonNullable<DeliveryFilter['node']>;

/** A node that matches no delivery. */
const NO_NODE: Node = { typename: '', key: '' };

const isSame = (one: Node, other: Node): boolean => one.typename === other.typename && one.key === other.key;

function nodeOf({ host }: Engine, id: string): Node {
  const { typename, key } = host.fromGlobalId(id) ?? NO_NODE;
  return { typename, key };
}

/** Converts the text of a search to a filter by id, node or words. */
function searchOf(engine: Engine, text: string): Pick<DeliveryFilter, 'id' | 'search'> & { node?: Node } {
  if (text === '') return {};
  if (/^\d{12,19}$/.test(text)) return { id: text };
  const key = keyOfOwn(engine, ['WebhookDelivery', 'WebhookEvent', 'WebhookAttempt', 'WebhookError'], text);
  if (key !== null) return { id: key };
  const node = nodeOf(engine, text);
  return engine.host.nodes.some(({ typename }) => typename === node.typename) ? { node } : { search: text };
}
