// Searches the deliveries of an owner's subscriptions for the few that match a filter, within a bounded time.
import type { Pool, PoolClient } from 'pg';
import type { Delivery, Owner } from '../model.js';
import {
  DELIVERY,
  type DeliveryFilter,
  deliveryFilterValues,
  idAt,
  idOrNull,
  LAST_ATTEMPT_MATCHES,
  listDeliveries,
  OWN,
  ROW_MATCHES,
} from './deliveries.js';
import { cutPage, GREATEST_ID, type Page, type PartOfRows } from './page.js';

/** Milliseconds after which a search returns what it has found. A step that has begun is finished. */
const SEARCH_MS = 50;
/** The number of deliveries of each subscription that the first step reads. */
const FIRST_STEP = 200;
/** Maximum numbers of a step: `rows` that it reads, of all subscriptions, and deliveries whose last attempts it looks up (`attempts`). */
const MOST = { rows: 40_000, attempts: 4_000 };

interface Step {
  direction: 'ASC' | 'DESC';
  /** The number of deliveries of each subscription to read. */
  size: number;
  limit: number;
}

/**
 * Finds one page of matching deliveries. The search ends after SEARCH_MS, so the page may lack matches; then `readUpTo` is the position
 * from which the next page goes on. Each step reads four times as many deliveries as the one before: common matches are found by reading
 * few, and rare ones in few steps.
 */
export async function findDeliveries(
  db: Pool | PoolClient,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: DeliveryFilter,
  page: Page,
  { searchMs = SEARCH_MS, firstStep = FIRST_STEP } = {},
): Promise<PartOfRows<Delivery>> {
  if (!isSearch(filter)) return { ...(await listDeliveries(db, owner, subscriptionIds, filter, page)), readUpTo: null };
  const values = deliveryFilterValues(owner, subscriptionIds, filter);
  const direction = page.backward ? 'ASC' : 'DESC';
  const found: Delivery[] = [];
  const startedAt = performance.now();
  let [after, before] = [idOrNull(page.after), idOrNull(page.before)];
  for (let size = firstStep; ; size *= 4) {
    const step = { direction, size, limit: page.limit + 1 - found.length } as const;
    const { rows, readUpTo } = await search(db, [...values, after, before], step);
    found.push(...rows);
    if (found.length > page.limit || readUpTo === null) return { ...cutPage(found, page), readUpTo: null };
    if (page.backward) before = readUpTo;
    else after = readUpTo;
    if (performance.now() - startedAt > searchMs) {
      const { rows: part, ...ends } = cutPage(found, page);
      return { rows: part, ...ends, [page.backward ? 'hasPreviousPage' : 'hasNextPage']: true, readUpTo };
    }
  }
}

/** Whether the filter has a condition that no index serves. */
function isSearch({ createdAtMin: _, createdAtMax: __, id, ...conditions }: DeliveryFilter): boolean {
  return id == null && Object.values(conditions).some((value) => value != null && value !== '');
}

/** `readUpTo`: the position up to which this step has found all matches; `null` when no deliveries are left to search. */
async function search(
  db: Pool | PoolClient,
  values: unknown[],
  { direction, size, limit }: Step,
): Promise<{ rows: Delivery[]; readUpTo: string | null }> {
  const [first, last, beyond] = direction === 'ASC' ? ['max', 'min', '<='] : ['min', 'max', '>='];
  // Each subscription's scan ends at its own position. The step ends at the first of these positions; the next step reads on from there.
  const { rows } = await db.query<Delivery & { readUpTo: string | null; isFound: boolean }>(
    `WITH own AS MATERIALIZED (SELECT s.id, count(*) OVER () AS count FROM hookgraph.subscriptions s WHERE ${OWN} AND ($3::uuid[] IS NULL OR s.id = ANY ($3))),
     size AS MATERIALIZED (SELECT least($20::int, greatest(1, ${MOST.rows} / greatest(1, (SELECT max(count) FROM own))))::int AS rows),
     scanned AS MATERIALIZED (
       SELECT d.*, (${ROW_MATCHES}) AS fits FROM own s CROSS JOIN LATERAL (
         SELECT d.*, row_number() OVER () AS place FROM (
           SELECT * FROM hookgraph.deliveries d WHERE (d.subscription_id, d.id) <= (s.id, coalesce($18::bigint - 1, ${GREATEST_ID}))
             AND (d.subscription_id, d.id) >= (s.id, greatest($19::bigint + 1, CASE WHEN $6::timestamptz IS NOT NULL THEN ${idAt('$6')} END, 0))
           ORDER BY d.subscription_id ${direction}, d.id ${direction} LIMIT (SELECT rows FROM size)
         ) d
       ) d WHERE (${ROW_MATCHES}) OR place = (SELECT rows FROM size)
     ),
     scan_end AS MATERIALIZED (SELECT ${last}(id) AS id FROM scanned WHERE place = (SELECT rows FROM size)),
     candidates AS MATERIALIZED (
       SELECT * FROM scanned WHERE fits AND ((SELECT id FROM scan_end) IS NULL OR id ${beyond} (SELECT id FROM scan_end))
       ORDER BY id ${direction} LIMIT ${MOST.attempts}
     ),
     found AS (SELECT * FROM candidates d WHERE ${LAST_ATTEMPT_MATCHES} ORDER BY id ${direction} LIMIT $21),
     step_end AS (
       SELECT CASE WHEN count(*) = ${MOST.attempts} THEN ${first}(id) ELSE (SELECT id FROM scan_end) END AS id FROM candidates
     )
     SELECT ${DELIVERY}, e.id AS "readUpTo", d.id IS NOT NULL AS "isFound" FROM step_end e LEFT JOIN found d ON true ORDER BY d.id ${direction}`,
    [...values, size, limit],
  );
  const readUpTo = rows[0]?.readUpTo ?? null;
  return { rows: rows.filter(({ isFound }) => isFound).map(({ readUpTo: _, isFound: __, ...delivery }) => delivery), readUpTo };
}
