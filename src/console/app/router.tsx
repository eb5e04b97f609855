// Makes the router from the list of pages.
import { createRouter } from '@tanstack/react-router';
import { PAGES } from '../pages';
import { config } from './config';
import { rootRoute } from './root';

export const router = createRouter({
  routeTree: rootRoute.addChildren(PAGES),
  basepath: config.path,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingMs: 300,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
