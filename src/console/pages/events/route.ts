// The routes of the list of events and of one event.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';

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

export const eventsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/events',
  validateSearch: (search: Record<string, unknown>): EventsSearch => ({
    webhook: text(search.webhook),
    type: text(search.type),
    node: text(search.node),
    operation: oneOf(search.operation, OPERATIONS),
    since: oneOf(search.since, SPANS),
    after: text(search.after),
  }),
  component: lazyRouteComponent(() => import('./events-page'), 'EventsPage'),
});

export const eventRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/events/$id',
  /** `webhook`: the webhook whose decision is shown first. */
  validateSearch: (search: Record<string, unknown>): { webhook?: string | undefined } => ({ webhook: text(search.webhook) }),
  component: lazyRouteComponent(() => import('./event-page'), 'EventPage'),
});
