// Starts snapshots, which are replays that send the current nodes of a topic's type. A worker advances them by fan-out/snapshot.ts.
import type { Pool, PoolClient } from 'pg';
import type { AnnouncedNode } from '../model.js';

/**
 * Inserts a snapshot and returns its id; `null` while another replay of the subscription is running. `position` is a new id: the snapshot
 * leaves out nodes for which live deliveries with greater ids exist.
 */
export async function startSnapshot(
  db: Pool | PoolClient,
  { subscriptionId, userId, table }: { subscriptionId: string; userId: string } & Pick<AnnouncedNode, 'table'>,
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `INSERT INTO hookgraph.replays (subscription_id, requested_by, includes_delivered, from_at, to_at, position, is_snapshot, estimated)
     SELECT $1, $2, false, now(), now(), hookgraph.next_id(), true, greatest(coalesce(sum(c.reltuples), 0), 0)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $3 AND n.nspname = $4
     ON CONFLICT (subscription_id) WHERE state = 'RUNNING' DO NOTHING RETURNING id`,
    [subscriptionId, userId, table.name, table.schema],
  );
  return rows[0]?.id ?? null;
}
