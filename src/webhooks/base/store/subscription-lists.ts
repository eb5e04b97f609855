// Lists and counts the owner's subscriptions, with filters, a search and several orders.
import type { Pool, PoolClient } from 'pg';
import type { Owner, Subscription } from '../model.js';
import type { PaceState } from '../pace.js';
import { cutPage, isUuid, type Page, type Rows } from './page.js';
import { SUBSCRIPTION_COLUMNS as COLUMNS, OWN_SUBSCRIPTION as OWN, SUBSCRIPTION_TABLES as TABLES } from './subscriptions.js';
import { wordsOf } from './words.js';

type Db = Pool | PoolClient;

export interface SubscriptionFilter {
  topicKey?: string | null;
  disabled?: boolean | null;
  integrationId?: string | null;
  /** Only subscriptions with one of these statuses. */
  statuses?: readonly Subscription['status'][] | null;
  /** Only subscriptions that are slowed down for one of these reasons. */
  paceStates?: readonly PaceState[] | null;
  /** Only subscriptions whose texts contain each of these words, in any case. */
  search?: string | null;
}

/** The orders of a list, each with its description. The SQL expressions of SORT_BY are never NULL. */
export const SUBSCRIPTION_ORDERS = {
  CREATED_AT_ASC: 'Oldest subscription first.',
  CREATED_AT_DESC: 'Newest subscription first.',
  UPDATED_AT_ASC: 'The subscription that was changed longest ago first.',
  UPDATED_AT_DESC: 'The subscription that was changed last first.',
  NAME_ASC: 'By name, from A to Z; subscriptions without a name first.',
  NAME_DESC: 'By name, from Z to A; subscriptions without a name last.',
  LAST_DELIVERY_ASC: 'The subscription with the oldest last delivery first; subscriptions without a delivery come before it.',
  LAST_DELIVERY_DESC: 'The subscription with the newest delivery first; subscriptions without a delivery come last.',
} as const;

export type SubscriptionOrder = keyof typeof SUBSCRIPTION_ORDERS;

const SORT_BY = {
  CREATED_AT: (table: string) => `${table}.created_at`,
  UPDATED_AT: (table: string) => `${table}.updated_at`,
  NAME: (table: string) => `lower(coalesce(${table}.name, ''))`,
  LAST_DELIVERY: (table: string) =>
    `coalesce((SELECT d.id FROM hookgraph.deliveries d WHERE d.subscription_id = ${table}.id ORDER BY d.id DESC LIMIT 1), 0)`,
};

// The search looks at all texts of the current definition, e.g. the destination, the query and the templates; none of them is a secret.
const MATCHES = `${OWN} AND ($3::text IS NULL OR s.topic_id IN (SELECT t.id FROM hookgraph.topics t WHERE t.key = $3))
  AND ($4::boolean IS NULL OR (s.disabled_at IS NOT NULL) = $4) AND ($5::text IS NULL OR s.integration_id = $5)
  AND ($6::text[] IS NULL OR s.status = ANY ($6))
  AND ($7::text[] IS NULL OR (s.paced AND EXISTS (SELECT FROM hookgraph.paces p WHERE p.subscription_id = s.id AND p.state = ANY ($7))))
  AND ($8::text[] IS NULL OR NOT EXISTS (
    SELECT FROM unnest($8) AS w (word), LATERAL (
      SELECT lower(concat_ws(' ', s.id, s.name, t.key, (
        SELECT string_agg(x.value #>> '{}', ' ') FROM jsonb_path_query(d.definition, '$.**') AS x (value) WHERE jsonb_typeof(x.value) = 'string'))) AS texts
      FROM hookgraph.topics t, hookgraph.subscription_versions d
      WHERE t.id = s.topic_id AND d.subscription_id = s.id AND d.number = s.version
    ) x WHERE strpos(x.texts, w.word) = 0))`;

const AFTER_AND_BEFORE = `($9::timestamptz IS NULL OR (s.created_at, s.id) > ($9, $10::uuid))
  AND ($11::timestamptz IS NULL OR (s.created_at, s.id) < ($11, $12::uuid))`;

