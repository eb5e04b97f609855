// The routes of the form: for a new webhook over the list, for a saved one over its page.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { text } from '../../app/search';
import { webhookRoute } from '../webhook/route';
import { webhooksRoute } from '../webhooks/route';

/** A topic (by its key) or a query that another page has chosen for a new webhook. */
interface Given {
  topic?: string | undefined;
  query?: string | undefined;
}

export const newWebhookRoute = createRoute({
  getParentRoute: () => webhooksRoute,
  path: 'new',
  validateSearch: ({ topic, query }: Record<string, unknown>): Given => ({ topic: text(topic), query: text(query) }),
  component: lazyRouteComponent(() => import('./form-drawer'), 'NewWebhookDrawer'),
});

export const editWebhookRoute = createRoute({
  getParentRoute: () => webhookRoute,
  path: 'edit',
  /** `field`: the field that another page asks to change. */
  validateSearch: ({ field }: Record<string, unknown>): { field?: string | undefined } => ({ field: text(field) }),
  component: lazyRouteComponent(() => import('./form-drawer'), 'EditWebhookDrawer'),
});
