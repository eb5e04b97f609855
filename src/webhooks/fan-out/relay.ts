// Turns recorded changes into events, and into one delivery for each matching subscription. One statement relays a whole batch or nothing.
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import { patiently } from '../base/store/transaction.js';

const RELAY = sqlStatement<'batch_size' | 'since_xid' | 'max_deliveries' | 'split_xid'>('webhooks/fan-out/relay.sql');

/** Stands for no limit on deliveries, for callers that do not run fan-out.ts. */
const UNLIMITED = 1_000_000_000;

/** Stores that a transaction is split, and deletes the stored transactions of which nothing is left to relay. */
const NOTE_SPLIT = `
  WITH ended AS (
    DELETE FROM hookgraph.split_transactions s WHERE NOT EXISTS (SELECT FROM hookgraph.captures c WHERE c.xid = s.xid)
  )
  INSERT INTO hookgraph.split_transactions (xid) VALUES ($1::text::xid8) ON CONFLICT DO NOTHING`;

/** Reads the first row of each queue that relay.sql and fan-out.sql read, in the same order. */
const LOOK = `
  SELECT (SELECT xid FROM hookgraph.captures WHERE xid >= $1::text::xid8 ORDER BY xid, depth, id LIMIT 1) IS NOT NULL
    OR (SELECT event_id FROM hookgraph.event_queue ORDER BY event_id LIMIT 1) IS NOT NULL AS changes,
    (SELECT min(tenant) FROM hookgraph.fan_outs) IS NOT NULL AS "fanOuts"`;

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
  /** Set when further changes may be waiting. */
  isFull?: true;
}

interface Row extends Omit<Relayed, 'isFull'> {
  isFull: boolean;
  /** A transaction with more changes than a batch, none of which were relayed, because they must be split first. */
  largeXid: string | null;
  /** Whether no row of that transaction has several changes any more, so that its changes can be relayed in batches. */
  isSplit: boolean;
  touched: string | null;
}

/**
 * Relays up to `limit` recorded changes, of transactions whose id is `sinceXid` or higher. All changes that a transaction made to a row
 * are relayed together, even if they are more. Several relays may run at once: each skips rows that another has locked. If a relay rolls
 * back or dies, its batch stays in the queue.
 * @param maxDeliveries maximum number of deliveries; with more, the batch makes none and defers its events
 */
export async function relayOnce(db: Pool | PoolClient, limit = 1000, sinceXid = '0', maxDeliveries = UNLIMITED): Promise<Relayed> {
  const relay = async (splitXid: string | null, on: Pool | PoolClient = db): Promise<Row> => {
    const values = RELAY.values({ batch_size: limit, since_xid: sinceXid, max_deliveries: maxDeliveries, split_xid: splitXid });
    return (await on.query<Row>({ name: 'hookgraph.relay', text: RELAY.text, values })).rows[0] as Row;
  };
  let row = await relay(null);
  if (row.largeXid !== null && row.events === 0) {
    const { largeXid } = row;
    row = await patiently(db, (client) => relay(largeXid, client));
    // If the process dies before this statement, the next relay finds nothing more to split, and stores this fact.
    if (row.isSplit) await db.query(NOTE_SPLIT, [largeXid]);
    if (row.events === 0) row = await relay(null);
  }
  const { isFull, deferred, isSplit: _, largeXid: __, touched: ___, ...relayed } = row;
  return { ...relayed, ...(deferred && { deferred }), ...(isFull && relayed.events > 0 && { isFull }) };
}

/** Whether relayOnce() and fanOutOnce() may find something. */
export interface Waiting {
  changes: boolean;
  fanOuts: boolean;
}

/** Checks whether anything waits. This costs a tenth of a relay that finds nothing. */
export async function lookForWork(db: Pool, sinceXid = '0'): Promise<Waiting> {
  return (await db.query<Waiting>({ name: 'hookgraph.look', text: LOOK, values: [sinceXid] })).rows[0] as Waiting;
}

/** Returns the id that Postgres will assign to the next transaction. Every transaction that begins later has this id or a higher one. */
export async function nextXid(db: Pool | PoolClient): Promise<string> {
  const { rows } = await db.query<{ xid: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS xid');
  return (rows[0] as { xid: string }).xid;
}
