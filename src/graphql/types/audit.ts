// Adds the audit log: `auditLog` of a subscription, and the root field `webhookAuditLog`.
import type { ArgBuilder } from '@pothos/core';
import { GraphQLError } from 'graphql';
import {
  AUDIT_ACTIONS,
  type AuditAction,
  type AuditEntry,
  type AuditFilter,
  type Change,
  countAuditOf,
  diffOf,
  listAudit,
} from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import type { HostTypes } from '../host-types.js';
import { keyOfId, typenameOf } from '../own-nodes.js';
import type { WebhookTypes } from './index.js';
import { totalOf } from './topic.js';

export function addAudit(builder: Builder, access: AccessOf, types: WebhookTypes): void {
  const action = builder.enumType('WebhookAuditAction', {
    description: 'An action on a subscription.',
    values: Object.fromEntries(Object.entries(AUDIT_ACTIONS).map(([name, description]) => [name, { description }])) as Record<
      AuditAction,
      object
    >,
  });
  const change = addChange(builder);
  const actor = addActor(builder, access, types.host);
  const ref = builder.objectRef<AuditEntry>('WebhookAuditEntry').implement({
    description: 'An entry of the audit log: an action on a subscription. Entries are never changed.',
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the entry; later entries have greater ids.' }),
      at: t.expose('at', { type: 'DateTime', nullable: false, description: 'The time of the action.' }),
      action: t.field({
        type: action,
        nullable: false,
        description: 'The kind of action, such as `CREATED`.',
        resolve: (entry) => entry.action,
      }),
      actor: t.field({ type: actor, nullable: false, description: 'The user or the rule that acted.', resolve: (entry) => entry }),
      changes: t.field({
        type: [change],
        nullable: { list: false, items: false },
        description: 'The changed fields.',
        resolve: (entry) => entry.changes,
      }),
      versionBefore: t.exposeInt('versionBefore', {
        description: 'The version of the definition before the action; `null` when the subscription did not exist.',
      }),
      versionAfter: t.exposeInt('versionAfter', {
        description: 'The version of the definition after the action; `null` when the subscription was deleted.',
      }),
      message: t.exposeString('message', { description: 'Details of the action, in a sentence; `null` when there are none.' }),
      webhookSubscription: t.field({
        type: types.subscription.ref,
        description: 'The subscription; `null` when it was deleted.',
        resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
      }),
      webhookSubscriptionId: t.id({
        nullable: false,
        description: 'The id of the subscription.',
        resolve: ({ subscriptionId }, _args, ctx, info) =>
          access(ctx).engine.host.toGlobalId(typenameOf(info, 'webhookSubscription'), subscriptionId),
      }),
      webhookDelivery: t.field({
        type: types.delivery.ref,
        description: 'The delivery that was resent, or the delivery of the test; `null` for other actions.',
        resolve: ({ deliveryId }, _args, ctx) => (deliveryId === null ? null : access(ctx).loaders.delivery.load(deliveryId)),
      }),
    }),
  });
  const edge = builder.edgeObject({
    name: 'WebhookAuditEntryEdge',
    description: 'An audit log entry in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookAuditEntryConnection',
      description: 'A list of audit log entries, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  const args = (arg: ArgBuilder<Types>) => ({
    actions: arg({ type: [action], description: 'Only entries of these actions.' }),
    byRule: arg.boolean({ description: '`true`: only actions of rules; `false`: only actions of users.' }),
    createdAtMin: arg({ type: 'DateTime', description: 'Only entries at this time or later.' }),
    createdAtMax: arg({ type: 'DateTime', description: 'Only entries at this time or earlier.' }),
  });
  builder.objectField(types.subscription.ref, 'auditLog', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'The audit log of this subscription: who changed what, newest first.',
        args: args(t.arg),
        resolve: async (subscription, asked, ctx) => {
          const { loaders } = access(ctx);
          const filter = filterOf(asked);
          const page = await loaders.auditOf({ filter, page: pageOf(asked) }).load(subscription.id);
          return toConnection(
            page,
            (row) => row.id,
            () => loaders.auditCountOf(filter).load(subscription.id),
          );
        },
      },
      connection,
      edge,
    ),
  );
  builder.queryField('webhookAuditLog', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'The audit log of your subscriptions, including deleted subscriptions: who changed what, newest first.',
        args: { webhookSubscriptionId: t.arg.id({ description: 'Only entries of this subscription.' }), ...args(t.arg) },
        resolve: async (_root, { webhookSubscriptionId: id, ...asked }, ctx) => {
          const { reading: engine, actor: own } = access(ctx);
          const ids = id == null ? null : [keyOfId(engine, 'WebhookSubscription', id)];
          const filter = filterOf(asked);
          return toConnection(
            await listAudit(engine.pool, own, ids, filter, pageOf(asked)),
            (row) => row.id,
            async () => [...(await countAuditOf(engine.pool, own, ids, filter)).values()].reduce((sum, count) => sum + count, 0),
          );
        },
      },
      connection,
      edge,
    ),
  );
}

