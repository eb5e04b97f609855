// Reads, starts and cancels replays (requests to send past events again) of the owner's subscriptions. A worker advances them by
// fan-out/replay.sql.
import type { Pool, PoolClient } from 'pg';
import type { Owner, Replay, ReplayMode, ReplayState } from '../model.js';
import { cutPage, isBigId, isUuid, type Page, type Rows } from './page.js';

type Db = Pool | PoolClient;

const COLUMNS = `r.id, r.subscription_id AS "subscriptionId", r.from_at AS "fromAt", r.to_at AS "toAt", r.state, r.mode, r.is_snapshot AS "isSnapshot",
  r.includes_delivered AS "includesDelivered", r.delivery_count AS "deliveryCount", r.created_at AS "createdAt", r.updated_at AS "updatedAt",
  CASE WHEN r.state = 'DONE' THEN 1 WHEN r.event_ids IS NOT NULL
    THEN (SELECT count(*) FILTER (WHERE i <= r.position)::float8 / greatest(count(*), 1) FROM unnest(r.event_ids) i)
    WHEN r.is_snapshot THEN least(0.99, r.scanned::float8 / greatest(r.estimated, r.scanned + 1))
    ELSE least(1, greatest(0, (r.position - hookgraph.id_at(r.from_at))::float8
    / (hookgraph.id_at(r.to_at + interval '1 ms') - hookgraph.id_at(r.from_at)))) END AS progress`;
const OWN = 'hookgraph.replays r JOIN hookgraph.subscriptions s ON s.id = r.subscription_id WHERE s.tenant = $1 AND s.owner = $2';

export interface ReplayFilter {
  subscriptionId?: string | null;
  state?: ReplayState | null;
}

const MATCHES = '($3::text IS NULL OR r.subscription_id::text = $3) AND ($4::text IS NULL OR r.state = $4)';

/** Reads one page of the owner's replays, newest first. */
export async function listReplays(db: Db, owner: Owner, filter: ReplayFilter, page: Page): Promise<Rows<Replay>> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const idOrNull = (cursor: string | null) => (cursor !== null && isBigId(cursor) ? cursor : null);
  const { rows } = await db.query<Replay>(
    `SELECT ${COLUMNS} FROM ${OWN} AND ${MATCHES} AND ($5::bigint IS NULL OR r.id < $5) AND ($6::bigint IS NULL OR r.id > $6)
     ORDER BY r.id ${direction} LIMIT $7`,
    [...valuesOf(owner, filter), idOrNull(page.after), idOrNull(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countReplays(db: Db, owner: Owner, filter: ReplayFilter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${OWN} AND ${MATCHES}`, valuesOf(owner, filter));
  return rows[0]?.count ?? 0;
}

export async function replaysByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, Replay>> {
  const { rows } = await db.query<Replay>(`SELECT ${COLUMNS} FROM ${OWN} AND r.id = ANY ($3::bigint[])`, [
    owner.tenant,
    owner.userId,
    ids.filter(isBigId),
  ]);
  return new Map(rows.map((replay) => [replay.id, replay]));
}

/** Reads the modes of these replays, of any owner. */
export async function replayModes(db: Db, ids: readonly string[]): Promise<Map<string, ReplayMode>> {
  const { rows } = await db.query<{ id: string; mode: ReplayMode }>(
    'SELECT id, mode FROM hookgraph.replays WHERE id = ANY ($1::bigint[])',
    [ids],
  );
  return new Map(rows.map(({ id, mode }) => [id, mode]));
}

interface Start {
  subscriptionId: string;
  userId: string;
  /** Start of the period to replay; `null`: the time of the first stored event. */
  from: Date | null;
  /** End of the period to replay; `null`: now. */
  to: Date | null;
  /** Whether events that the subscription did not miss are sent again, too. */
  includesDelivered: boolean;
  mode: ReplayMode;
  /** Only these events, in ascending order; `null`: all events of the period. */
  eventIds: readonly string[] | null;
}

// CTEs with the period from $1 to $2. The position, the event id from which the replay continues, starts one second early, because
// an event's id is assigned slightly before its `occurred_at`. A "from" before the epoch of ids (2020) is raised to it. A "to" in the
// future is cut to now, or the replay would never end. "Now" is the time of the newest event, if the clock of the database has gone
// back since.
const RANGE = `clock AS (
    SELECT greatest(now(), (SELECT hookgraph.time_of(max(id)) FROM hookgraph.events),
      (SELECT hookgraph.time_of(max(id)) FROM (SELECT id FROM hookgraph.captures ORDER BY xid DESC, depth DESC, id DESC LIMIT 1) c)) AS now
  ), asked AS (
    SELECT greatest(coalesce($1::timestamptz, least((SELECT min(coalesce(e.occurred_at, hookgraph.time_of(e.id))) FROM hookgraph.events e WHERE e.id = (SELECT min(id) FROM hookgraph.events)),
      (SELECT hookgraph.time_of(min(id)) FROM hookgraph.captures)), now()), '2020-01-01Z') AS from_at, least(coalesce($2::timestamptz, clock.now), clock.now) AS to_at FROM clock
  ), range AS (
    SELECT least(from_at, to_at) AS from_at, to_at, hookgraph.id_at(least(from_at, to_at) - interval '1 second') AS position FROM asked
  )`;

/** Reads the period that a replay from `from` to `to` would have, and the event id after which it would start. */
export async function replayRange(db: Db, from: Date | null, to: Date | null): Promise<{ from: Date; to: Date; position: string }> {
  const { rows } = await db.query<{ from: Date; to: Date; position: string }>(
    `WITH ${RANGE} SELECT from_at AS "from", to_at AS "to", position FROM range`,
    [from, to],
  );
  return rows[0] as { from: Date; to: Date; position: string };
}

/** Inserts a replay and returns its id; `null` while another replay of the subscription is running. */
export async function startReplay(
  db: Db,
  { subscriptionId, userId, from, to, includesDelivered, mode, eventIds }: Start,
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `WITH ${RANGE}
     INSERT INTO hookgraph.replays (subscription_id, requested_by, includes_delivered, mode, event_ids, from_at, to_at, position)
     SELECT $3, $4, $5, $6, $7, from_at, to_at, coalesce(($7::bigint[])[1] - 1, position) FROM range
     ON CONFLICT (subscription_id) WHERE state = 'RUNNING' DO NOTHING RETURNING id`,
    [from, to, subscriptionId, userId, includesDelivered, mode, eventIds],
  );
  return rows[0]?.id ?? null;
}

/** Cancels a running replay. Returns whether it was running. */
export async function endReplay(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE hookgraph.replays SET state = 'CANCELLED', updated_at = clock_timestamp() WHERE id = $1 AND state = 'RUNNING'`,
    [id],
  );
  return rowCount === 1;
}

/** Stores that the deliveries of a cancelled replay are cancelled, too. */
export async function noteCleared(db: Db, id: string): Promise<void> {
  await db.query('UPDATE hookgraph.replays SET is_cleared = true WHERE id = $1', [id]);
}

/** Cancels the running replay of a subscription that is being deleted. */
export async function endReplaysOf(db: Db, subscriptionId: string): Promise<void> {
  await db.query("UPDATE hookgraph.replays SET state = 'CANCELLED' WHERE subscription_id = $1 AND state = 'RUNNING'", [subscriptionId]);
}

function valuesOf(owner: Owner, { subscriptionId, state }: ReplayFilter): unknown[] {
  const id = subscriptionId == null || isUuid(subscriptionId) ? (subscriptionId?.toLowerCase() ?? null) : '';
  return [owner.tenant, owner.userId, id, state ?? null];
}
