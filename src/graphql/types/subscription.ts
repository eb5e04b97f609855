// Adds WebhookSubscription and its connection. No field can expose a secret, because the engine returns none.

import type { Subscription } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import type { HostTypes } from '../host-types.js';
import { idField } from '../own-nodes.js';
import { addAuth } from './auth.js';
import { type DeliveryParts, filterOf } from './delivery.js';
import type { Enums } from './enums.js';
import { type ErrorParts, errorFilterOf } from './error.js';
import { addPace } from './pace.js';
import { addRotationType } from './secret-rotation.js';
import { addSns } from './sns.js';
import { type TopicRef, totalOf } from './topic.js';

interface Parts {
  enums: Enums;
  topic: TopicRef;
  delivery: DeliveryParts;
  error: ErrorParts;
  host: HostTypes;
}

export function addSubscription(builder: Builder, access: AccessOf, { enums, topic, delivery, error, host }: Parts) {
  const header = builder.objectRef<{ name: string }>('WebhookHeader').implement({
    description: 'A header of its own that a subscription sends; its value is a secret.',
    fields: (t) => ({ name: t.exposeString('name', { nullable: false, description: 'The name of the header.' }) }),
  });
  const retry = builder.objectRef<NonNullable<Subscription['definition']['retry']>>('WebhookRetry').implement({
    description: "A subscription's own limits of trying again.",
    fields: (t) => ({
      maxTries: t.exposeInt('maxTries', { description: 'Tries in all, the first one too; null: no limit of its own.' }),
      maxTimeMs: t.exposeFloat('maxTimeMs', { description: 'Milliseconds from the first to the last try; null: no limit of its own.' }),
    }),
  });
  const { rateLimit, pace } = addPace(builder, enums);
  const auth = addAuth(builder, enums);
  const rotation = addRotationType(builder);
  const sns = addSns(builder);
  const recording = builder.objectRef<NonNullable<Subscription['definition']['recording']>>('WebhookRecording').implement({
    description: 'What is kept of the bodies of its attempts.',
    fields: (t) => ({
      bodies: t.exposeBoolean('bodies', { nullable: false, description: 'Whether they are recorded.' }),
      maskedPaths: t.exposeStringList('maskedPaths', {
        nullable: { list: false, items: false },
        description: 'What of them is recorded as `[masked]`.',
      }),
    }),
  });
  const ref = builder.objectRef<Subscription>('WebhookSubscription');
  builder.objectType(ref, {
    description: 'Who wants to be told of a topic, where, and in which words. Only its owner sees it.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'Its global id: for `webhookSubscription(id:)` and the mutations.'),
      databaseId: t.exposeString('id', { nullable: false, description: "The record's id, which the receiver reads in `…Webhook-Id`." }),
      name: t.exposeString('name', { description: 'For people.' }),
      topic: t.field({
        type: topic,
        description: 'What it is told of.',
        resolve: (subscription, _args, ctx) => access(ctx).loaders.topic.load(subscription.topicId),
      }),
      callbackUrl: t.string({
        description: 'Where notifications are sent; null where they go to an SNS topic.',
        resolve: ({ definition }) => definition.callbackUrl,
      }),
      sns: t.field({
        type: sns,
        description: 'The SNS topic where notifications are published; null where they go to a URL.',
        resolve: (subscription) => (subscription.definition.sns ? subscription : null),
      }),
      contentType: t.field({
        type: enums.contentType,
        nullable: false,
        description: 'What a notification is written in.',
        resolve: ({ definition }) => definition.contentType,
      }),
      query: t.string({
        description: "The query whose result is the payload; null: the node's id and address.",
        resolve: ({ definition }) => definition.query,
      }),
      validationTemplate: t.string({
        description: 'Liquid over the payload that says `true` or `false`: whether to send.',
        resolve: ({ definition }) => definition.validationTemplate,
      }),
      template: t.string({
        description: 'Liquid over the payload that writes the body; null: the payload itself.',
        resolve: ({ definition }) => definition.template,
      }),
      errorTemplate: t.string({
        description: "Liquid over the receiver's answer; whatever it writes is an error.",
        resolve: ({ definition }) => definition.errorTemplate,
      }),
      headers: t.field({
        type: [header],
        nullable: { list: false, items: false },
        description: 'The headers that are sent besides ours.',
        resolve: ({ definition }) => definition.headerNames.map((name) => ({ name })),
      }),
      auth: t.field({
        type: auth,
        description: 'How we make ourselves known to the receiver; null: not at all.',
        resolve: ({ definition }) => definition.auth,
      }),
      retry: t.field({
        type: retry,
        description: "Its own limits of trying again; null: the installation's.",
        resolve: ({ definition }) => definition.retry,
      }),
      rateLimit: t.field({
        type: rateLimit,
        description: 'The most that its owner lets the receiver get; null: as much as it takes.',
        resolve: ({ definition }) => definition.rateLimit,
      }),
      pace: t.field({
        type: pace,
        description: 'Why and how notifications are slowed down now; null: they are sent at full speed.',
        resolve: (subscription) => subscription.pace,
      }),
      recording: t.field({
        type: recording,
        nullable: false,
        description: 'What is kept of the bodies of its attempts.',
        resolve: ({ definition }) => definition.recording ?? { bodies: true, maskedPaths: [] },
      }),
      phase: t.field({
        type: enums.phase,
        nullable: false,
        description: 'Whether it is asked before a write, or told after it.',
        resolve: ({ definition }) => (definition.before ? 'BEFORE' : 'AFTER'),
      }),
      onFailure: t.field({
        type: enums.onFailure,
        description: "Of a before-hook: what it means that it can't be asked; null for the phase AFTER.",
        resolve: ({ definition }) => definition.before?.onFailure,
      }),
      timeoutMs: t.int({
        description: 'Of a before-hook: milliseconds that a write waits for it; null for the phase AFTER.',
        resolve: ({ definition }) => definition.before?.timeoutMs,
      }),
      hasSharedSecret: t.boolean({
        nullable: false,
        description: 'Whether notifications are signed with a shared secret.',
        resolve: ({ secretFields }) => secretFields.includes('sharedSecret'),
      }),
      signatures: t.field({
        type: [enums.signature],
        nullable: { list: false, items: false },
        description: 'How notifications are signed.',
        resolve: ({ definition }) => definition.signatures,
      }),
      publicKey: t.string({
        description:
          'What `v1a` signatures of Standard Webhooks are verified with, `whpk_…`; null where the shared secret is no private key.',
        resolve: ({ definition }) => definition.publicKey,
      }),
      secretRotation: t.field({
        type: rotation,
        description: 'The replacement of the shared secret that is under way; null: none is. See `rotateWebhookSecret`.',
        resolve: ({ rotationEndsAt }) => rotationEndsAt && { endsAt: rotationEndsAt },
      }),
      version: t.exposeInt('version', { nullable: false, description: 'Counts the changes of its definition, from 1.' }),
      status: t.field({ type: enums.status, nullable: false, description: 'Whether it sends.', resolve: ({ status }) => status }),
      disabled: t.boolean({
        nullable: false,
        description: 'Whether it is switched off.',
        resolve: ({ disabledAt }) => disabledAt !== null,
      }),
      disabledAt: t.expose('disabledAt', { type: 'DateTime', description: 'When it was switched off.' }),
      disabledReason: t.field({
        type: enums.disabledReason,
        description: 'Why it was switched off.',
        resolve: ({ disabledReason }) => disabledReason,
      }),
      disabledMessage: t.exposeString('disabledMessage', { description: 'Why it was switched off, in a sentence.' }),
      heldReason: t.exposeString('brokenReason', { description: 'Why its definition no longer works; null when it does.' }),
      ...partsOfHost(t, host),
      deliveries: t.connection(
        {
          type: delivery.ref,
          nullable: false,
          description: 'What was or is to be sent to it, the newest first.',
          args: delivery.args(t.arg),
          resolve: async (subscription, args, ctx) => {
            const { loaders } = access(ctx);
            const filter = filterOf(args);
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
      errors: t.connection(
        {
          type: error.ref,
          nullable: false,
          description: 'What went wrong and nobody has dismissed, the newest first.',
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
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When it was created.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'When anything of it last changed.' }),
    }),
  });
  builder.objectField(delivery.ref, 'webhookSubscription', (t) =>
    t.field({
      type: ref,
      description: 'Whom it is for; null when that was deleted.',
      resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
    }),
  );
  builder.objectField(error.ref, 'webhookSubscription', (t) =>
    t.field({
      type: ref,
      description: 'Whose error it is; null when that was deleted.',
      resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
    }),
  );
  const edge = builder.edgeObject({
    name: 'WebhookSubscriptionEdge',
    description: 'A subscription in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookSubscriptionConnection',
      description: 'A list of subscriptions, the oldest first.',
      type: ref,
      fields: (t) => ({
        totalCount: t.int({ nullable: false, description: 'How many there are on all pages.', resolve: totalOf }),
      }),
    },
    edge,
  );
  return { ref, connection, edge };
}

type FieldsOf = PothosSchemaTypes.ObjectFieldBuilder<Types, Subscription>;

/** The fields about the host's objects, for the types that the host has. */
function partsOfHost(t: FieldsOf, { owner, integration, environment }: HostTypes) {
  return {
    ...(owner
      ? {
          createdBy: t.field({
            type: owner.ref,
            description: 'Its owner.',
            resolve: (subscription, _args, ctx, info) => owner.load(subscription.owner, ctx, info),
          }),
        }
      : { createdById: t.exposeString('owner', { nullable: false, description: "Its owner's key." }) }),
    ...(integration && {
      integration: t.field({
        type: integration.ref,
        description: 'The integration that it belongs to.',
        resolve: ({ integrationId }, _args, ctx, info) => (integrationId === null ? null : integration.load(integrationId, ctx, info)),
      }),
    }),
    ...(environment && {
      environments: t.field({
        type: [environment.ref],
        nullable: { list: false, items: true },
        description: 'The environments whose nodes it is told of; none: of all.',
        resolve: ({ environmentIds }, _args, ctx, info) => (environmentIds ?? []).map((key) => environment.load(key, ctx, info)),
      }),
    }),
  };
}

export type SubscriptionParts = ReturnType<typeof addSubscription>;
