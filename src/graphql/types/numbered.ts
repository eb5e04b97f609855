// Adds the field `deliveriesAfter` to subscriptions: the notifications that a receiver missed, by their numbers.
import type { ObjectRef } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { BODY_STATES, type NumberedDeliveries, type NumberedDelivery, type Subscription } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import type { DeliveryParts } from './delivery.js';
import { describe } from './enums.js';

const MOST = 100;

export function addNumbered(
  builder: Builder,
  access: AccessOf,
  { subscription, delivery }: { subscription: ObjectRef<Types, Subscription>; delivery: DeliveryParts['ref'] },
): void {
  const bodyState = builder.enumType('WebhookBodyState', {
    description: 'Whether a body is the one that was sent, or why it is missing.',
    values: describe(BODY_STATES),
  });
  const row = builder.objectRef<NumberedDelivery>('WebhookNumberedDelivery').implement({
    description: 'A notification of a numbered subscription, with its number.',
    fields: (t) => ({
      sequence: t.exposeString('number', {
        nullable: false,
        description: 'The number of the notification, as sent in the header `X-Scope-Sequence`. A whole number that may have 19 digits.',
      }),
      delivery: t.expose('delivery', { type: delivery, description: 'The delivery; `null` when it was deleted.' }),
      body: t.exposeString('body', { description: 'The body as it was last sent; `null` when it is not kept.' }),
      bodyState: t.expose('bodyState', {
        type: bodyState,
        nullable: false,
        description: 'Whether the body is exact, or why it is missing.',
      }),
    }),
  });
  const list = builder.objectRef<NumberedDeliveries>('WebhookNumberedDeliveries').implement({
    description: 'The notifications of a numbered subscription after a number, in the order of their numbers.',
    fields: (t) => ({
      nodes: t.expose('rows', { type: [row], nullable: false, description: 'The notifications.' }),
      hasMore: t.exposeBoolean('hasMore', { nullable: false, description: 'Whether more follow. Continue after the last `sequence`.' }),
      lastSequence: t.exposeString('last', { nullable: false, description: 'The last number that was assigned; `0` when none was.' }),
      firstSequence: t.exposeString('first', {
        description: 'The first number that this installation still keeps; those below it were deleted. `null` when it keeps none.',
      }),
    }),
  });
  builder.objectField(subscription, 'deliveriesAfter', (t) =>
    t.field({
      type: list,
      nullable: false,
      description:
        'The notifications with numbers above `sequence`, so that a receiver gets what it missed. Empty unless the subscription is or was `numbered`.',
      args: {
        sequence: t.arg.string({
          required: true,
          description: 'The last number up to which the receiver has all notifications; `0` for all.',
        }),
        first: t.arg.int({ description: `The maximum number of notifications: at most ${MOST}, and by default ${MOST}.` }),
      },
      resolve: async ({ id }, { sequence, first }, ctx) => {
        if (!/^\d{1,18}$/.test(sequence))
          throw new GraphQLError(`sequence can't be ${JSON.stringify(sequence)}: write a number such as 1042.`);
        const limit = Math.min(Math.max(first ?? MOST, 1), MOST);
        return access(ctx).loaders.deliveriesAfter({ after: sequence, limit }).load(id);
      },
    }),
  );
}
