// Lists and counts the subscriptions of all owners of a tenant, for an admin who looks after them.
import type { Pool, PoolClient } from 'pg';
import type { Subscription } from '../model.js';
import { cutPage, type Page, type Rows } from './page.js';
import { keyOf, type SubscriptionFilter } from './subscription-lists.js';
import { SUBSCRIPTION_COLUMNS as COLUMNS, SUBSCRIPTION_TABLES as TABLES } from './subscriptions.js';
import { wordsOf } from './words.js';

type Db = Pool | PoolClient;
type Filter = Pick<SubscriptionFilter, 'search' | 'statuses'>;

// The search doesn't look at definitions: an admin doesn't see another owner's query and templates.
const MATCHES = `s.tenant = $1 AND s.deleted_at IS NULL AND ($2::text[] IS NULL OR s.status = ANY ($2))
  AND ($3::text[] IS NULL OR NOT EXISTS (
    SELECT FROM unnest($3) AS w (word), hookgraph.topics t
    WHERE t.id = s.topic_id AND strpos(lower(concat_ws(' ', s.id, s.name, s.owner, t.key)), w.word) = 0))`;

const valuesOf = (tenant: string, { search, statuses }: Filter): unknown[] => {
  const words = wordsOf(search);
  return [tenant, statuses ?? null, words.length > 0 ? words : null];
};

/** Reads one page, newest subscription first. The cursors of the page come from cursorOfSubscription. */
export async function listOfTenant(db: Db, tenant: string, filter: Filter, page: Page): Promise<Rows<Subscription>> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const { rows } = await db.query<Subscription>(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE ${MATCHES}
       AND ($4::timestamptz IS NULL OR (s.created_at, s.id) < ($4, $5::uuid))
       AND ($6::timestamptz IS NULL OR (s.created_at, s.id) > ($6, $7::uuid))
     ORDER BY s.created_at ${direction}, s.id ${direction} LIMIT $8`,
    [...valuesOf(tenant, filter), ...keyOf(page.after), ...keyOf(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countOfTenant(db: Db, tenant: string, filter: Filter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM hookgraph.subscriptions s WHERE ${MATCHES}`,
    valuesOf(tenant, filter),
  );
  return rows[0]?.count ?? 0;
}
