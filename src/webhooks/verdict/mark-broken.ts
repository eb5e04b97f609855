// Marks subscriptions whose definition no longer works, and holds their due deliveries.
import type { Pool } from 'pg';
import { holdDeliveries } from '../base/store/delivery-state.js';
import { setBroken, type VersionOf } from '../base/store/subscription-status.js';

/** Marks all in one statement. Skips a subscription that is already marked or has a newer version. */
export async function markBroken(pool: Pool, broken: readonly (VersionOf & { reason: string })[]): Promise<void> {
  const marked = await setBroken(pool, broken);
  if (marked.length > 0) await holdDeliveries(pool, marked, 'BROKEN');
}
