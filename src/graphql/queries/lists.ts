// Adds the root fields that list topics, subscriptions, deliveries and the API's other types, and the field that finds a topic by its key.

import {
  countDeliveriesOf,
  countErrorsOf,
  countReplays,
  countSubscriptions,
  countTopics,
  cursorOfSubscription,
  findDeliveries,
  isActor,
  type Json,
  LISTED_HOURS,
  listErrors,
  listEvents,
  listMatchingEvents,
  listReplays,
  listSubscriptions,
  listTopics,
  type Matching,
  resolveTopic,
} from '../../webhooks/index.js';
import { type Access, type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import { toConnection, toPartialConnection } from '../connection.js';
import { keyOfId } from '../own-nodes.js';
import { filterOf } from '../types/delivery.js';
import { errorFilterOf } from '../types/error.js';
import type { WebhookTypes } from '../types/index.js';
import { subscriptionFilterOf } from '../types/subscription.js';

export function addQueries(
  builder: Builder,
  access: AccessOf,
  { topic, event, subscription, delivery, error, replay, enums, host: { integration } }: WebhookTypes,
): void {
  builder.queryFields((t) => ({
    webhookTopics: t.connection(
      {
        type: topic.ref,
        nullable: false,
        description: 'List the events you can subscribe to, sorted by key and version.',
        args: {
          key: t.arg.string({ description: 'Only versions of this topic, e.g. `user/created`.' }),
          nodeType: t.arg.string({ description: 'Only topics of this node type, e.g. `User`.' }),
        },
        resolve: async (_root, args, ctx) => {
          const { pool } = access(ctx).reading;
          const filter = { key: args.key, typename: args.nodeType };
          return toConnection(
            await listTopics(pool, filter, pageOf(args)),
            (row) => row.id,
            () => countTopics(pool, filter),
          );
        },
      },
      topic.connection,
      topic.edge,
    ),
    webhookTopic: t.field({
      type: topic.ref,
      description: 'The topic with this id, or with this key and version (default: the latest version); `null` when there is none.',
      args: {
        id: t.arg.id({ description: 'The id of the topic.' }),
        key: t.arg.string({ description: 'The key of the topic, e.g. `user/created`.' }),
        version: t.arg.string({ description: 'The version of the topic, e.g. `1.1`.' }),
      },
      resolve: (_root, { id, key, version }, ctx) => {
        const { reading: engine } = access(ctx);
        return resolveTopic(engine.pool, { id: id == null ? null : keyOfId(engine, 'WebhookTopic', id), key, version });
      },
    }),
    webhookSubscriptions: t.connection(
      {
        type: subscription.ref,
        nullable: false,
        description: 'List your subscriptions, oldest first unless `orderBy` says otherwise.',
        args: {
          ...subscription.args(t.arg),
          orderBy: t.arg({ type: enums.subscriptionOrder, description: 'The order of the subscriptions. Default: CREATED_AT_ASC.' }),
          ...(integration && { integrationId: t.arg.id({ description: 'Only subscriptions of this integration.' }) }),
        },
        resolve: async (_root, args, ctx) => {
          const { reading: engine, actor } = access(ctx);
          const integrationId =
            args.integrationId == null || !integration ? null : keyOfId(engine, integration.typename, args.integrationId);
          const filter = { ...subscriptionFilterOf(engine, args), integrationId };
          const page = await listSubscriptions(engine.pool, actor, filter, pageOf(args), args.orderBy ?? undefined);
          return toConnection(page, cursorOfSubscription, () => countSubscriptions(engine.pool, actor, filter));
        },
      },
      subscription.connection,
      subscription.edge,
    ),
    webhookDeliveries: t.connection(
      {
        type: delivery.ref,
        nullable: false,
        description:
          'List the deliveries of your subscriptions, sent or still to be sent, newest first. A search reads for a moment only: a page may have fewer rows than asked for, or none, and a next page.',
        args: {
          webhookSubscriptionId: t.arg.id({ description: 'Only deliveries of this subscription.' }),
          ...delivery.args(t.arg),
        },
        resolve: async (_root, args, ctx) => {
          const { reading: engine, actor } = access(ctx);
          const { webhookSubscriptionId: id } = args;
          const ids = id == null ? null : [keyOfId(engine, 'WebhookSubscription', id)];
          const filter = filterOf(engine, args);
          return toPartialConnection(await findDeliveries(engine.pool, actor, ids, filter, pageOf(args)), args, async () =>
            sumOf(await countDeliveriesOf(engine.pool, actor, ids, filter)),
          );
        },
      },
      delivery.connection,
      delivery.edge,
    ),
    webhookEvents: t.connection(
      {
        type: event.ref,
        nullable: false,
        description:
          'List the recorded changes of nodes in your organization, newest first. Several changes of a node in one transaction are one event.',
        args: {
          nodeId: t.arg.id({ description: 'Only events of this node.' }),
          nodeType: t.arg.string({ description: 'Only events of nodes of this type, e.g. `User`.' }),
          operation: t.arg({ type: enums.operation, description: 'Only nodes that were created, updated or deleted.' }),
          occurredAtMin: t.arg({
            type: 'DateTime',
            description: `Only events at this time or later. Default: ${LISTED_HOURS} hours before \`occurredAtMax\`.`,
          }),
          occurredAtMax: t.arg({ type: 'DateTime', description: 'Only events at this time or earlier. Default: now.' }),
          actor: t.arg({
            type: 'JSON',
            description:
              'Only changes by an actor with these properties, e.g. `{ userId: "7" }`. Values are compared as texts. Changes of nodes that you may not read are left out.',
          }),
          decisions: t.arg({
            type: [enums.whyNotCode],
            description: 'Only events about which one of these decisions was made for one of your subscriptions.',
          }),
          webhookSubscriptionId: t.arg.id({
            description: 'Only events about which a decision was made for this subscription. With `decisions`, one of those.',
          }),
        },
        resolve: async (_root, { nodeId, nodeType, operation, occurredAtMin, occurredAtMax, ...args }, ctx) => {
          const { reading: engine, actor } = access(ctx);
          const node = nodeId == null ? null : (engine.host.fromGlobalId(nodeId) ?? { typename: '', key: '' });
          const filter = { node, typename: nodeType, operation, occurredAtMin, occurredAtMax };
          const matching = matchingOf(access(ctx), args);
          const page = pageOf(args);
          const part = await (matching
            ? listMatchingEvents(engine, actor, { filter, matching, page })
            : listEvents(engine.pool, actor, filter, page));
          return toPartialConnection(part, args, async () => 0);
        },
      },
      event.connection,
      event.edge,
    ),
    webhookErrors: t.connection(
      {
        type: error.ref,
        nullable: false,
        description: 'List the errors of your subscriptions, newest first: failed attempts that were not dismissed.',
        args: {
          webhookSubscriptionId: t.arg.id({ description: 'Only errors of this subscription.' }),
          ...error.args(t.arg),
        },
        resolve: async (_root, args, ctx) => {
          const { reading: engine, actor } = access(ctx);
          const { webhookSubscriptionId: id } = args;
          const ids = id == null ? null : [keyOfId(engine, 'WebhookSubscription', id)];
          const filter = errorFilterOf(args);
          return toConnection(
            await listErrors(engine.pool, actor, ids, filter, pageOf(args)),
            (row) => row.id,
            async () => sumOf(await countErrorsOf(engine.pool, actor, ids, filter)),
          );
        },
      },
      error.connection,
      error.edge,
    ),
    webhookReplays: t.connection(
      {
        type: replay.ref,
        nullable: false,
        description: 'List the replays of events to your subscriptions, newest first.',
        args: {
          webhookSubscriptionId: t.arg.id({ description: 'Only replays to this subscription.' }),
          state: t.arg({ type: enums.replayState, description: 'Only replays in this state.' }),
        },
        resolve: async (_root, args, ctx) => {
          const { reading: engine, actor } = access(ctx);
          const { webhookSubscriptionId: id } = args;
          const filter = { subscriptionId: id == null ? null : keyOfId(engine, 'WebhookSubscription', id), state: args.state };
          return toConnection(
            await listReplays(engine.pool, actor, filter, pageOf(args)),
            (row) => row.id,
            () => countReplays(engine.pool, actor, filter),
          );
        },
      },
      replay.connection,
      replay.edge,
    ),
  }));
}

interface Conditions {
  actor?: unknown;
  decisions?: readonly string[] | null;
  webhookSubscriptionId?: string | null;
}

/** Returns a function that applies the conditions about actors and decisions to events; `null` when there are no such conditions. */
function matchingOf({ engine, loaders }: Access, { actor, decisions, webhookSubscriptionId: id }: Conditions): Matching | null {
  if (actor == null && decisions == null && id == null) return null;
  const subscriptionId = id == null ? null : keyOfId(engine, 'WebhookSubscription', id).toLowerCase();
  return (events) =>
    Promise.all(
      events.map(async (event) => {
        const content = actor == null ? null : await loaders.eventContent.load(event.id);
        if (actor != null && !isActor(content?.actor ?? null, actor as Json)) return false;
        if (decisions == null && subscriptionId === null) return true;
        const decided = await loaders.decisionsOf.load(event.id);
        return decided.some(
          ({ code, subscription }) =>
            (decisions == null || decisions.includes(code)) && (subscriptionId === null || subscription.id === subscriptionId),
        );
      }),
    );
}

function sumOf(counts: Map<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
