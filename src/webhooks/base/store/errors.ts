// Reads and dismisses delivery errors: the owner's attempts that failed or were held, and that were not dismissed.
import type { Pool, PoolClient } from 'pg';
import type { Attempt, Outcome, Owner, Stage } from '../model.js';
import { NODE_KEY, TYPENAME } from './delivery-columns.js';
import { cutPage, GREATEST_ID, isBigId, isUuid, type Page, type Rows } from './page.js';

type Db = Pool | PoolClient;

export interface DeliveryError {
  /** The id of the attempt. */
  id: string;
  deliveryId: string;
  subscriptionId: string;
  topicId: string;
  typename: string;
  nodeKey: string;
  outcome: Extract<Outcome, 'FAILED' | 'HELD'>;
  stage: Stage | null;
  message: string | null;
  createdAt: Date;
}

export interface ErrorFilter {
  topicKey?: string | null;
  stage?: Attempt['stage'];
  /** Only attempts made at or after this time; `null` or absent: no minimum. */
  createdAtMin?: Date | null;
  /** Only attempts made at or before this time; `null` or absent: no maximum. */
  createdAtMax?: Date | null;
}

const ERROR = `a.id, a.delivery_id AS "deliveryId", a.subscription_id AS "subscriptionId", d.topic_id AS "topicId",
  ${TYPENAME} AS typename, ${NODE_KEY} AS "nodeKey", a.outcome, a.stage, a.message, hookgraph.time_of(a.id) AS "createdAt"`;
/** Deleted subscriptions are included, since their errors stay visible to the owner. */
const OWN = 's.tenant = $1 AND s.owner = $2';
/** The condition of the partial index attempts_in_error. Postgres uses that index only if queries repeat its condition. */
export const IN_ERROR = `a.outcome IN ('FAILED', 'HELD')`;
const DISMISSED = 'EXISTS (SELECT 1 FROM hookgraph.dismissals x WHERE x.attempt_id = a.id)';
// Attempts are selected by id instead of by time, because ids begin with the time and have an index. Times are clamped, because ids encode
// only a limited range.
const idAt = (parameter: string, plus = '') =>
  `hookgraph.id_at(least(greatest(${parameter}::timestamptz, '2000-01-01Z'), '2200-01-01Z')${plus})`;
const ERROR_MATCHES = `${IN_ERROR} AND NOT ${DISMISSED} AND ($4::text IS NULL OR a.stage = $4)
  AND ($5::text IS NULL OR d.topic_id IN (SELECT t.id FROM hookgraph.topics t WHERE t.key = $5))
  AND ($6::timestamptz IS NULL OR a.id >= ${idAt('$6')})
  AND ($7::timestamptz IS NULL OR a.id < ${idAt('$7', ` + interval '1 ms'`)})`;
const ATTEMPTS = 'hookgraph.attempts a JOIN hookgraph.deliveries d ON d.id = a.delivery_id';

export function errorFilterValues(owner: Owner, subscriptionIds: readonly string[] | null, filter: ErrorFilter): unknown[] {
  const { stage, topicKey, createdAtMin, createdAtMax } = filter;
  const ids = subscriptionIds?.filter(isUuid) ?? null;
  return [owner.tenant, owner.userId, ids, stage ?? null, topicKey ?? null, createdAtMin ?? null, createdAtMax ?? null];
}

/** Reads one page of errors for each of these subscriptions, newest first, in one statement. */
export async function listErrorsOf(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[],
  filter: ErrorFilter,
  page: Page,
): Promise<Map<string, Rows<DeliveryError>>> {
  const bySubscription = new Map<string, DeliveryError[]>(subscriptionIds.map((id) => [id, []]));
  for (const error of await readPages(db, owner, subscriptionIds, filter, page, false))
    bySubscription.get(error.subscriptionId)?.push(error);
  return new Map([...bySubscription].map(([id, rows]) => [id, cutPage(rows, page)]));
}

/** Reads one page of errors of all the owner's subscriptions, or only of `subscriptionIds`, newest first. */
export async function listErrors(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: ErrorFilter,
  page: Page,
): Promise<Rows<DeliveryError>> {
  return cutPage(await readPages(db, owner, subscriptionIds, filter, page, true), page);
}

