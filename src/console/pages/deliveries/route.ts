// The routes of the list of deliveries, of all webhooks or of one, and of one delivery.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';
import { STAGES } from '../history/words';
import { webhookRoute } from '../webhook/route';
import { type DeliveriesSearch, type DeliverySearch, SPANS, STATES } from './search';

const readSearch = (search: Record<string, unknown>): DeliveriesSearch => ({
  webhook: text(search.webhook),
  state: oneOf(search.state, STATES),
  since: oneOf(search.since, SPANS),
  node: text(search.node),
  stage: oneOf(search.stage, STAGES),
  code: /^[1-9](\d\d|xx)$/.test(text(search.code) ?? '') ? text(search.code) : undefined,
  search: text(search.search),
  after: text(search.after),
});

export const deliveriesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/deliveries',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./list-page'), 'DeliveriesPage'),
});

export const deliveryRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/deliveries/$id',
  validateSearch: (search: Record<string, unknown>): DeliverySearch => ({
    error: text(search.error),
    attempts: oneOf(search.attempts, ['failed'] as const),
  }),
  component: lazyRouteComponent(() => import('./delivery-page'), 'DeliveryPage'),
});

export const webhookDeliveriesRoute = createRoute({
  getParentRoute: () => webhookRoute,
  path: 'deliveries',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./list-page'), 'DeliveriesTab'),
});
