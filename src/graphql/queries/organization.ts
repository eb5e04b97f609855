// Adds the root field that lists the subscriptions of all users of an organization, for admins, without what is private to an owner.
import type { ObjectRef } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { countOfTenant, cursorOfSubscription, destinationText, listOfTenant, type Subscription } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import type { WebhookTypes } from '../types/index.js';
import { totalOf } from '../types/topic.js';

export function addOrganization(builder: Builder, access: AccessOf, types: WebhookTypes): void {
  const ref = addType(builder, access, types);
  const edge = builder.edgeObject({
    name: 'WebhookOfOrganizationEdge',
    description: 'A subscription of the organization, in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookOfOrganizationConnection',
      description: 'A list of the subscriptions of an organization, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  builder.queryField('webhooksOfOrganization', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'List the subscriptions of all users of your organization, newest first. Only admins may read it.',
        args: {
          search: t.arg.string({
            description: 'Only subscriptions with each of these words in their id, name, topic or the id of their owner.',
          }),
          statuses: t.arg({ type: [types.enums.status], description: 'Only subscriptions with one of these statuses.' }),
        },
        resolve: async (_root, { search, statuses, ...page }, ctx) => {
          const {
            reading: { pool },
            actor: { tenant, canManageWebhooks },
          } = access(ctx);
          if (!canManageWebhooks) throw new GraphQLError('You are not allowed to manage webhooks.', { extensions: { code: 'FORBIDDEN' } });
          const filter = { search, statuses };
          return toConnection(await listOfTenant(pool, tenant, filter, pageOf(page)), cursorOfSubscription, () =>
            countOfTenant(pool, tenant, filter),
          );
        },
      },
      connection,
      edge,
    ),
  );
}

function addType(builder: Builder, access: AccessOf, { topic, enums, host: { owner } }: WebhookTypes): ObjectRef<Types, Subscription> {
  return builder.objectRef<Subscription>('WebhookOfOrganization').implement({
    description: 'A subscription of your organization, without its query, templates and notifications, which only its owner may read.',
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'The global id of the subscription, with which its owner finds it.',
        resolve: ({ id }, _args, ctx) => access(ctx).engine.host.toGlobalId('WebhookSubscription', id),
      }),
      name: t.exposeString('name', { description: 'The name of the subscription.' }),
      topic: t.field({
        type: topic.ref,
        description: 'The topic whose events the subscription receives.',
        resolve: ({ topicId }, _args, ctx) => access(ctx).loaders.topic.load(topicId),
      }),
      destination: t.string({
        nullable: false,
        description: 'The host of the callback URL, or the ARN of the destination.',
        resolve: ({ definition }) => destinationText(definition),
      }),
      status: t.field({
        type: enums.status,
        nullable: false,
        description: 'Whether it sends notifications.',
        resolve: ({ status }) => status,
      }),
      disabledReason: t.field({
        type: enums.disabledReason,
        description: 'Why it was disabled. `null` when it is enabled.',
        resolve: ({ disabledReason }) => disabledReason,
      }),
      health: t.field({ type: enums.health, nullable: false, description: 'How it is.', resolve: ({ health }) => health }),
      ownerId: t.id({
        nullable: false,
        description: 'The id of the user who owns it.',
        resolve: (row, _args, ctx) => (owner ? access(ctx).engine.host.toGlobalId(owner.typename, row.owner) : row.owner),
      }),
      ownerLabel: t.string({
        description: 'The name of its owner for people; `null` when the application gives none.',
        resolve: (row, _args, ctx) => (owner ? access(ctx).label(owner.typename, row.owner) : null),
      }),
      isOwn: t.boolean({
        nullable: false,
        description: 'Whether you own it.',
        resolve: (row, _args, ctx) => row.owner === access(ctx).actor.userId,
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When it was created.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'When it was last changed.' }),
    }),
  });
}
