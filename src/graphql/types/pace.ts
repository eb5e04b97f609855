// Adds WebhookPace, which says how much a subscription is slowed down.

import type { Subscription } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { Enums } from './enums.js';

export function addPace(builder: Builder, enums: Enums) {
  return builder.objectRef<NonNullable<Subscription['pace']>>('WebhookPace').implement({
    description: 'Why and how much the notifications of a subscription are slowed down at present.',
    fields: (t) => ({
      state: t.expose('state', { type: enums.paceState, nullable: false, description: 'Why notifications are slowed down.' }),
      perSecond: t.exposeFloat('perSecond', {
        description: 'The number of notifications that are sent a second. `null`: no such limit, or one at a time while PROBING.',
      }),
      resumesAt: t.field({
        type: 'DateTime',
        description: 'The time before which nothing is sent. `null`: notifications are being sent.',
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
