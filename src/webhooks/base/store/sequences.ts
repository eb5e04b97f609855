// Numbers the notifications of a subscription without gaps, and reads them by number. A delivery gets its number once, just before it
// is sent for the first time, and keeps it. So a delivery that isn't sent, such as one that a validation template skips, takes no number.
import type { Pool, PoolClient } from 'pg';
import type { Owner } from '../model.js';
import { isUuid } from './page.js';

type Db = Pool | PoolClient;

export interface Unnumbered {
  deliveryId: string;
  subscriptionId: string;
}

// The row of `sequences` is locked until the commit, so the numbers of a subscription are assigned one transaction after the other. If
// another worker numbers the same delivery meanwhile, the unique index ends this statement, and it is repeated.
const NUMBER = `
  WITH wanted AS MATERIALIZED (
    SELECT w.delivery_id, w.subscription_id, w.place, n.number
    FROM unnest($1::bigint[], $2::uuid[]) WITH ORDINALITY AS w (delivery_id, subscription_id, place)
    LEFT JOIN hookgraph.sequence_numbers n ON n.delivery_id = w.delivery_id
  ), missing AS (
    SELECT delivery_id, subscription_id, row_number() OVER (PARTITION BY subscription_id ORDER BY place) AS rank FROM wanted WHERE number IS NULL
  ), counted AS (
    SELECT subscription_id, count(*) AS count FROM missing GROUP BY 1
  ), advanced AS (
    INSERT INTO hookgraph.sequences AS s (subscription_id, last) SELECT subscription_id, count FROM counted ORDER BY subscription_id
    ON CONFLICT (subscription_id) DO UPDATE SET last = s.last + excluded.last RETURNING subscription_id, last
  ), added AS (
    INSERT INTO hookgraph.sequence_numbers (subscription_id, number, delivery_id)
    SELECT m.subscription_id, a.last - c.count + m.rank, m.delivery_id
    FROM missing m JOIN counted c USING (subscription_id) JOIN advanced a USING (subscription_id)
    RETURNING delivery_id, number
  )
  SELECT delivery_id AS id, number FROM wanted WHERE number IS NOT NULL UNION ALL SELECT delivery_id, number FROM added`;

const UNIQUE_VIOLATION = '23505';
const MAX_TRIES = 5;

/** Returns the number of each delivery. A delivery without a number gets the next one of its subscription. */
export async function numberDeliveries(pool: Pool, deliveries: readonly Unnumbered[]): Promise<Map<string, bigint>> {
  // The list may contain a delivery twice, if the worker claimed it again while it was still working on it.
  const distinct = new Map(deliveries.map(({ deliveryId, subscriptionId }) => [deliveryId, subscriptionId]));
  const values = [[...distinct.keys()], [...distinct.values()]];
  for (let tries = 1; ; tries += 1)
    try {
      const { rows } = await pool.query<{ id: string; number: string }>({ name: 'hookgraph-number', text: NUMBER, values });
      return new Map(rows.map(({ id, number }) => [id, BigInt(number)]));
    } catch (error) {
      if ((error as { code?: string }).code !== UNIQUE_VIOLATION || tries === MAX_TRIES) throw error;
    }
}

export interface NumberedRow {
  number: string;
  deliveryId: string;
  /** The last attempt that sent a request; `null` when none is recorded. */
  attemptId: string | null;
}

export interface NumberedRows {
  /** Sorted by their numbers. */
  rows: NumberedRow[];
  /** The last number that was assigned; 0 when none was. */
  last: string;
  /** The first number that is still kept. */
  first: string | null;
}

/** Reads the notifications of these subscriptions with numbers above `after`, up to `limit` of each. */
export async function numbersAfter(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[],
  after: string,
  limit: number,
): Promise<Map<string, NumberedRows>> {
  const { rows } = await db.query<NumberedRows & { id: string }>(
    `SELECT s.id, coalesce(q.last, 0)::text AS last,
       (SELECT n.number::text FROM hookgraph.sequence_numbers n WHERE n.subscription_id = s.id ORDER BY n.number LIMIT 1) AS first,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object('number', n.number::text, 'deliveryId', n.delivery_id::text, 'attemptId', (
           SELECT a.id::text FROM hookgraph.attempts a WHERE a.delivery_id = n.delivery_id
             AND (a.exchange_id IS NOT NULL OR a.request_url IS NOT NULL) ORDER BY a.id DESC LIMIT 1
         )) ORDER BY n.number) FROM (
           SELECT n.number, n.delivery_id FROM hookgraph.sequence_numbers n WHERE n.subscription_id = s.id AND n.number > $4
           ORDER BY n.number LIMIT $5
         ) n), '[]') AS rows
     FROM hookgraph.subscriptions s LEFT JOIN hookgraph.sequences q ON q.subscription_id = s.id
     WHERE s.tenant = $1 AND s.owner = $2 AND s.id = ANY ($3::uuid[])`,
    [owner.tenant, owner.userId, subscriptionIds.filter(isUuid), after, limit],
  );
  return new Map(rows.map(({ id, ...found }) => [id, found]));
}

/** Deletes the numbers of deliveries that were deleted and are older than `days`. Returns how many. */
export async function forgetNumbers(pool: Pool, days: number, rows: number): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM hookgraph.sequence_numbers WHERE delivery_id = ANY (ARRAY(
       SELECT n.delivery_id FROM hookgraph.sequence_numbers n
       WHERE n.delivery_id < hookgraph.id_at(now() - $1 * interval '1 day')
         AND NOT EXISTS (SELECT FROM hookgraph.deliveries d WHERE d.id = n.delivery_id)
       ORDER BY n.delivery_id LIMIT $2))`,
    [days, rows],
  );
  return rowCount ?? 0;
}
