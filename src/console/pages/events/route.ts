// The routes of the list of events and of one event.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';
import { type EventsSearch, OPERATIONS, SPANS } from './search';

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
