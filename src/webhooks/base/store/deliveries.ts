// Reads deliveries of the owner's subscriptions, and events of the owner's tenant, in batches.
import type { Pool, PoolClient } from 'pg';
import type { Delivery, DeliveryState, EventRecord, Owner } from '../model.js';
import { cutPage, isBigId, isUuid, type Page, type Rows } from './page.js';

type Db = Pool | PoolClient;

const DELIVERY = `d.id, d.event_id AS "eventId", d.replay_id AS "replayId", d.subscription_id AS "subscriptionId", d.topic_id AS "topicId", d.kind, d.typename,
  d.node_key AS "nodeKey", d.state, d.reason, d.due_at AS "dueAt", d.attempt_count AS "attemptCount",
  d.created_at AS "createdAt", d.updated_at AS "updatedAt"`;
/** Deleted subscriptions are included, since their deliveries stay visible to the owner. */
const OWN = 's.tenant = $1 AND s.owner = $2';

export interface DeliveryFilter {
  /** Only deliveries in these states; `null` or absent: any state. */
  states?: readonly DeliveryState[] | null;
  topicKey?: string | null;
  /** Only deliveries created at or after this time; `null` or absent: no minimum. */
  createdAtMin?: Date | null;
  /** Only deliveries created at or before this time; `null` or absent: no maximum. */
  createdAtMax?: Date | null;
}

// The id of a delivery encodes a time that is not before `created_at`. The minimum for `created_at` therefore also holds for the id, and
// the comparison of ids can use an index.
const MATCHES = `($4::text[] IS NULL OR d.state = ANY ($4)) AND ($5::text IS NULL OR d.topic_id IN (SELECT t.id FROM hookgraph.topics t WHERE t.key = $5))
  AND ($6::timestamptz IS NULL OR (d.created_at >= $6 AND d.id >= hookgraph.id_at(least(greatest($6, '2000-01-01Z'), '2200-01-01Z')))) AND ($7::timestamptz IS NULL OR d.created_at <= $7)`;

function filterValues(owner: Owner, subscriptionIds: readonly string[] | null, filter: DeliveryFilter): unknown[] {
  const { states, topicKey, createdAtMin, createdAtMax } = filter;
  const ids = subscriptionIds?.filter(isUuid) ?? null;
  return [owner.tenant, owner.userId, ids, states ?? null, topicKey ?? null, createdAtMin ?? null, createdAtMax ?? null];
}

/** Reads one page of deliveries for each of these subscriptions, newest first, in one statement. */
export async function listDeliveriesOf(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[],
  filter: DeliveryFilter,
  page: Page,
): Promise<Map<string, Rows<Delivery>>> {
  const found = await readPages(db, owner, subscriptionIds, filter, page, false);
  const bySubscription = new Map<string, Delivery[]>(subscriptionIds.map((id) => [id, []]));
  for (const delivery of found) bySubscription.get(delivery.subscriptionId)?.push(delivery);
  return new Map([...bySubscription].map(([id, rows]) => [id, cutPage(rows, page)]));
}

/** Reads one page of deliveries of all the owner's subscriptions, or only of `subscriptionIds`, newest first. */
export async function listDeliveries(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: DeliveryFilter,
  page: Page,
): Promise<Rows<Delivery>> {
  return cutPage(await readPages(db, owner, subscriptionIds, filter, page, true), page);
}

async function readPages(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: DeliveryFilter,
  page: Page,
  asOne: boolean,
): Promise<Delivery[]> {
  const direction = page.backward ? 'ASC' : 'DESC';
  // LATERAL makes Postgres scan the index (subscription_id, id) once per subscription, and stop at the limit.
  const { rows } = await db.query<Delivery>(
    `SELECT ${DELIVERY} FROM hookgraph.subscriptions s CROSS JOIN LATERAL (
       SELECT * FROM hookgraph.deliveries d
       WHERE d.subscription_id = s.id AND ${MATCHES} AND ($8::bigint IS NULL OR d.id < $8) AND ($9::bigint IS NULL OR d.id > $9)
       ORDER BY d.id ${direction} LIMIT $10
     ) d
     WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) ORDER BY d.id ${direction} ${asOne ? 'LIMIT $10' : ''}`,
    [...filterValues(owner, subscriptionIds, filter), idOrNull(page.after), idOrNull(page.before), page.limit + 1],
  );
  return rows;
}

export async function countDeliveriesOf(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: DeliveryFilter,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; count: number }>(
    `SELECT s.id, count(*)::int AS count FROM hookgraph.subscriptions s JOIN hookgraph.deliveries d ON d.subscription_id = s.id
     WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) AND ${MATCHES} GROUP BY s.id`,
    filterValues(owner, subscriptionIds, filter),
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}

export async function deliveriesByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, Delivery>> {
  const { rows } = await db.query<Delivery>(
    `SELECT ${DELIVERY} FROM hookgraph.deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id WHERE ${OWN} AND d.id = ANY ($3::bigint[])`,
    [owner.tenant, owner.userId, ids.filter(isBigId)],
  );
  return new Map(rows.map((delivery) => [delivery.id, delivery]));
}

/** An event as its tenant's users may see it: without `context`, which the session of the writer set. */
export type VisibleEvent = Omit<EventRecord, 'context'>;

/** Reads events of the tenant. Callers must not show `before` and `after`: whether the owner may read their columns is not checked. */
export async function eventsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, VisibleEvent>> {
  const { rows } = await db.query<VisibleEvent>(
    `SELECT id, occurred_at AS "occurredAt", typename, node_key AS "nodeKey", operation, changed, before, after
     FROM hookgraph.events WHERE tenant = $1 AND id = ANY ($2::bigint[])`,
    [owner.tenant, ids.filter(isBigId)],
  );
  return new Map(rows.map((event) => [event.id, event]));
}

function idOrNull(cursor: string | null): string | null {
  return cursor !== null && isBigId(cursor) ? cursor : null;
}
