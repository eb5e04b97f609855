// Adds the types of a subscription's rate limit and of its current pace.

import type { Subscription } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { Enums } from './enums.js';

export function addPace(builder: Builder, enums: Enums) {
  return builder.objectRef<NonNullable<Subscription['pace']>>('WebhookPace').implement({
    description: 'Why and how the notifications of a subscription are slowed down.',
    fields: (t) => ({
      state: t.expose('state', { type: enums.paceState, nullable: false, description: 'Why they are slowed down.' }),
      perSecond: t.exposeFloat('perSecond', {
        description: 'The number of notifications a second that are sent now; null: no limit a second, or one at a time while PROBING.',
      }),
      resumesAt: t.field({
        type: 'DateTime',
        description: 'Nothing is sent before; null: notifications are being sent.',
        resolve: ({ resumesAt }) => (resumesAt === null ? null : new Date(resumesAt)),
      }),
      since: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When this state began.',
        resolve: ({ since }) => new Date(since),
      }),
    }),
  });
}
