// Limits how many subscriptions to a topic a tenant may have, because each event of the topic becomes a delivery for each of them.
import type { PoolClient } from 'pg';
import type { Problem } from '../../base/errors.js';
import type { Topic } from '../../base/model.js';

/**
 * Returns a problem when the tenant already has `limit` subscriptions to the topic. Call it in the transaction that adds a subscription, so
 * that concurrent transactions of the same tenant and topic wait for each other.
 */
export async function overLimit(client: PoolClient, tenant: string, { id, key }: Topic, limit: number): Promise<Problem | null> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`hookgraph ${id} ${tenant}`]);
  const { rows } = await client.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM hookgraph.subscriptions WHERE tenant = $1 AND topic_id = $2 AND deleted_at IS NULL',
    [tenant, id],
  );
  const { count } = rows[0] as { count: number };
  if (count < limit) return null;
  return {
    field: 'topic',
    message: `your organization has ${count} subscriptions to ${key}, and the limit is ${limit}; delete one that you do not need`,
  };
}
