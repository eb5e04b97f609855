// Adds the audit log of one subscription and of all subscriptions.
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
    description: 'What was done to a subscription.',
    values: Object.fromEntries(Object.entries(AUDIT_ACTIONS).map(([name, description]) => [name, { description }])) as Record<
      AuditAction,
      object
    >,
  });
  const change = addChange(builder);
  const actor = addActor(builder, access, types.host);
  const ref = builder.objectRef<AuditEntry>('WebhookAuditEntry').implement({
    description: 'A change of a subscription, written down in its own transaction and never altered.',
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: "The record's id; a later entry has a greater one." }),
      at: t.expose('at', { type: 'DateTime', nullable: false, description: 'When it was done.' }),
      action: t.field({ type: action, nullable: false, description: 'What was done.', resolve: (entry) => entry.action }),
      actor: t.field({ type: actor, nullable: false, description: 'Who did it.', resolve: (entry) => entry }),
      changes: t.field({
        type: [change],
        nullable: { list: false, items: false },
        description: 'Field by field, what it changed.',
        resolve: (entry) => entry.changes,
      }),
      versionBefore: t.exposeInt('versionBefore', { description: 'The version of the definition before; null: there was none.' }),
      versionAfter: t.exposeInt('versionAfter', { description: 'The version of the definition after; null: it was deleted.' }),
      message: t.exposeString('message', { description: 'Why or how much, in a sentence.' }),
      webhookSubscription: t.field({
        type: types.subscription.ref,
        description: 'What it was done to; null when that was deleted.',
        resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
      }),
      webhookSubscriptionId: t.id({
        nullable: false,
        description: 'The id of what it was done to.',
        resolve: ({ subscriptionId }, _args, ctx, info) =>
          access(ctx).engine.host.toGlobalId(typenameOf(info, 'webhookSubscription'), subscriptionId),
      }),
      webhookDelivery: t.field({
        type: types.delivery.ref,
        description: 'The delivery that was sent again, or recorded of a test.',
        resolve: ({ deliveryId }, _args, ctx) => (deliveryId === null ? null : access(ctx).loaders.delivery.load(deliveryId)),
      }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookAuditEntryEdge', description: 'An entry in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookAuditEntryConnection',
      description: 'A list of entries, the newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'How many there are on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  const args = (arg: ArgBuilder<Types>) => ({
    actions: arg({ type: [action], description: 'Only these.' }),
    byRule: arg.boolean({ description: 'Only what rules did, or only what people did.' }),
    createdAtMin: arg({ type: 'DateTime', description: 'Only those of this moment or later.' }),
    createdAtMax: arg({ type: 'DateTime', description: 'Only those of this moment or before.' }),
  });
  builder.objectField(types.subscription.ref, 'auditLog', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'Who changed what in it, the newest first.',
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
        description: 'Who changed what in your subscriptions, deleted ones too, the newest first.',
        args: { webhookSubscriptionId: t.arg.id({ description: 'Only in this subscription.' }), ...args(t.arg) },
        resolve: async (_root, { webhookSubscriptionId: id, ...asked }, ctx) => {
          const { engine, actor: own } = access(ctx);
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
    description: 'What a field was and is.',
    fields: (t) => ({
      field: t.exposeString('field', { nullable: false, description: 'The field of the subscription.' }),
      isSecret: t.boolean({
        nullable: false,
        description: 'Whether its values are nowhere written down.',
        resolve: ({ secret }) => secret === true,
      }),
      before: t.expose('before', { type: 'JSON', description: 'What it was; null also of a secret.' }),
      after: t.expose('after', { type: 'JSON', description: 'What it is; null also of a secret.' }),
      diff: t.string({
        description: 'Of texts with several lines a unified diff; of a secret `changed`.',
        resolve: (made, _args, ctx) => diffFor(ctx, made),
      }),
    }),
  });
}

/**
 * Maximum milliseconds for all diffs of one response: diffing blocks the process, and one change can be selected under
 * many aliases.
 */
const DIFFS_LIMIT_MS = 250;
const spentMs = new WeakMap<object, number>();

function diffFor(ctx: object, change: Change): string | null {
  const spent = spentMs.get(ctx) ?? 0;
  if (spent > DIFFS_LIMIT_MS)
    throw new GraphQLError(`The diffs of this answer take longer than ${DIFFS_LIMIT_MS} ms, which is the limit: ask for fewer at once.`);
  const started = performance.now();
  const diff = diffOf(change);
  spentMs.set(ctx, spent + performance.now() - started);
  return diff;
}

function addActor(builder: Builder, access: AccessOf, { owner }: HostTypes) {
  return builder.objectRef<AuditEntry>('WebhookAuditActor').implement({
    description: 'Who changed a subscription: somebody, or a rule.',
    fields: (t) => ({
      ...(owner && {
        user: t.field({
          type: owner.ref,
          description: 'Who it was; null: a rule.',
          resolve: ({ userId }, _args, ctx, info) => (userId === null ? null : owner.load(userId, ctx, info)),
        }),
      }),
      userId: t.id({
        description: 'Their id, also where they are gone.',
        resolve: ({ userId }, _args, ctx) =>
          userId !== null && owner ? access(ctx).engine.host.toGlobalId(owner.typename, userId) : userId,
      }),
      tokenId: t.exposeString('tokenId', { description: "The record's id of the token that they asked with." }),
      tokenName: t.exposeString('tokenName', { description: 'The name of that token, as it was then.' }),
      rule: t.exposeString('rule', {
        description:
          'The rule: the reason of a disabling, `BROKEN` of a definition that no longer works, `RECHECKED` of one that works again.',
      }),
    }),
  });
}

function filterOf({ actions, byRule, createdAtMin, createdAtMax }: AuditFilter): AuditFilter {
  return { actions, byRule, createdAtMin, createdAtMax };
}
