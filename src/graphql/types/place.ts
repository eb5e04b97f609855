// Adds the GraphQL type WebhookPlace: a position in a query or template.
import type { Place } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';

export function addPlace(builder: Builder) {
  return builder.objectRef<Place>('WebhookPlace').implement({
    description: 'A position in a query or template.',
    fields: (t) => ({
      line: t.exposeInt('line', { nullable: false, description: 'The line, counted from 1.' }),
      column: t.exposeInt('column', { nullable: false, description: 'The column in the line, counted from 1.' }),
    }),
  });
}

export type PlaceRef = ReturnType<typeof addPlace>;
