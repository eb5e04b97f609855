// The route of the form for a new webhook, which opens over the list.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { webhooksRoute } from '../webhooks/route';

export const newWebhookRoute = createRoute({
  getParentRoute: () => webhooksRoute,
  path: 'new',
  component: lazyRouteComponent(() => import('./form-drawer'), 'NewWebhookDrawer'),
});
