// Reads the versions of the owner's subscriptions, which are never edited.
import type { Pool, PoolClient } from 'pg';
import type { Json, Owner } from '../model.js';
import { isUuid } from './page.js';

export interface SubscriptionVersion {
  subscriptionId: string;
  number: number;
  /** The definition without secrets. */
  definition: Json;
  createdBy: string;
  createdAt: Date;
}

/** Reads up to `count` versions of each of these subscriptions before the version `before`, newest first, in one statement. */
export async function versionsOf(
  db: Pool | PoolClient,
  owner: Owner,
  ids: readonly string[],
  { count, before }: { count: number; before: number | null },
): Promise<Map<string, SubscriptionVersion[]>> {
  const { rows } = await db.query<SubscriptionVersion>(
    `SELECT v.* FROM hookgraph.subscriptions s CROSS JOIN LATERAL (
       SELECT v.subscription_id AS "subscriptionId", v.number, v.definition, v.created_by AS "createdBy", v.created_at AS "createdAt"
       FROM hookgraph.subscription_versions v WHERE v.subscription_id = s.id AND ($4::int IS NULL OR v.number < $4) ORDER BY v.number DESC LIMIT $5
     ) v WHERE s.tenant = $1 AND s.owner = $2 AND s.id = ANY ($3::uuid[]) AND s.deleted_at IS NULL ORDER BY v.number DESC`,
    [owner.tenant, owner.userId, ids.filter(isUuid), before, count],
  );
  const found = new Map<string, SubscriptionVersion[]>(ids.map((id) => [id, []]));
  for (const version of rows) found.get(version.subscriptionId)?.push(version);
  return found;
}