/** Reads one page of the owner's subscriptions. The cursors of the page come from cursorOfSubscription. Default order: CREATED_AT_ASC. */
export async function listSubscriptions(
  db: Db,
  owner: Owner,
  filter: SubscriptionFilter,
  page: Page,
  order: SubscriptionOrder = 'CREATED_AT_ASC',
): Promise<Rows<Subscription>> {
  const [, by, direction] = /^(.*)_(ASC|DESC)$/.exec(order) as unknown as [string, keyof typeof SORT_BY, 'ASC' | 'DESC'];
  const sort = SORT_BY[by];
  const [later, earlier] = direction === 'ASC' ? ['>', '<'] : ['<', '>'];
  const reading = (direction === 'DESC') !== page.backward ? 'DESC' : 'ASC';
  // A cursor contains a subscription's creation time and id. In other orders, the position is the present position of that subscription.
  const place = (id: string) =>
    `(SELECT ${sort('c')}, c.id FROM hookgraph.subscriptions c WHERE c.id = ${id}::uuid AND c.tenant = $1 AND c.owner = $2)`;
  const position =
    by === 'CREATED_AT'
      ? `($9::timestamptz IS NULL OR (s.created_at, s.id) ${later} ($9, $10::uuid))
         AND ($11::timestamptz IS NULL OR (s.created_at, s.id) ${earlier} ($11, $12::uuid))`
      : `($9::timestamptz IS NULL OR (${sort('s')}, s.id) ${later} ${place('$10')})
         AND ($11::timestamptz IS NULL OR (${sort('s')}, s.id) ${earlier} ${place('$12')})`;
  const { rows } = await db.query<Subscription>(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE ${MATCHES} AND ${position}
     ORDER BY ${sort('s')} ${reading}, s.id ${reading} LIMIT $13`,
    [...filterValues(owner, filter), ...keyOf(page.after), ...keyOf(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countSubscriptions(db: Db, owner: Owner, filter: SubscriptionFilter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM hookgraph.subscriptions s WHERE ${MATCHES}`,
    filterValues(owner, filter),
  );
  return rows[0]?.count ?? 0;
}

/** Reads one page of subscriptions for each integration (a group of subscriptions), oldest first, in one statement. */
export async function subscriptionsOfIntegrations(
  db: Db,
  owner: Owner,
  integrationIds: readonly string[],
  filter: SubscriptionFilter,
  page: Page,
): Promise<Map<string, Rows<Subscription>>> {
  const direction = page.backward ? 'DESC' : 'ASC';
  const { rows } = await db.query<Subscription>(
    `SELECT f.* FROM unnest($14::text[]) AS i (id) CROSS JOIN LATERAL (
       SELECT ${COLUMNS} FROM ${TABLES} WHERE s.integration_id = i.id AND ${MATCHES} AND ${AFTER_AND_BEFORE}
       ORDER BY s.created_at ${direction}, s.id ${direction} LIMIT $13
     ) f ORDER BY f."createdAt" ${direction}, f.id ${direction}`,
    [...filterValues(owner, filter), ...keyOf(page.after), ...keyOf(page.before), page.limit + 1, [...new Set(integrationIds)]],
  );
  const byIntegration = new Map<string, Subscription[]>(integrationIds.map((id) => [id, []]));
  for (const subscription of rows) byIntegration.get(subscription.integrationId as string)?.push(subscription);
  return new Map([...byIntegration].map(([id, found]) => [id, cutPage(found, page)]));
}

export async function countOfIntegrations(
  db: Db,
  owner: Owner,
  integrationIds: readonly string[],
  filter: SubscriptionFilter,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; count: number }>(
    `SELECT s.integration_id AS id, count(*)::int AS count FROM hookgraph.subscriptions s
     WHERE ${MATCHES} AND s.integration_id = ANY ($9::text[]) GROUP BY s.integration_id`,
    [...filterValues(owner, filter), integrationIds],
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}

export function cursorOfSubscription(subscription: Subscription): string {
  return `${subscription.createdAt.toISOString()}_${subscription.id}`;
}

function filterValues(owner: Owner, { topicKey, disabled, integrationId, statuses, paceStates, search }: SubscriptionFilter): unknown[] {
  const words = wordsOf(search);
  return [
    owner.tenant,
    owner.userId,
    topicKey ?? null,
    disabled ?? null,
    integrationId ?? null,
    statuses ?? null,
    paceStates ?? null,
    words.length > 0 ? words : null,
  ];
}

/** Returns the creation time and the id that a cursor contains; `null` for both when the cursor is missing or invalid. */
export function keyOf(cursor: string | null): [string | null, string | null] {
  const [at = '', id = ''] = cursor?.split('_') ?? [];
  return isUuid(id) && !Number.isNaN(Date.parse(at)) ? [at, id] : [null, null];
}
