// Reads deliveries of the owner's subscriptions, and events of the owner's tenant, in batches.
import type { Pool, PoolClient } from 'pg';
import type { Delivery, DeliveryKind, DeliveryState, EventRecord, Owner, RecordedEvent, Stage } from '../model.js';
import { CREATED_AT, DUE_AT, isOfNode, NODE_KEY, TYPENAME } from './delivery-columns.js';
import { cutPage, GREATEST_ID, isBigId, isUuid, type Page, type Rows } from './page.js';
import { RECORDED_COLUMNS } from './recorded-events.js';
import { wordsOf } from './words.js';

type Db = Pool | PoolClient;

export const DELIVERY = `d.id, d.event_id AS "eventId", d.replay_id AS "replayId", d.subscription_id AS "subscriptionId", d.topic_id AS "topicId", d.kind,
  ${TYPENAME} AS typename, ${NODE_KEY} AS "nodeKey", d.state, d.reason, ${DUE_AT} AS "dueAt", d.attempt_count AS "attemptCount",
  ${CREATED_AT} AS "createdAt", d.updated_at AS "updatedAt"`;
/** Deleted subscriptions are included, since their deliveries stay visible to the owner. */
export const OWN = 's.tenant = $1 AND s.owner = $2';

export interface DeliveryFilter {
  /** Only deliveries in these states; `null` or absent: any state. */
  states?: readonly DeliveryState[] | null;
  topicKey?: string | null;
  /** Only deliveries created at or after this time; `null` or absent: no minimum. */
  createdAtMin?: Date | null;
  /** Only deliveries created at or before this time; `null` or absent: no maximum. */
  createdAtMax?: Date | null;
  /** Only deliveries whose state changed at or after this time. */
  updatedAtMin?: Date | null;
  /** Only deliveries about this node. */
  node?: { typename: string; key: string } | null;
  kinds?: readonly DeliveryKind[] | null;
  /** Only deliveries whose last attempt ended at one of these stages. */
  stages?: readonly Stage[] | null;
  /** Only deliveries whose last attempt got a response with at least this status, and at most `statusMax`. */
  statusMin?: number | null;
  statusMax?: number | null;
  /** Only the delivery with this id, or the deliveries of the event or attempt with this id. */
  id?: string | null;
  /** Only deliveries whose last attempt did not succeed, and whose message contains each of these words, in any case. */
  search?: string | null;
}

/**
 * The number of days that a filter without an index (node, kinds, stages, statuses, search) goes back when the caller gives no
 * `createdAtMin`.
 */
export const SEARCHED_DAYS = 7;

/** Returns SQL for the smallest id of the time in a parameter. The time is clamped, because times before 2020 and after 2200 have no id. */
export const idAt = (time: string) => `hookgraph.id_at(least(greatest(${time}::timestamptz, '2020-01-01Z'), '2200-01-01Z'))`;

// The parameters are those of deliveryFilterValues; $3 are the ids of subscriptions. The id of a delivery encodes a time that is not before
// `created_at`. The minimum for `created_at` therefore also holds for the id, and the comparison of ids can use an index.
/** The conditions for the delivery's own row. */
export const ROW_MATCHES = `($4::text[] IS NULL OR d.state = ANY ($4)) AND ($5::text IS NULL OR d.topic_id IN (SELECT t.id FROM hookgraph.topics t WHERE t.key = $5))
  AND ($6::timestamptz IS NULL OR (${CREATED_AT} >= $6 AND d.id >= ${idAt('$6')})) AND ($7::timestamptz IS NULL OR ${CREATED_AT} <= $7)
  AND ($8::text IS NULL OR ${isOfNode('$8', '$9')}) AND ($10::text[] IS NULL OR d.kind = ANY ($10))
  AND ($11::bigint IS NULL OR d.id = ANY (ARRAY(
    SELECT $11 UNION ALL
    SELECT a.delivery_id FROM hookgraph.attempts a WHERE a.id = $11 UNION ALL
    SELECT e.id FROM hookgraph.deliveries e WHERE e.event_id = $11 AND e.kind = 'LIVE' UNION ALL
    SELECT e.id FROM hookgraph.subscriptions o JOIN hookgraph.replays r ON r.subscription_id = o.id
      JOIN hookgraph.deliveries e ON e.replay_id = r.id AND e.event_id = $11 WHERE o.tenant = $1 AND o.owner = $2 UNION ALL
    SELECT e.id FROM hookgraph.subscriptions o JOIN hookgraph.deliveries e ON e.subscription_id = o.id AND e.event_id = $11
      AND e.kind = 'RESEND' WHERE o.tenant = $1 AND o.owner = $2)))
  AND ($17::timestamptz IS NULL OR d.updated_at >= $17) AND ($12::text[] IS NULL OR d.state <> ALL ($12))`;
