// Reads, starts, cancels and advances actions on many deliveries or errors of an owner. An action has a part for each subscription.
import type { Pool, PoolClient } from 'pg';
import type { BulkAction, BulkActionKind, Owner } from '../model.js';
import { DELIVERY_MATCHES, type DeliveryFilter, deliveryFilterValues } from './deliveries.js';
import { REOPEN, REPEAT } from './delivery-moves.js';
import { DISMISS_MATCHING, type ErrorFilter, errorFilterValues, IN_ERROR } from './errors.js';
import { cutPage, isBigId, type Page, type Rows } from './page.js';
import { insideTransaction } from './transaction.js';

type Db = Pool | PoolClient;

/** Which rows an action changes. */
export type BulkFilter = (DeliveryFilter | ErrorFilter) & {
  /** Only rows with these ids; absent: any. */
  ids?: readonly string[];
};

/** An action waits while its subscription has this many due deliveries, so that new events wait behind few deliveries of the action. */
const MAX_DUE = 2_000;
/** Actions of an owner that may run at once. */
export const MAX_RUNNING = 10;

const COLUMNS = `b.id, b.kind, b.state, b.created_at AS "createdAt", b.updated_at AS "updatedAt", p.total, p.done,
  CASE WHEN b.state = 'DONE' THEN 1 ELSE coalesce(p.progress, 0) END AS progress`;
const ACTIONS = `hookgraph.bulk_actions b CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.total), 0)::int AS total, coalesce(sum(p.done), 0)::int AS done,
      sum(least(CASE WHEN p.is_ended THEN p.total ELSE p.done END, p.total))::float8 / greatest(sum(p.total), 1) AS progress
    FROM hookgraph.bulk_action_parts p WHERE p.action_id = b.id
  ) p WHERE b.tenant = $1 AND b.owner = $2`;
const IN_STATE = '($3::text IS NULL OR b.state = $3)';