function addChange(builder: Builder) {
  return builder.objectRef<Change>('WebhookAuditChange').implement({
    description: 'The change of a field.',
    fields: (t) => ({
      field: t.exposeString('field', { nullable: false, description: 'The field of the subscription.' }),
      isSecret: t.boolean({
        nullable: false,
        description: 'Whether the field is a secret. The values of secrets are not recorded.',
        resolve: ({ secret }) => secret === true,
      }),
      before: t.expose('before', { type: 'JSON', description: 'The value before the change; `null` for a secret.' }),
      after: t.expose('after', { type: 'JSON', description: 'The value after the change; `null` for a secret.' }),
      diff: t.string({
        description: 'A unified diff of the values, if they are texts of several lines; `changed` for a secret; else `null`.',
        resolve: (made, _args, ctx) => diffFor(ctx, made),
      }),
    }),
  });
}

/**
 * Maximum milliseconds for all text diffs of one response. Computing a diff blocks the process, and a query can select the diff of one
 * change under many aliases.
 */
const DIFFS_LIMIT_MS = 250;
const spentMs = new WeakMap<object, number>();

function diffFor(ctx: object, change: Change): string | null {
  const spent = spentMs.get(ctx) ?? 0;
  if (spent > DIFFS_LIMIT_MS)
    throw new GraphQLError(`Computing the diffs takes longer than ${DIFFS_LIMIT_MS} ms, which is the limit. Request smaller pages.`);
  const started = performance.now();
  const diff = diffOf(change);
  spentMs.set(ctx, spent + performance.now() - started);
  return diff;
}

function addActor(builder: Builder, access: AccessOf, { owner }: HostTypes) {
  return builder.objectRef<AuditEntry>('WebhookAuditActor').implement({
    description: 'The actor of an audit log entry: a user or a rule.',
    fields: (t) => ({
      ...(owner && {
        user: t.field({
          type: owner.ref,
          description: 'The user; `null` when a rule acted.',
          resolve: ({ userId }, _args, ctx, info) => (userId === null ? null : owner.load(userId, ctx, info)),
        }),
      }),
      userId: t.id({
        description: 'The id of the user, even if the user was deleted.',
        resolve: ({ userId }, _args, ctx) =>
          userId !== null && owner ? access(ctx).engine.host.toGlobalId(owner.typename, userId) : userId,
      }),
      tokenId: t.exposeString('tokenId', { description: 'The id of the API token that authenticated the user.' }),
      tokenName: t.exposeString('tokenName', { description: 'The name that the API token had at the time of the action.' }),
      rule: t.exposeString('rule', {
        description:
          'The rule that acted: a `WebhookDisabledReason`, `BROKEN` when the definition no longer works, `RECHECKED` when it works again; `null` when a user acted.',
      }),
    }),
  });
}

function filterOf({ actions, byRule, createdAtMin, createdAtMax }: AuditFilter): AuditFilter {
  return { actions, byRule, createdAtMin, createdAtMax };
}
