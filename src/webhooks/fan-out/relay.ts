// Turns recorded changes into events, and into one delivery for each matching subscription. One statement relays a whole batch or nothing.
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';

const RELAY = sqlStatement<'batch_size' | 'since_xid' | 'max_deliveries'>('webhooks/fan-out/relay.sql');

/** For callers that do not run fan-out.ts. */
const UNLIMITED = 1_000_000_000;

export interface Relayed {
  /** Number of relayed changes: rows of `captures`, which triggers recorded, and of `event_queue`. */
  events: number;
  deliveries: number;
  /** Number of events whose deliveries fan-out.ts makes, because the batch has too many; absent when there are none. */
  deferred?: number;
  /** Subscriptions that have deliveries due now. */
  subscriptionIds: string[];
  /** Number of events without a tenant. They match no subscription until an operator assigns a tenant. */
  ownerless: number;
  /** Type and key of the node of the first five events without a tenant, for the log. */
  ownerlessNodes: string[];
}

/**
 * Relays up to `limit` recorded changes, of transactions whose id is `sinceXid` or higher. Several relays may run at once: each skips rows
 * that another has locked. If a relay rolls back or dies, its batch stays in the queue.
 * @param maxDeliveries maximum number of deliveries; with more, the batch makes none and defers its events
 */
export async function relayOnce(db: Pool | PoolClient, limit = 1000, sinceXid = '0', maxDeliveries = UNLIMITED): Promise<Relayed> {
  const { rows } = await db.query<Relayed & { deferred: number }>({
    name: 'hookgraph.relay',
    text: RELAY.text,
    values: RELAY.values({ batch_size: limit, since_xid: sinceXid, max_deliveries: maxDeliveries }),
  });
  const { deferred, ...relayed } = rows[0] as Relayed;
  return { ...relayed, ...(deferred && { deferred }) };
}

/** Returns the id that Postgres will assign to the next transaction. Every transaction that begins later has this id or a higher one. */
export async function nextXid(db: Pool | PoolClient): Promise<string> {
  const { rows } = await db.query<{ xid: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS xid');
  return (rows[0] as { xid: string }).xid;
}
