// Adds the GraphQL type WebhookSubscription and its connection. No field can return a secret, because the engine's Subscription has none.
import type { ArgBuilder, ObjectRef } from '@pothos/core';
import type { Engine, Subscription, SubscriptionFilter } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import type { HostTypes } from '../host-types.js';
import { idField, keyOfOwn } from '../own-nodes.js';
import { type DeliveryParts, filterOf } from './delivery.js';
import type { Enums } from './enums.js';
import { type ErrorParts, errorFilterOf } from './error.js';
import type { FieldTypes } from './fields.js';
import { addPace } from './pace.js';
import { addRotationType } from './secret-rotation.js';
import { type TopicRef, totalOf } from './topic.js';

interface Parts {
  enums: Enums;
  fieldTypes: FieldTypes;
  topic: TopicRef;
  delivery: DeliveryParts;
  error: ErrorParts;
  host: HostTypes;
}

type FieldsOf = PothosSchemaTypes.ObjectFieldBuilder<Types, Subscription>;

export function addSubscription(builder: Builder, access: AccessOf, parts: Parts) {
  const ref = builder.objectRef<Subscription>('WebhookSubscription');
  const pace = addPace(builder, parts.enums);
  const rotation = addRotationType(builder);
  builder.objectType(ref, {
    description: 'A subscription to an event topic: its destination, its query and its templates. Only its owner sees it.',
    interfaces: ['Node'],
    fields: (t) => ({
      ...parts.fieldTypes.output(t as never),
      ...identityFields(t, access, parts),
      ...stateFields(t, parts.enums),
      ...sendingFields(t, { pace, rotation }),
    }),
  });
  addLists(builder, access, { ...parts, ref });
  addBackReferences(builder, access, { ...parts, ref });
  return { ref, args: argsOf(parts.enums), ...addConnection(builder, ref) };
}

function identityFields(t: FieldsOf, access: AccessOf, { topic, host: { owner } }: Parts) {
  return {
    id: idField(t, access, 'The global id of the subscription, for `webhookSubscription(id:)` and the mutations.'),
    databaseId: t.exposeString('id', {
      nullable: false,
      description: 'The id of the subscription in the database. Notifications contain it in the header `X-Scope-Webhook-Id`.',
    }),
    topic: t.field({
      type: topic,
      description: 'The topic of the events that the subscription receives.',
      resolve: (subscription, _args, ctx) => access(ctx).loaders.topic.load(subscription.topicId),
    }),
    ...(owner
      ? {
          createdBy: t.field({
            type: owner.ref,
            description: 'The owner of the subscription. Its query runs with the rights of the owner.',
            resolve: (subscription, _args, ctx, info) => owner.load(subscription.owner, ctx, info),
          }),
        }
      : { createdById: t.exposeString('owner', { nullable: false, description: 'The key of the owner of the subscription.' }) }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When the subscription was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'When the subscription was last changed.' }),
  };
}

function stateFields(t: FieldsOf, enums: Enums) {
  return {
    version: t.exposeInt('version', {
      nullable: false,
      description: 'The number of the current version. It starts at 1 and grows with each change of the definition.',
    }),
    status: t.field({
      type: enums.status,
      nullable: false,
      description: 'Whether the subscription sends notifications.',
      resolve: ({ status }) => status,
    }),
    disabledAt: t.expose('disabledAt', { type: 'DateTime', description: 'When the subscription was disabled. `null` when it is enabled.' }),
    disabledReason: t.field({
      type: enums.disabledReason,
      description: 'Why the subscription was disabled. `null` when it is enabled.',
      resolve: ({ disabledReason }) => disabledReason,
    }),
    disabledMessage: t.exposeString('disabledMessage', {
      description: 'Why the subscription was disabled, in a sentence. `null` when it is enabled.',
    }),
    heldAt: t.expose('brokenAt', {
      type: 'DateTime',
      description: 'When the query or a template stopped working. `null` when they work.',
    }),
    heldReason: t.exposeString('brokenReason', {
      description: 'Why the query or a template no longer works, so that deliveries are held. `null` when they work.',
    }),
    health: t.field({
      type: enums.health,
      nullable: false,
      description: 'How the subscription is. The topics `webhook_subscription/…` announce its changes, once for each trouble.',
      resolve: ({ health }) => health,
    }),
    slowedAt: t.expose('slowedAt', {
      type: 'DateTime',
      description: 'When the receiver began to fail, or to ask to slow down. `null` when it does neither.',
    }),
    slowedReason: t.field({
      type: enums.slowedReason,
      description: 'Why the receiver slows the subscription down. `null` when it does not.',
      resolve: ({ slowedReason }) => slowedReason,
    }),
  };
}

