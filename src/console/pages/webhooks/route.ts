// The route of the list of webhooks. The form for a new one opens over it.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';

export const SHOWN = ['enabled', 'disabled', 'held', 'slowed'] as const;
export const ORDERS = ['name', '-name', 'lastDelivery', '-lastDelivery', 'createdAt', '-createdAt'] as const;

export interface ListSearch {
  search?: string | undefined;
  show?: (typeof SHOWN)[number] | undefined;
  order?: (typeof ORDERS)[number] | undefined;
  /** The cursor after which the page begins. */
  after?: string | undefined;
}

export const webhooksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/webhooks',
  validateSearch: (search: Record<string, unknown>): ListSearch => ({
    search: text(search.search),
    show: oneOf(search.show, SHOWN),
    order: oneOf(search.order, ORDERS),
    after: text(search.after),
  }),
  component: lazyRouteComponent(() => import('./list-page'), 'ListPage'),
});
