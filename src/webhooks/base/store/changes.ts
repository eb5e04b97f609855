// Reads the committed changes of a tenant after a cursor, without skipping any, and says why later changes can't be read yet.
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../../runtime/sql-file.js';
import { WebhooksError } from '../errors.js';
import { timeOfId } from '../time-of-id.js';
import type { VisibleEvent } from './deliveries.js';

type Db = Pick<Pool | PoolClient, 'query'>;

const CHANGES = sqlStatement<'tenant' | 'typenames' | 'xid' | 'id' | 'max_scanned' | 'max_rows'>('webhooks/base/store/changes.sql');

/** The number of events, of all tenants and types, that one page reads at most. A page that ends there may be empty. */
const MAX_SCANNED = 20_000;

/** A long transaction may add events that are older than a cursor. Therefore old cursors expire up to this many milliseconds early. */
const MARGIN_MS = 3_600_000;

export interface ChangePage {
  rows: (VisibleEvent & { cursor: string })[];
  /** The position after this page. An empty page has one, too. */
  cursor: string;
  hasNextPage: boolean;
  /** The id of the first transaction that has not ended or is not relayed yet. */
  frontier: string;
}

export interface ChangesAsked {
  tenant: string;
  /** The cursor of an earlier page; `null`: the present moment, so that the page is empty. */
  after: string | null;
  /** Only changes of nodes of these types; `null`: of all. */
  typenames: readonly string[] | null;
  limit: number;
}

interface Row extends VisibleEvent {
  frontier: string;
  system: string | null;
  eventsFrom: Date | null;
  now: Date;
  scanned: number;
  last: [xid: string, id: string] | null;
  xid: string | null;
}

/**
 * Reads one page of changes. Callers must not show `before` and `after`: whether the owner may read their columns is not checked.
 * @throws WebhooksError `PAGE_INVALID` for a text that is no cursor, `CURSOR_EXPIRED` when changes after the cursor may be deleted
 */
export async function readChanges(
  db: Db,
  { tenant, after, typenames, limit }: ChangesAsked,
  maxScanned = MAX_SCANNED,
): Promise<ChangePage> {
  const from = after === null ? null : parseCursor(after);
  const { rows: found } = await db.query<Row>({
    name: 'hookgraph-changes',
    text: CHANGES.text,
    values: CHANGES.values({
      ...{ tenant, typenames, xid: from?.xid ?? '0', id: from?.id ?? '0' },
      ...{ max_scanned: from ? maxScanned : 0, max_rows: limit + 1 },
    }),
  });
  const { frontier, system, eventsFrom, now, scanned, last } = found[0] as Row;
  if (from) refuseExpired(from, { system, eventsFrom, now });
  const cursorAt = (xid: string, id: string, atMs: number) => `${system ?? 0}/${xid}/${id}/${atMs}`;
  const rows = found.slice(0, limit).flatMap(({ xid, id, occurredAt, typename, nodeKey, operation, changed }) => {
    if (xid === null) return [];
    const cursor = cursorAt(xid, id, timeOfId(id));
    return [{ id, occurredAt, typename, nodeKey, operation, changed, before: null, after: null, cursor }];
  });
  const page = (cursor: string, hasNextPage: boolean): ChangePage => ({ rows, cursor, hasNextPage, frontier });
  if (found.length > limit) return page((rows.at(-1) as { cursor: string }).cursor, true);
  if (last && scanned === maxScanned) return page(cursorAt(...last, timeOfId(last[1])), true);
  // A replica that lags behind may not know some transactions yet that the server that made the cursor knew.
  const isBehind = from !== null && BigInt(frontier) < BigInt(from.xid);
  return page(isBehind ? (after as string) : cursorAt(frontier, '0', now.getTime()), false);
}

interface Position {
  system: string;
  xid: string;
  id: string;
  atMs: number;
}

function parseCursor(cursor: string): Position {
  const [, system, xid, id, at] = /^(-?\d{1,20})\/(\d{1,19})\/(\d{1,19})\/(\d{1,16})$/.exec(cursor) ?? [];
  if (system === undefined || xid === undefined || id === undefined || BigInt(id) >= 2n ** 63n)
    throw new WebhooksError('PAGE_INVALID', 'The argument "after" is not a cursor of this list.');
  return { system, xid, id, atMs: Number(at) };
}

