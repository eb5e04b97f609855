// The search parameters of the lists of deliveries, and of one delivery.
import type { STAGES } from '../history/words';

export const STATES = ['PENDING', 'RETRYING', 'HELD', 'DELIVERED', 'FAILED', 'SKIPPED', 'CANCELLED'] as const;
export const SPANS = ['1h', '24h', '7d', '30d'] as const;
export const CODES = ['2xx', '3xx', '4xx', '5xx'] as const;

export interface DeliveriesSearch {
  webhook?: string | undefined;
  state?: (typeof STATES)[number] | undefined;
  since?: (typeof SPANS)[number] | undefined;
  node?: string | undefined;
  stage?: (typeof STAGES)[number] | undefined;
  /** A class of HTTP statuses, or one status such as 503. */
  code?: string | undefined;
  search?: string | undefined;
  /** The cursor after which the page begins. */
  after?: string | undefined;
}

export interface DeliverySearch {
  /** The databaseId of the error from which the user came. The attempt with the same databaseId is shown open. */
  error?: string | undefined;
  /** Only attempts that failed are listed. */
  attempts?: 'failed' | undefined;
}
