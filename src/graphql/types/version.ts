// Adds the field `versions` of subscriptions: their definition after each change.
import type { ObjectRef } from '@pothos/core';
import type { Subscription, SubscriptionVersion } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import type { HostTypes } from '../host-types.js';

export function addVersions(builder: Builder, access: AccessOf, subscription: ObjectRef<Types, Subscription>, { owner }: HostTypes): void {
  const version = builder.objectRef<SubscriptionVersion>('WebhookSubscriptionVersion').implement({
    description: 'The definition of a subscription after a change. Versions are never changed.',
    fields: (t) => ({
      number: t.exposeInt('number', { nullable: false, description: 'The number of the version; the first is 1.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When the version was saved.' }),
      createdById: t.id({
        nullable: false,
        description: 'The id of the user who saved the version.',
        resolve: ({ createdBy }, _args, ctx) => (owner ? access(ctx).engine.host.toGlobalId(owner.typename, createdBy) : createdBy),
      }),
      definition: t.field({
        type: 'JSON',
        nullable: false,
        description: 'The whole definition, such as the destination, the query and the templates, without secrets.',
        resolve: ({ definition }) => definition,
      }),
    }),
  });
  builder.objectField(subscription, 'versions', (t) =>
    t.field({
      type: [version],
      nullable: { list: false, items: false },
      description: 'The versions of the definition, newest first.',
      args: {
        first: t.arg.int({ description: 'The maximum number of versions: 1–100. Default: 25.' }),
        before: t.arg.int({ description: 'Only versions before this number.' }),
      },
      resolve: ({ id }, { first, before }, ctx) =>
        access(ctx)
          .loaders.versionsOf({ count: pageOf({ first }).limit, before: before ?? null })
          .load(id),
    }),
  );
}
