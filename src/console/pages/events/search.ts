// The search parameters of the list of events.

export const OPERATIONS = ['CREATED', 'UPDATED', 'DELETED'] as const;
export const SPANS = ['1h', '24h', '7d', '30d'] as const;

export interface EventsSearch {
  /** The webhook whose decision each event shows. */
  webhook?: string | undefined;
  type?: string | undefined;
  node?: string | undefined;
  operation?: (typeof OPERATIONS)[number] | undefined;
  since?: (typeof SPANS)[number] | undefined;
  /** The cursor after which the page begins. */
  after?: string | undefined;
}
