// Adds the root field `webhookViewer`: the signed-in user and the token in use, and whether they may manage webhooks.
import type { Actor } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { HostTypes } from '../host-types.js';

export function addViewer(builder: Builder, access: AccessOf, { owner }: HostTypes): void {
  const token = builder.objectRef<NonNullable<Actor['token']>>('WebhookViewerToken').implement({
    description: 'The API token that sends this request.',
    fields: (t) => ({
      id: t.exposeString('id', { nullable: false, description: 'The id of the token, as the audit log records it.' }),
      name: t.exposeString('name', { nullable: false, description: 'The name of the token.' }),
      scope: t.string({
        description: 'The actions that the token allows, e.g. `READ`; `null` when unknown.',
        resolve: ({ scope }) => scope ?? null,
      }),
      expiresAt: t.field({
        type: 'DateTime',
        description: 'When the token expires; `null` when it never expires, or when that is unknown.',
        resolve: ({ expiresAt }) => expiresAt ?? null,
      }),
    }),
  });
  const viewer = builder.objectRef<Actor>('WebhookViewer').implement({
    description: 'The signed-in user, and what this user may do with webhooks.',
    fields: (t) => ({
      userId: t.id({
        nullable: false,
        description: 'The id of the user, who owns the subscriptions that the user creates.',
        resolve: ({ userId }, _args, ctx) => (owner ? access(ctx).engine.host.toGlobalId(owner.typename, userId) : userId),
      }),
      userLabel: t.string({
        description: 'The name of the user for people; `null` when the application gives none.',
        resolve: ({ userId }, _args, ctx) => (owner ? access(ctx).label(owner.typename, userId) : null),
      }),
      organizationLabel: t.string({
        description: 'The name of the organization of the user; `null` when the application gives none.',
        resolve: ({ tenant }, _args, ctx) => access(ctx).label(null, tenant),
      }),
      canManageWebhooks: t.exposeBoolean('canManageWebhooks', {
        nullable: false,
        description: 'Whether this request may create, change, test and delete webhooks.',
      }),
      cannotManageReason: t.string({
        description: 'Why this request may not manage webhooks, in a sentence; `null` when it may, or when the reason is unknown.',
        resolve: ({ canManageWebhooks, cannotManageReason }) => (canManageWebhooks ? null : (cannotManageReason ?? null)),
      }),
      token: t.field({
        type: token,
        description: 'The API token in use; `null` when the request has none, or it is unknown.',
        resolve: (actor) => actor.token ?? null,
      }),
    }),
  });
  builder.queryField('webhookViewer', (t) =>
    t.field({
      type: viewer,
      nullable: false,
      description: 'The user and the token that send this request, and whether they may manage webhooks.',
      resolve: (_root, _args, ctx) => access(ctx).actor,
    }),
  );
}
