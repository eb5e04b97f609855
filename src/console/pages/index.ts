// Lists the routes of all pages.
import { createRoute, redirect } from '@tanstack/react-router';
import { rootRoute } from '../app/root';
import { auditRoute } from './audit/route';
import { booksRoute } from './books/route';
import { deliveriesRoute, deliveryRoute, webhookDeliveriesRoute } from './deliveries/route';
import { errorsRoute, webhookErrorsRoute } from './errors/route';
import { eventRoute, eventsRoute } from './events/route';
import { explorerRoute } from './explorer/route';
import { editWebhookRoute, newWebhookRoute } from './form/route';
import { integrationsRoute } from './integrations/route';
import { retentionRoute } from './retention/route';
import { shortcutsRoute } from './shortcuts/route';
import { tokensRoute } from './tokens/route';
import { topicRoute, topicsRoute } from './topics/route';
import { overviewRoute, versionsRoute, webhookAuditRoute, webhookRoute } from './webhook/route';
import { webhooksRoute } from './webhooks/route';

const startRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/webhooks', replace: true });
  },
});

export const PAGES = [
  startRoute,
  webhooksRoute.addChildren([newWebhookRoute]),
  webhookRoute.addChildren([editWebhookRoute, overviewRoute, webhookDeliveriesRoute, webhookErrorsRoute, versionsRoute, webhookAuditRoute]),
  deliveriesRoute,
  deliveryRoute,
  errorsRoute,
  eventsRoute,
  eventRoute,
  booksRoute,
  topicsRoute,
  topicRoute,
  integrationsRoute,
  tokensRoute,
  auditRoute,
  retentionRoute,
  explorerRoute,
  shortcutsRoute,
] as const;