async function readPages(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: ErrorFilter,
  page: Page,
  asOne: boolean,
): Promise<DeliveryError[]> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const cursor = (key: string | null) => (key !== null && isBigId(key) ? key : null);
  // LATERAL makes Postgres scan the index (subscription_id, id) once per subscription, and stop at the limit. Without the row comparisons
  // it would scan the primary key, which has the attempts of all subscriptions, once per subscription.
  const { rows } = await db.query<DeliveryError>(
    `SELECT e.* FROM hookgraph.subscriptions s CROSS JOIN LATERAL (
       SELECT ${ERROR} FROM ${ATTEMPTS}
       WHERE ${ERROR_MATCHES} AND (a.subscription_id, a.id) <= (s.id, coalesce($8::bigint - 1, ${GREATEST_ID}))
         AND (a.subscription_id, a.id) >= (s.id, coalesce($9::bigint + 1, 0))
       ORDER BY a.subscription_id ${direction}, a.id ${direction} LIMIT $10
     ) e
     WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) ORDER BY e.id ${direction} ${asOne ? 'LIMIT $10' : ''}`,
    [...errorFilterValues(owner, subscriptionIds, filter), cursor(page.after), cursor(page.before), page.limit + 1],
  );
  return rows;
}

export async function countErrorsOf(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: ErrorFilter,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; count: number }>(
    `SELECT s.id, count(*)::int AS count FROM hookgraph.subscriptions s JOIN (${ATTEMPTS}) ON a.subscription_id = s.id
     WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) AND ${ERROR_MATCHES} GROUP BY s.id`,
    errorFilterValues(owner, subscriptionIds, filter),
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}

export async function errorsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, DeliveryError>> {
  const { rows } = await db.query<DeliveryError>(
    `SELECT ${ERROR} FROM ${ATTEMPTS} JOIN hookgraph.subscriptions s ON s.id = a.subscription_id
     WHERE ${OWN} AND ${IN_ERROR} AND NOT ${DISMISSED} AND a.id = ANY ($3::bigint[])`,
    [owner.tenant, owner.userId, ids.filter(isBigId)],
  );
  return new Map(rows.map((error) => [error.id, error]));
}

/**
 * Dismisses these errors, so that they are no longer listed. If some ids are not errors of the owner, dismisses none and returns those ids
 * as `missing`. `dismissed`: the number of errors that were not dismissed before, by subscription. Idempotent.
 */
export async function dismissErrors(
  db: Db,
  owner: Owner,
  ids: readonly string[],
): Promise<{ missing: string[]; dismissed: Record<string, number> }> {
  const { rows } = await db.query<{ known: string[]; dismissed: Record<string, number> }>(
    `WITH own AS MATERIALIZED (
       SELECT a.id, a.subscription_id FROM hookgraph.attempts a JOIN hookgraph.subscriptions s ON s.id = a.subscription_id
       WHERE ${OWN} AND ${IN_ERROR} AND a.id = ANY ($3::bigint[])
     ), dismissed AS (
       INSERT INTO hookgraph.dismissals (attempt_id, dismissed_by) SELECT id, $2 FROM own WHERE (SELECT count(*) FROM own) = $4
       ORDER BY id ON CONFLICT DO NOTHING RETURNING attempt_id
     ), counted AS (
       SELECT own.subscription_id, count(*)::int AS count FROM dismissed JOIN own ON own.id = dismissed.attempt_id GROUP BY 1
     )
     SELECT coalesce(array_agg(id::text), '{}') AS known,
       (SELECT coalesce(jsonb_object_agg(subscription_id, count), '{}') FROM counted) AS dismissed FROM own`,
    [owner.tenant, owner.userId, [...new Set(ids.filter(isBigId))], new Set(ids).size],
  );
  const known = new Set(rows[0]?.known);
  return { missing: ids.filter((id) => !known.has(id)), dismissed: rows[0]?.dismissed ?? {} };
}

/**
 * Dismisses the errors that match the filter, out of the next errors of a subscription. The CTE `part` has these next errors, with the
 * columns id, delivery_id, outcome and stage. Adds the CTE `changed`.
 */
export const DISMISS_MATCHING = `
  found AS MATERIALIZED (SELECT a.id FROM part a JOIN hookgraph.deliveries d ON d.id = a.delivery_id WHERE ${ERROR_MATCHES}),
  changed AS (
    INSERT INTO hookgraph.dismissals (attempt_id, dismissed_by) SELECT id, $2 FROM found ORDER BY id ON CONFLICT DO NOTHING RETURNING 1
  )`;
