// Adds the query that accounts for every event and every subscription of its topic.
import { GraphQLError } from 'graphql';
import {
  type Account,
  AUDIT_CODES,
  AUDIT_FAULTS,
  type Audit,
  type AuditFinding,
  audit,
  describeFinding,
  type Owner,
  PAGE,
  toCursor,
  toPage,
  WebhooksError,
} from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { describe } from '../types/enums.js';
import type { WebhookTypes } from '../types/index.js';

/** Milliseconds after which an answer ends at the next step, so that the client reads an audit of years in pages. */
const PAGE_MS = 1_000;

export function addBooks(builder: Builder, access: AccessOf, types: WebhookTypes): void {
  const code = builder.enumType('WebhookAuditCode', {
    description: 'The outcome of an event for a subscription of its topic.',
    values: describe(AUDIT_CODES),
  });
  const account = builder.objectRef<Account>('WebhookAuditAccount').implement({
    description: 'The number of pairs of an event and a subscription with the same outcome.',
    fields: (t) => ({
      code: t.field({ type: code, nullable: false, description: 'The outcome.', resolve: (one) => one.code }),
      reason: t.exposeString('reason', { description: 'The reason, such as `VALIDATION`; `null` when the code says all.' }),
      count: t.exposeInt('count', { nullable: false, description: 'The number of pairs.' }),
    }),
  });
  const ofSubscription = builder.objectRef<Audit['ofSubscriptions'][number]>('WebhookAuditSubscriptionAccount').implement({
    description: 'The number of events with the same outcome for one subscription.',
    fields: (t) => ({
      webhookSubscription: t.field({
        type: types.subscription.ref,
        description: 'The subscription; `null` when it was deleted.',
        resolve: ({ subscriptionId }, _args, ctx) => access(ctx).loaders.subscription.load(subscriptionId),
      }),
      code: t.field({ type: code, nullable: false, description: 'The outcome.', resolve: (one) => one.code }),
      reason: t.exposeString('reason', { description: 'The reason, such as `VALIDATION`; `null` when the code says all.' }),
      count: t.exposeInt('count', { nullable: false, description: 'The number of events.' }),
    }),
  });
  const finding = addFinding(builder, access, types);
  const ref = builder.objectRef<Audit>('WebhookAudit').implement({
    description:
      'Counts, for a part of the period, the outcomes of every event for your subscriptions of its topic. Sum the numbers of all pages.',
    fields: (t) => ({
      events: t.exposeInt('events', { nullable: false, description: 'The number of events in your organization.' }),
      unsubscribed: t.exposeInt('unsubscribed', {
        nullable: false,
        description: 'The number of these events without a subscription of yours to their topic.',
      }),
      accounts: t.field({
        type: [account],
        nullable: { list: false, items: false },
        description: 'The number of pairs of an event and a subscription, by outcome.',
        resolve: ({ accounts }) => accounts,
      }),
      subscriptionAccounts: t.field({
        type: [ofSubscription],
        nullable: { list: false, items: false },
        description: 'The same numbers by subscription.',
        resolve: ({ ofSubscriptions }) => ofSubscriptions,
      }),
      deliveries: t.exposeInt('deliveries', {
        nullable: false,
        description: 'The number of deliveries that were compared with their events and attempts.',
      }),
      findingCount: t.exposeInt('findingCount', { nullable: false, description: 'The number of rows that contradict others.' }),
      findings: t.field({
        type: [finding],
        nullable: { list: false, items: false },
        description: 'The first 100 rows that contradict others. Report them to the operator of this API.',
        resolve: ({ findings }) => findings,
      }),
      hasNextPage: t.boolean({
        nullable: false,
        description: 'Whether a next page follows.',
        resolve: ({ position }) => position !== null,
      }),
      endCursor: t.string({
        description: 'The cursor for the argument `after` of the next page; `null` on the last page.',
        resolve: ({ position }) => (position === null ? null : toCursor(position)),
      }),
    }),
  });
  builder.queryField('webhookAudit', (t) =>
    t.field({
      type: ref,
      nullable: false,
      description:
        'Account for every event of a period and each of your subscriptions to its topic: delivered, skipped, held …, or missing. For who changed a subscription, see `webhookAuditLog`.',
      args: {
        since: t.arg({ type: 'DateTime', description: 'Only events and deliveries at this time or later. Default: all that are kept.' }),
        until: t.arg({ type: 'DateTime', description: 'Only events and deliveries before this time. Default: all.' }),
        after: t.arg.string({ description: 'The `endCursor` of the page before.' }),
      },
      resolve: async (_root, { since, until, after }, ctx) => {
        const { engine, actor } = access(ctx);
        return readPage(engine.pool, { since: since ?? null, until: until ?? null, owner: actor }, after ?? null);
      },
    }),
  );
}

async function readPage(
  pool: Parameters<typeof audit>[0],
  scope: { since: Date | null; until: Date | null; owner: Owner },
  after: string | null,
): Promise<Audit> {
  try {
    return await audit(pool, scope, { position: toPage({ first: PAGE.usual, after }).after, withinMs: PAGE_MS });
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError(error.message, { extensions: { code: error.code } });
  }
}

function addFinding(builder: Builder, access: AccessOf, { event, subscription }: WebhookTypes) {
  const kind = builder.enumType('WebhookAuditFault', {
    description: 'How rows of the history contradict each other.',
    values: describe(AUDIT_FAULTS),
  });
  return builder.objectRef<AuditFinding>('WebhookAuditFinding').implement({
    description: 'A row of the history that contradicts others.',
    fields: (t) => ({
      kind: t.field({ type: kind, nullable: false, description: 'How it contradicts the others.', resolve: (one) => one.kind }),
      message: t.string({ nullable: false, description: 'The contradiction, in a sentence.', resolve: describeFinding }),
      event: t.field({
        type: event.ref,
        description: 'The event; `null` when the row names an event that does not exist.',
        resolve: ({ eventId }, _args, ctx) => (eventId === null ? null : access(ctx).loaders.event.load(eventId)),
      }),
      webhookSubscription: t.field({
        type: subscription.ref,
        description: 'The subscription; `null` when the row belongs to none, or the subscription was deleted.',
        resolve: ({ subscriptionId }, _args, ctx) =>
          subscriptionId === null ? null : access(ctx).loaders.subscription.load(subscriptionId),
      }),
      deliveryDatabaseId: t.exposeString('deliveryId', {
        description: 'The id of the delivery in the database; `null` when there is none.',
      }),
    }),
  });
}
