// Adds the GraphQL type WebhookPace, which says why and how much a subscription is slowed down.

import type { Subscription } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { Enums } from './enums.js';

export function addPace(builder: Builder, enums: Enums) {
  return builder.objectRef<NonNullable<Subscription['pace']>>('WebhookPace').implement({
    description: 'Why, and to which rate, the notifications of a subscription are slowed down at present.',
    fields: (t) => ({
      state: t.expose('state', { type: enums.paceState, nullable: false, description: 'Why notifications are slowed down.' }),
      perSecond: t.exposeFloat('perSecond', {
        description:
          'The maximum number of notifications a second at present. `null` when there is no such maximum, or while PROBING, when one is sent at a time.',
      }),
      resumesAt: t.field({
        type: 'DateTime',
        description: 'The time until which nothing is sent. `null` when notifications are being sent.',
        resolve: ({ resumesAt }) => (resumesAt === null ? null : new Date(resumesAt)),
      }),
      since: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When the state began.',
        resolve: ({ since }) => new Date(since),
      }),
    }),
  });
}
