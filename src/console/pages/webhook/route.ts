// The routes of one webhook: its frame, and a tab each for the overview, the versions and the audit log.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { oneOf, text } from '../../app/search';
import { PERIODS, type PeriodName } from './periods';

export const webhookRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/webhooks/$webhookId',
  component: lazyRouteComponent(() => import('./webhook-page'), 'WebhookPage'),
});

export const overviewRoute = createRoute({
  getParentRoute: () => webhookRoute,
  path: '/',
  validateSearch: (search: Record<string, unknown>): { period?: PeriodName | undefined } => ({ period: oneOf(search.period, PERIODS) }),
  component: lazyRouteComponent(() => import('./overview-tab'), 'OverviewTab'),
});

export const versionsRoute = createRoute({
  getParentRoute: () => webhookRoute,
  path: 'versions',
  validateSearch: (search: Record<string, unknown>): { left?: string | undefined; right?: string | undefined } => ({
    left: text(search.left),
    right: text(search.right),
  }),
  component: lazyRouteComponent(() => import('./versions-tab'), 'VersionsTab'),
});

export const webhookAuditRoute = createRoute({
  getParentRoute: () => webhookRoute,
  path: 'audit',
  component: lazyRouteComponent(() => import('./audit-tab'), 'WebhookAuditTab'),
});
