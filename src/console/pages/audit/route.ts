// The route of the audit log.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';
import { ACTIONS, type AuditSearch } from './actions';

export const auditRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/audit',
  validateSearch: (search: Record<string, unknown>): AuditSearch => ({
    action: oneOf(search.action, ACTIONS),
    by: oneOf(search.by, ['users', 'rules'] as const),
    after: text(search.after),
  }),
  component: lazyRouteComponent(() => import('./audit-page'), 'AuditPage'),
});
