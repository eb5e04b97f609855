// The search parameters of the list of webhooks.
import { oneOf, text } from '../../app/search';

export const SHOWN = ['enabled', 'disabled', 'held', 'slowed'] as const;
export const ORDERS = ['name', '-name', 'lastDelivery', '-lastDelivery', 'createdAt', '-createdAt'] as const;

export interface ListSearch {
  search?: string | undefined;
  show?: (typeof SHOWN)[number] | undefined;
  order?: (typeof ORDERS)[number] | undefined;
  /** Whose webhooks are shown. Default: the user's own. */
  of?: 'organization' | undefined;
  /** The cursor after which the page begins. */
  after?: string | undefined;
}

export const validate = (search: Record<string, unknown>): ListSearch => ({
  search: text(search.search),
  show: oneOf(search.show, SHOWN),
  order: oneOf(search.order, ORDERS),
  of: oneOf(search.of, ['organization'] as const),
  after: text(search.after),
});