function sendingFields(
  t: FieldsOf,
  { pace, rotation }: { pace: ReturnType<typeof addPace>; rotation: ReturnType<typeof addRotationType> },
) {
  return {
    pace: t.field({
      type: pace,
      description: 'Why, and to which rate, notifications are slowed down at present. `null` when they are sent at full speed.',
      resolve: (subscription) => subscription.pace,
    }),
    publicKey: t.string({
      description:
        'The public key `whpk_…` that verifies `v1a` signatures of Standard Webhooks. `null` unless the shared secret is a private key.',
      resolve: ({ definition }) => definition.publicKey,
    }),
    secretRotation: t.field({
      type: rotation,
      description: 'The replacement of the shared secret that `rotateWebhookSecret` began. `null` when no overlap is in progress.',
      resolve: ({ rotationEndsAt }) => rotationEndsAt && { endsAt: rotationEndsAt },
    }),
  };
}

type SubscriptionRef = ObjectRef<Types, Subscription>;

/** Adds the fields `lastDelivery`, `deliveries` and `errors` to subscriptions. */
function addLists(builder: Builder, access: AccessOf, { delivery, error, ref }: Parts & { ref: SubscriptionRef }): void {
  builder.objectField(ref, 'lastDelivery', (t) =>
    t.field({
      type: delivery.ref,
      description: 'The newest delivery of the subscription; `null` when it has none.',
      resolve: async ({ id }, _args, ctx) => {
        const page = pageOf({ first: 1 });
        return (await access(ctx).loaders.deliveriesOf({ filter: {}, page }).load(id)).rows[0] ?? null;
      },
    }),
  );
  builder.objectField(ref, 'deliveries', (t) =>
    t.connection(
      {
        type: delivery.ref,
        nullable: false,
        description: 'The deliveries of the subscription, newest first.',
        args: delivery.args(t.arg),
        resolve: async (subscription, args, ctx) => {
          const { engine, loaders } = access(ctx);
          const filter = filterOf(engine, args);
          const page = await loaders.deliveriesOf({ filter, page: pageOf(args) }).load(subscription.id);
          return toConnection(
            page,
            (row) => row.id,
            () => loaders.deliveryCountOf(filter).load(subscription.id),
          );
        },
      },
      delivery.connection,
      delivery.edge,
    ),
  );
  builder.objectField(ref, 'errors', (t) =>
    t.connection(
      {
        type: error.ref,
        nullable: false,
        description: 'The errors of the subscription that are not dismissed, newest first.',
        args: error.args(t.arg),
        resolve: async (subscription, args, ctx) => {
          const { loaders } = access(ctx);
          const filter = errorFilterOf(args);
          const page = await loaders.errorsOf({ filter, page: pageOf(args) }).load(subscription.id);
          return toConnection(
            page,
            (row) => row.id,
            () => loaders.errorCountOf(filter).load(subscription.id),
          );
        },
      },
      error.connection,
      error.edge,
    ),
  );
}

/** Adds the field `webhookSubscription` to deliveries and errors. */
function addBackReferences(builder: Builder, access: AccessOf, { delivery, error, ref }: Parts & { ref: SubscriptionRef }): void {
  builder.objectField(delivery.ref, 'webhookSubscription', (t) =>
    t.field({
      type: ref,
      description: 'The subscription that the delivery is for. `null` when it was deleted.',
      resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
    }),
  );
  builder.objectField(error.ref, 'webhookSubscription', (t) =>
    t.field({
      type: ref,
      description: 'The subscription with the error. `null` when it was deleted.',
      resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
    }),
  );
}

function addConnection(builder: Builder, ref: SubscriptionRef) {
  const edge = builder.edgeObject({
    name: 'WebhookSubscriptionEdge',
    description: 'A subscription in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookSubscriptionConnection',
      description: 'A list of subscriptions, oldest first.',
      type: ref,
      fields: (t) => ({
        totalCount: t.int({ nullable: false, description: 'The number of subscriptions on all pages.', resolve: totalOf }),
      }),
    },
    edge,
  );
  return { connection, edge };
}

/** Returns a function that declares the filters of a list of subscriptions. */
const argsOf = (enums: Enums) => (arg: ArgBuilder<Types>) => ({
  topicKey: arg.string({ description: 'Only subscriptions to this topic, e.g. `user/created`.' }),
  disabled: arg.boolean({ description: '`true`: only disabled subscriptions; `false`: only the others.' }),
  statuses: arg({ type: [enums.status], description: 'Only subscriptions with one of these statuses.' }),
  paceStates: arg({ type: [enums.paceState], description: 'Only subscriptions that are slowed down for one of these reasons.' }),
  search: arg.string({
    description:
      'Only subscriptions that contain each of these words, in any case, in their id, name, topic, destination, query, templates or another text of the definition.',
  }),
});

export function subscriptionFilterOf(engine: Engine, { topicKey, disabled, statuses, paceStates, search }: SubscriptionFilter) {
  const id = search == null ? null : keyOfOwn(engine, ['WebhookSubscription'], search.trim());
  return { topicKey, disabled, statuses, paceStates, search: id ?? search };
}

export type SubscriptionParts = ReturnType<typeof addSubscription>;