/** Reads one page of the owner's actions, newest first. */
export async function listBulkActions(db: Db, owner: Owner, state: BulkAction['state'] | null, page: Page): Promise<Rows<BulkAction>> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const idOrNull = (cursor: string | null) => (cursor !== null && isBigId(cursor) ? cursor : null);
  const { rows } = await db.query<BulkAction>(
    `SELECT ${COLUMNS} FROM ${ACTIONS} AND ${IN_STATE} AND ($4::bigint IS NULL OR b.id < $4) AND ($5::bigint IS NULL OR b.id > $5)
     ORDER BY b.id ${direction} LIMIT $6`,
    [owner.tenant, owner.userId, state, idOrNull(page.after), idOrNull(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countBulkActions(db: Db, owner: Owner, state: BulkAction['state'] | null): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM hookgraph.bulk_actions b WHERE b.tenant = $1 AND b.owner = $2 AND ${IN_STATE}`,
    [owner.tenant, owner.userId, state],
  );
  return rows[0]?.count ?? 0;
}

export async function bulkActionsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, BulkAction>> {
  const { rows } = await db.query<BulkAction>(`SELECT ${COLUMNS} FROM ${ACTIONS} AND b.id = ANY ($3::bigint[])`, [
    owner.tenant,
    owner.userId,
    ids.filter(isBigId),
  ]);
  return new Map(rows.map((action) => [action.id, action]));
}

/** Returns the enabled ones of these subscriptions that get notifications after writes. */
export async function enabledOf(db: Db, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT s.id FROM hookgraph.subscriptions s WHERE s.id = ANY ($1::uuid[]) AND s.status = 'ENABLED' AND s.phase = 'AFTER'`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

interface Start {
  kind: BulkActionKind;
  filter: BulkFilter;
  /** Changes only rows from this time on; `null`: from the oldest row on. */
  since: Date | null;
  /** Number of matching rows of each subscription. */
  totals: ReadonlyMap<string, number>;
}

/** Inserts an action with its parts and returns its id; `null` while the owner has MAX_RUNNING others. */
export async function startBulkAction(db: Db, { tenant, userId }: Owner, { kind, filter, since, totals }: Start): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `WITH action AS (
       INSERT INTO hookgraph.bulk_actions (tenant, owner, kind, filter, until_id) SELECT $1, $2, $3, $4, hookgraph.next_id()
       WHERE (SELECT count(*) FROM hookgraph.bulk_actions b WHERE b.tenant = $1 AND b.owner = $2 AND b.state = 'RUNNING') < $8 RETURNING id
     ), parts AS (
       INSERT INTO hookgraph.bulk_action_parts (action_id, subscription_id, total, position)
       SELECT action.id, t.subscription_id, t.total, CASE WHEN $7::timestamptz IS NULL THEN 0
         ELSE hookgraph.id_at(least(greatest($7::timestamptz, '2020-01-01Z'), '2200-01-01Z')) - 1 END
       FROM action, unnest($5::uuid[], $6::int[]) AS t (subscription_id, total)
     )
     SELECT id FROM action`,
    [tenant, userId, kind, JSON.stringify(filter), [...totals.keys()], [...totals.values()], since, MAX_RUNNING],
  );
  return rows[0]?.id ?? null;
}

/** Cancels a running action. Returns the subscriptions of its parts; `null` if it wasn't running. */
export async function endBulkAction(db: Db, id: string): Promise<string[] | null> {
  const { rows } = await db.query<{ ids: string[] }>(
    `WITH action AS (
       UPDATE hookgraph.bulk_actions SET state = 'CANCELLED', updated_at = clock_timestamp() WHERE id = $1 AND state = 'RUNNING' RETURNING id
     )
     SELECT coalesce(array_agg(p.subscription_id::text), '{}') AS ids FROM action LEFT JOIN hookgraph.bulk_action_parts p ON p.action_id = action.id
     GROUP BY action.id`,
    [id],
  );
  return rows[0]?.ids ?? null;
}

interface Part {
  actionId: string;
  subscriptionId: string;
  position: string;
  untilId: string;
  kind: BulkActionKind;
  filter: BulkFilter;
  owner: Owner;
  isDeleted: boolean;
}

// The row of the action is locked, so that only one worker at a time advances it, and none does after it was cancelled. A part that resends
// waits while its subscription isn't enabled, or has MAX_DUE due deliveries. If the clock went back, parts whose last update has a time in
// the future come first.
const NEXT_PART = `
  SELECT b.id AS "actionId", p.subscription_id AS "subscriptionId", p.position, b.until_id AS "untilId", b.kind, b.filter,
    jsonb_build_object('tenant', b.tenant, 'userId', b.owner) AS owner, s.status = 'DELETED' AND b.kind <> 'DELETE_ERRORS' AS "isDeleted"
  FROM hookgraph.bulk_actions b
  JOIN hookgraph.bulk_action_parts p ON p.action_id = b.id AND NOT p.is_ended
  JOIN hookgraph.subscriptions s ON s.id = p.subscription_id
  WHERE b.state = 'RUNNING' AND (b.kind = 'DELETE_ERRORS' OR s.status = 'DELETED' OR (s.status = 'ENABLED' AND (
    SELECT count(*) FROM (
      SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = p.subscription_id AND o.held_for IS NULL AND o.due_at <= now()
      LIMIT ${MAX_DUE}
    ) due) < ${MAX_DUE}))
  ORDER BY p.updated_at > now() DESC, p.updated_at LIMIT 1 FOR UPDATE OF b SKIP LOCKED`;

const OWN = `(SELECT s.tenant = $1 AND s.owner = $2 FROM hookgraph.subscriptions s WHERE s.id = ($3::uuid[])[1])`;
const SEEN =
  'SELECT (SELECT count(*) FROM part)::int AS seen, (SELECT max(id) FROM part) AS last, (SELECT count(*) FROM changed)::int AS changed';

/** Returns SQL that selects the next rows of the part. Its parameters from `$first` on: position, last id, size, and ids. */
function nextRows(row: string, first: number, hasIds: boolean): string {
  const key = `(${row}.subscription_id, ${row}.id)`;
  const within = (from: string, to: string) => `${key} > (($3::uuid[])[1], ${from}::bigint) AND ${key} <= (($3::uuid[])[1], ${to}::bigint)`;
  const named = hasIds ? ` AND ${row}.id = ANY ($${first + 3}::bigint[])` : '';
  return `${within(`$${first}`, `$${first + 1}`)}${named} AND ${OWN} ORDER BY ${row}.subscription_id, ${row}.id LIMIT $${first + 2}`;
}

const resend = (changing: string, hasIds: boolean) =>
  `WITH part AS MATERIALIZED (SELECT * FROM hookgraph.deliveries d WHERE ${nextRows('d', 18, hasIds)}),
   found AS MATERIALIZED (SELECT d.* FROM part d WHERE d.kind NOT IN ('TEST', 'BEFORE') AND ${DELIVERY_MATCHES}), ${changing} ${SEEN}`;
const STEPS: Record<BulkActionKind, (hasIds: boolean) => string> = {
  RESEND: (hasIds) => resend(REOPEN, hasIds),
  RESEND_AS_NEW: (hasIds) => resend(REPEAT, hasIds),
  DELETE_ERRORS: (hasIds) => `WITH part AS MATERIALIZED (
     SELECT a.id, a.delivery_id, a.outcome, a.stage FROM hookgraph.attempts a WHERE ${IN_ERROR} AND ${nextRows('a', 8, hasIds)}
   ), ${DISMISS_MATCHING} ${SEEN}`,
};

/**
 * Advances one action by one step, which looks at up to `size` rows. Returns the subscription of the rows; `null` when no action can
 * continue now. The rows and the position change in one transaction, so a step that fails is done again from its start.
 */
export async function stepBulkAction(pool: Pool, size: number): Promise<{ subscriptionId: string } | null> {
  return insideTransaction(pool, async (client) => {
    const part = (await client.query<Part>(NEXT_PART)).rows[0];
    if (!part) return null;
    const { actionId, subscriptionId, isDeleted } = part;
    const { seen, last, changed } = isDeleted ? { seen: 0, last: null, changed: 0 } : await changeNext(client, part, size);
    await client.query(
      `UPDATE hookgraph.bulk_action_parts SET position = coalesce($3, position), done = done + $4, is_ended = $5, updated_at = clock_timestamp()
       WHERE action_id = $1 AND subscription_id = $2`,
      [actionId, subscriptionId, last, changed, seen < size],
    );
    await client.query(
      `UPDATE hookgraph.bulk_actions b SET updated_at = clock_timestamp(), state = CASE WHEN EXISTS (
         SELECT FROM hookgraph.bulk_action_parts p WHERE p.action_id = b.id AND NOT p.is_ended) THEN b.state ELSE 'DONE' END WHERE b.id = $1`,
      [actionId],
    );
    return { subscriptionId };
  });
}

async function changeNext(client: PoolClient, { kind, owner, subscriptionId, filter, position, untilId }: Part, size: number) {
  // The stored filter has its times as texts; Postgres converts them like dates.
  const values = (kind === 'DELETE_ERRORS' ? errorFilterValues : deliveryFilterValues)(owner, [subscriptionId], filter);
  const { rows } = await client.query<{ seen: number; last: string | null; changed: number }>(STEPS[kind](filter.ids != null), [
    ...[...values, position, untilId, size],
    ...(filter.ids ? [filter.ids] : []),
  ]);
  return rows[0] as { seen: number; last: string | null; changed: number };
}