/** The conditions for the last attempt. For each delivery, Postgres looks up the index of attempts. */
export const LAST_ATTEMPT_MATCHES = `(($13::text[] IS NULL AND $14::int IS NULL AND $15::int IS NULL AND $16::text[] IS NULL) OR (d.attempt_count > 0 AND EXISTS (
    SELECT FROM (SELECT * FROM hookgraph.attempts a WHERE a.delivery_id = d.id ORDER BY a.id DESC LIMIT 1) a
    WHERE ($13 IS NULL OR a.stage = ANY ($13)) AND ($14 IS NULL OR a.response_status >= $14) AND ($15 IS NULL OR a.response_status <= $15)
      AND ($16 IS NULL OR NOT EXISTS (SELECT FROM unnest($16) AS w (word) WHERE strpos(lower(coalesce(a.message, '')), w.word) = 0)))))`;
export const DELIVERY_MATCHES = `${ROW_MATCHES} AND ${LAST_ATTEMPT_MATCHES}`;

export function deliveryFilterValues(owner: Owner, subscriptionIds: readonly string[] | null, filter: DeliveryFilter): unknown[] {
  const { states, topicKey, createdAtMax, node, kinds, id, stages, statusMin, statusMax } = filter;
  const ids = subscriptionIds?.filter(isUuid) ?? null;
  const words = wordsOf(filter.search);
  return [
    ...[owner.tenant, owner.userId, ids, states ?? null, topicKey ?? null, searchedSince(filter), createdAtMax ?? null],
    // Postgres text can't contain NUL.
    ...[node?.typename ?? null, node?.key.replaceAll('\0', '') ?? null, kinds ?? null, id != null && !isBigId(id) ? '0' : (id ?? null)],
    ...[otherStates(filter, words), stages ?? null, statusMin ?? null, statusMax ?? null, words.length > 0 ? words : null],
    filter.updatedAtMin ?? null,
  ];
}

/** Returns the earliest `created_at` of the deliveries that the filter finds; `null`: any. */
export function searchedSince(filter: DeliveryFilter): Date | null {
  const { createdAtMin, updatedAtMin, node, kinds, id, stages, statusMin, statusMax } = filter;
  const unindexed = [updatedAtMin, node, kinds, stages, statusMin, statusMax, wordsOf(filter.search)[0]];
  const isSearch = id == null && unindexed.some((value) => value != null);
  return createdAtMin ?? (isSearch ? new Date(Date.now() - SEARCHED_DAYS * 86_400_000) : null);
}

/**
 * Returns the states whose deliveries can't match the conditions for the last attempt, so that Postgres doesn't look up the attempts of
 * all successful deliveries in order to find the failed ones.
 */
