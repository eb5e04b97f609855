// The routes of the list of errors, of all webhooks or of one.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';
import { STAGES } from '../history/words';
import { webhookRoute } from '../webhook/route';
import type { ErrorsSearch } from './search';

const readSearch = (search: Record<string, unknown>): ErrorsSearch => ({
  webhook: text(search.webhook),
  stage: oneOf(search.stage, STAGES),
  after: text(search.after),
});

export const errorsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/errors',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./errors-page'), 'ErrorsPage'),
});

export const webhookErrorsRoute = createRoute({
  getParentRoute: () => webhookRoute,
  path: 'errors',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./errors-page'), 'ErrorsTab'),
});