function refuseExpired({ system: of, atMs }: Position, { system, eventsFrom, now }: Pick<Row, 'system' | 'eventsFrom' | 'now'>): void {
  const again = 'Read all nodes again, and continue from a new cursor.';
  if (of !== (system ?? '0'))
    throw new WebhooksError('CURSOR_EXPIRED', 'The cursor is from another database server, e.g. from before a restore.', again);
  const fromMs = eventsFrom?.getTime() ?? 0;
  if (atMs - Math.min(MARGIN_MS, (now.getTime() - fromMs) / 2) < fromMs)
    throw new WebhooksError(
      'CURSOR_EXPIRED',
      `The cursor is of ${new Date(atMs).toISOString()}, and changes before ${new Date(fromMs).toISOString()} were deleted.`,
      again,
    );
}

/** The reason why the next transaction cannot be read yet. */
export interface ChangesHeld {
  /** RELAY: the transaction is committed, and its changes wait for a worker. OPEN, PREPARED: it has not ended. */
  by: 'RELAY' | 'OPEN' | 'PREPARED';
  pid: number | null;
  application: string | null;
  /** The name of the prepared transaction. */
  gid: string | null;
  /** When the transaction began, was prepared or made its first change; `null` when this role may not see it. */
  since: Date | null;
  seconds: number | null;
}

// $1: the first transaction that is not final. A role without pg_read_all_stats can't see when another role's transaction began; then the
// time of the oldest waiting change is returned.
const HELD = `
  WITH transaction AS (SELECT $1::text::xid8 AS xid, $1::text::numeric % 4294967296 AS short_xid), held AS (
    (SELECT 1 AS rank, 'RELAY' AS by, NULL::int AS pid, NULL AS application, NULL AS gid, hookgraph.time_of(c.id) AS since
     FROM transaction t JOIN hookgraph.captures c USING (xid) ORDER BY c.depth, c.id LIMIT 1)
    UNION ALL
    SELECT 2, 'PREPARED', NULL, NULL, p.gid, p.prepared FROM transaction t JOIN pg_prepared_xacts p ON p.transaction::text::numeric = t.short_xid
    WHERE p.database = current_database()
    UNION ALL
    SELECT 3, 'OPEN', a.pid, a.application_name, NULL, coalesce(a.xact_start, (
      SELECT hookgraph.time_of(e.id) FROM hookgraph.events e WHERE e.fold IS DISTINCT FROM 'PART' AND coalesce(e.folded_xid, e.xid) >= t.xid
      ORDER BY coalesce(e.folded_xid, e.xid), e.id LIMIT 1))
    FROM transaction t JOIN pg_stat_activity a ON a.backend_xid::text::numeric = t.short_xid AND a.datname = current_database()
  )
  SELECT by, pid, application, gid, since, greatest(extract(epoch FROM clock_timestamp() - since), 0)::float8 AS seconds
  FROM held ORDER BY rank LIMIT 1`;

/** Returns why the changes of the transaction `frontier` and of later ones can't be read yet; `null` when they can. */
export async function changesHeld(db: Db, frontier: string): Promise<ChangesHeld | null> {
  const { rows } = await db.query<ChangesHeld>({ name: 'hookgraph-changes-held', text: HELD, values: [frontier] });
  return rows[0] ?? null;
}

/** Says in a sentence why changes can't be read yet. `isOperator`: also names the session or the prepared transaction. */
export function describeHeld({ by, since, pid, application, gid }: ChangesHeld, isOperator: boolean): string {
  const time = since ? ` since ${since.toISOString()}` : '';
  if (by === 'RELAY') return `Committed changes wait${time} for a worker to process them.`;
  const who =
    by === 'PREPARED'
      ? `A prepared transaction${isOperator ? ` (${JSON.stringify(gid)})` : ''} is neither committed nor rolled back${time}`
      : `A transaction${isOperator ? ` (process ${pid}, application ${JSON.stringify(application)})` : ''} is open${time}`;
  return `${who}. Later changes follow when it ends.`;
}
