// The routes of the catalogue of topics and of one topic.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { text } from '../../app/search';

export interface TopicsSearch {
  search?: string | undefined;
}

export const topicsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics',
  validateSearch: (search: Record<string, unknown>): TopicsSearch => ({ search: text(search.search) }),
  component: lazyRouteComponent(() => import('./topics-page'), 'TopicsPage'),
});

export const topicRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics/$id',
  component: lazyRouteComponent(() => import('./topic-page'), 'TopicPage'),
});
