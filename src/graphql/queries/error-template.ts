// Adds the query that judges stored answers by a new error template.
import { type ErrorTemplateRehearsal, type JudgedAnswer, rehearseErrorTemplate, toCursor } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from '../types/index.js';
import { FIRST_REHEARSED, PAGE_TEXTS } from '../types/rehearsal.js';
import { errorsOf, type UserErrorRef } from '../user-error.js';

interface Parts {
  types: WebhookTypes;
  userError: UserErrorRef;
}

export function addErrorTemplate(builder: Builder, access: AccessOf, { types: { delivery }, userError }: Parts): void {
  const failure = builder.objectRef<JudgedAnswer>('WebhookMisjudgedDelivery').implement({
    description: 'A delivery that succeeded, whose answer an error template calls a failure.',
    fields: (t) => ({
      webhookDelivery: t.field({ type: delivery.ref, nullable: false, description: 'The delivery.', resolve: (one) => one.delivery }),
      message: t.string({ nullable: false, description: 'The error that the template found.', resolve: ({ message }) => message ?? '' }),
    }),
  });
  const counting = (is: JudgedAnswer['outcome'], description: string) => ({
    nullable: false as const,
    description: `The number of deliveries on this page ${description}`,
    resolve: ({ answers }: ErrorTemplateRehearsal) => answers.filter(({ outcome }) => outcome === is).length,
  });
  const found = builder.objectRef<ErrorTemplateRehearsal & { path: string[] }>('WebhookErrorTemplateRehearsal').implement({
    description: 'A page of deliveries that succeeded, with what an error template says of their stored answers. Nothing is sent or saved.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The mistakes of the template; empty when there are none.')),
      examinedCount: t.int({
        nullable: false,
        description: 'The number of deliveries on this page.',
        resolve: ({ answers }) => answers.length,
      }),
      deliveredCount: t.int(counting('DELIVERED', 'that stay successes.')),
      failedCount: t.int(counting('FAILED', 'that were failures.')),
      unknownCount: t.int(counting('UNKNOWN', 'whose answer is not stored as it was received.')),
      failures: t.field({
        type: [failure],
        nullable: { list: false, items: false },
        description: 'The deliveries that were failures, newest first. `replayWebhookEvents(deliveries:)` sends their events again.',
        resolve: ({ answers }) => answers.filter(({ outcome }) => outcome === 'FAILED'),
      }),
      endCursor: t.string({
        description: 'The `after` of the next page; `null` when nothing was read.',
        resolve: ({ position }) => (position === null ? null : toCursor(position)),
      }),
      hasNextPage: t.exposeBoolean('hasNext', { nullable: false, description: 'Whether another page follows.' }),
    }),
  });
  builder.queryField('webhookErrorTemplateRehearsal', (t) =>
    t.field({
      type: found,
      nullable: false,
      description:
        'Try a new error template on the stored answers to deliveries that succeeded, newest first: which of them were failures? Nothing is sent or saved.',
      args: {
        webhookSubscriptionId: t.arg.id({ required: true, description: 'The id of the subscription.' }),
        errorTemplate: t.arg.string({ required: true, description: 'The template to try.' }),
        from: t.arg({ type: 'DateTime', description: 'Only deliveries created at this time or later. Default: all.' }),
        to: t.arg({ type: 'DateTime', description: 'Only deliveries created at this time or earlier. Default: now.' }),
        first: t.arg.int({ description: PAGE_TEXTS.first.replace('events', 'deliveries') }),
        after: t.arg.string({ description: PAGE_TEXTS.after }),
      },
      resolve: async (_root, { webhookSubscriptionId, errorTemplate, from, to, first, after }, ctx) => {
        const { engine, actor } = access(ctx);
        const { limit, after: position } = pageOf({ first: first ?? FIRST_REHEARSED, after: after ?? null });
        const subscriptionId = keyOfId(engine, 'WebhookSubscription', webhookSubscriptionId);
        const period = { from: from ?? null, to: to ?? null };
        const question = { subscriptionId, errorTemplate, ...period, first: limit, after: position };
        return { ...(await rehearseErrorTemplate(engine, actor, question)), path: [] };
      },
    }),
  );
}
