// The search parameters of the books.
import { oneOf } from '../../app/search';

export const SPANS = ['7d', '30d', 'all'] as const;

export interface BooksSearch {
  /** Default: the last 24 hours. */
  span?: (typeof SPANS)[number] | undefined;
  /** Default: by webhook. */
  by?: 'topic' | undefined;
}

export const validate = (search: Record<string, unknown>): BooksSearch => ({
  span: oneOf(search.span, SPANS),
  by: oneOf(search.by, ['topic'] as const),
});
