// The route of the books.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../app/root';
import { validate } from './search';

export const booksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/books',
  validateSearch: validate,
  component: lazyRouteComponent(() => import('./books-page'), 'BooksPage'),
});
