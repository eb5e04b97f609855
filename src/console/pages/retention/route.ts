// The route of the days for which history is kept.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';

export const retentionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/retention',
  component: lazyRouteComponent(() => import('./retention-page'), 'RetentionPage'),
});