function otherStates({ stages, statusMin, statusMax }: DeliveryFilter, words: string[]): DeliveryState[] | null {
  const isFailure = stages != null || words.length > 0 || (statusMin ?? 0) > 299 || (statusMax ?? 999) < 200;
  return isFailure ? ['DELIVERED'] : null;
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
  // LATERAL makes Postgres scan the index (subscription_id, id) once per subscription, and stop at the limit. Without the row comparisons
  // it would scan the primary key, which has the deliveries of all subscriptions, once per subscription.
  const scan =
    filter.id == null
      ? `(d.subscription_id, d.id) <= (s.id, coalesce($18::bigint - 1, ${GREATEST_ID})) AND (d.subscription_id, d.id) >= (s.id, greatest(
           $19::bigint + 1, CASE WHEN $6::timestamptz IS NOT NULL THEN ${idAt('$6')} END, 0))
         ORDER BY d.subscription_id ${direction}, d.id ${direction}`
      : `d.subscription_id = s.id AND ($18::bigint IS NULL OR d.id < $18) AND ($19::bigint IS NULL OR d.id > $19) ORDER BY d.id ${direction}`;
  const { rows } = await db.query<Delivery>(
    `SELECT ${DELIVERY} FROM hookgraph.subscriptions s CROSS JOIN LATERAL (
       SELECT * FROM hookgraph.deliveries d WHERE ${DELIVERY_MATCHES} AND ${scan} LIMIT $20
     ) d
     WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) ORDER BY d.id ${direction} ${asOne ? 'LIMIT $20' : ''}`,
    [...deliveryFilterValues(owner, subscriptionIds, filter), idOrNull(page.after), idOrNull(page.before), page.limit + 1],
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
     WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) AND ${DELIVERY_MATCHES} GROUP BY s.id`,
    deliveryFilterValues(owner, subscriptionIds, filter),
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}

/**
 * Reads the ids of the events whose deliveries for a subscription match the filter, in ascending order, at most `limit`. If `ids` is given,
 * only deliveries with these ids count. Tests and before-hooks have no event.
 */
export async function eventIdsOf(
  db: Db,
  owner: Owner,
  subscriptionId: string,
  { filter, ids, limit }: { filter: DeliveryFilter; ids: readonly string[] | null; limit: number },
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT DISTINCT d.event_id AS id FROM hookgraph.subscriptions s JOIN hookgraph.deliveries d ON d.subscription_id = s.id
     WHERE ${OWN} AND s.id = ANY ($3) AND ${DELIVERY_MATCHES} AND d.event_id IS NOT NULL ${ids ? 'AND d.id = ANY ($19::bigint[])' : ''}
     ORDER BY 1 LIMIT $18`,
    [...deliveryFilterValues(owner, [subscriptionId], filter), limit, ...(ids ? [ids.filter(isBigId)] : [])],
  );
  return rows.map(({ id }) => id);
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
    `SELECT id, coalesce(occurred_at, hookgraph.time_of(id)) AS "occurredAt", typename, node_key AS "nodeKey", operation, changed, NULL AS before, NULL AS after
     FROM hookgraph.events WHERE tenant = $1 AND id = ANY ($2::bigint[])`,
    [owner.tenant, ids.filter(isBigId)],
  );
  return new Map(rows.map((event) => [event.id, event]));
}

/** Reads the contents of the tenant's events. Show only the columns that the user may read: see readableRows. */
export async function eventContents(
  db: Db,
  owner: Owner,
  ids: readonly string[],
): Promise<Map<string, RecordedEvent & { typename: string; nodeKey: string }>> {
  const { rows } = await db.query<RecordedEvent & { id: string; typename: string; nodeKey: string }>(
    `SELECT e.id, e.typename, e.node_key AS "nodeKey", ${RECORDED_COLUMNS} FROM hookgraph.recorded e WHERE e.tenant = $1 AND e.id = ANY ($2::bigint[])`,
    [owner.tenant, ids.filter(isBigId)],
  );
  return new Map(rows.map(({ id, ...event }) => [id, event]));
}

export function idOrNull(cursor: string | null): string | null {
  return cursor !== null && isBigId(cursor) ? cursor : null;
}
