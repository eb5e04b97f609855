// The route of the list of webhooks. The form for a new one opens over it.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { validate } from './search';

export const webhooksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/webhooks',
  validateSearch: validate,
  component: lazyRouteComponent(() => import('./list-page'), 'ListPage'),
});
