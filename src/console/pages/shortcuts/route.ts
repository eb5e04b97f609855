// The route of the keyboard shortcuts.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';

export const shortcutsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/shortcuts',
  component: lazyRouteComponent(() => import('./shortcuts-page'), 'ShortcutsPage'),
});
