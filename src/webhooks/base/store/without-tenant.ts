// Lists events without a tenant, which no subscription gets, and assigns them the tenant that an operator chooses.
import type { Pool } from 'pg';
import type { Operation } from '../model.js';
import { cutPage, isBigId, type Page, type Rows } from './page.js';

export interface EventWithoutTenant {
  id: string;
  occurredAt: Date;
  typename: string;
  nodeKey: string;
  operation: Operation;
}

/**
 * Reads one page of events without a tenant, oldest first. A cursor is an event's id. Changes that the relay hasn't turned into events yet
 * are missing.
 */
export async function listWithoutTenant(pool: Pool, page: Page): Promise<Rows<EventWithoutTenant>> {
  const cursor = (key: string | null) => (key !== null && isBigId(key) ? key : null);
  const { rows } = await pool.query<EventWithoutTenant>(
    `SELECT id, coalesce(occurred_at, hookgraph.time_of(id)) AS "occurredAt", typename, node_key AS "nodeKey", operation FROM hookgraph.events
     WHERE tenant IS NULL AND ($1::bigint IS NULL OR id > $1) AND ($2::bigint IS NULL OR id < $2)
     ORDER BY id ${page.backward ? 'DESC' : ''} LIMIT $3`,
    [cursor(page.after), cursor(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countWithoutTenant(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM hookgraph.events WHERE tenant IS NULL');
  return rows[0]?.count ?? 0;
}

/**
 * Assigns the tenant to each of these events that has none, and queues them for the relay, which notifies the subscriptions that existed
 * when the events happened. Returns the number of changed events.
 */
export async function assignTenant(pool: Pool, ids: readonly string[], tenant: string): Promise<number> {
  const { rows } = await pool.query<{ assigned: number }>(
    `WITH assigned AS (UPDATE hookgraph.events SET tenant = $2 WHERE id = ANY ($1::bigint[]) AND tenant IS NULL RETURNING id),
     queued AS (INSERT INTO hookgraph.event_queue SELECT id FROM assigned ON CONFLICT DO NOTHING)
     SELECT count(*)::int AS assigned FROM assigned`,
    [ids.filter(isBigId), tenant],
  );
  return rows[0]?.assigned ?? 0;
}
