// Blanks the stored contents about a node, in steps: rows of its events, messages, requests and responses of its deliveries' attempts; and
// cancels the deliveries that are still open. Types, ids and times stay, so that the history still adds up.
import type { Pool, PoolClient } from 'pg';
import type { Actor } from '../model.js';
import { isOfNode } from './delivery-columns.js';
import { cancelFound } from './delivery-moves.js';
import { blankExchanges } from './exchange-rows.js';
import { cutPage, isBigId, type Page, type Rows } from './page.js';
import { isNode } from './recorded-events.js';
import { insideTransaction } from './transaction.js';

/** Milliseconds until the retry of a step that has to wait for the relay, or for an attempt in progress. */
const PAUSE_MS = 1_000;
const FIRST_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';

export interface Forgetting {
  id: string;
  typename: string;
  nodeKey: string;
  requestedBy: string;
  state: 'RUNNING' | 'DONE';
  /** Numbers of blanked events, of blanked attempts, and of cancelled deliveries. */
  events: number;
  attempts: number;
  cancelled: number;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `f.id, f.typename, f.node_key AS "nodeKey", f.requested_by AS "requestedBy", f.state, f.events, f.attempts, f.cancelled,
  f.created_at AS "createdAt", f.updated_at AS "updatedAt"`;

/**
 * Starts to forget a node, or returns the request that is already running. Returns `null` when no event of the node is stored in the
 * actor's tenant, as for every node of another tenant.
 */
export async function startForgetting(pool: Pool, actor: Actor, node: { typename: string; key: string }): Promise<Forgetting | null> {
  const { rows } = await pool.query<Forgetting>(
    `WITH running AS (
       SELECT * FROM hookgraph.forgettings f WHERE f.tenant = $1 AND f.typename = $2 AND f.node_key = $3 AND f.state = 'RUNNING' LIMIT 1
     ), made AS (
       INSERT INTO hookgraph.forgettings (tenant, typename, node_key, requested_by, token_id) SELECT $1, $2, $3, $4, $5
       WHERE NOT EXISTS (SELECT FROM running)
         AND EXISTS (SELECT FROM hookgraph.recorded e WHERE ${isNode('$2', '$3')} AND e.tenant = $1) RETURNING *
     )
     SELECT ${COLUMNS} FROM (SELECT * FROM running UNION ALL SELECT * FROM made) f`,
    [actor.tenant, node.typename, node.key, actor.userId, actor.token?.id ?? null],
  );
  return rows[0] ?? null;
}

/** Reads one page of the tenant's requests to forget, newest first. */
export async function listForgettings(db: Pool | PoolClient, tenant: string, page: Page): Promise<Rows<Forgetting>> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const idOrNull = (cursor: string | null) => (cursor !== null && isBigId(cursor) ? cursor : null);
  const { rows } = await db.query<Forgetting>(
    `SELECT ${COLUMNS} FROM hookgraph.forgettings f WHERE f.tenant = $1 AND ($2::bigint IS NULL OR f.id < $2) AND ($3::bigint IS NULL OR f.id > $3)
     ORDER BY f.id ${direction} LIMIT $4`,
    [tenant, idOrNull(page.after), idOrNull(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countForgettings(db: Pool | PoolClient, tenant: string): Promise<number> {
  const { rows } = await db.query('SELECT count(*)::int AS count FROM hookgraph.forgettings WHERE tenant = $1', [tenant]);
  return rows[0].count;
}

interface Running {
  id: string;
  tenant: string;
  typename: string;
  key: string;
  eventPosition: string;
  subscriptionPosition: string | null;
  deliveryPosition: string;
  isBusy: boolean;
  isRelayed: boolean;
}

/** The result of a step: the row's new positions, and numbers to add to its counts. */
interface Moved {
  event?: string;
  subscription?: string;
  delivery?: string;
  isBusy?: boolean;
  events?: number;
  attempts?: number;
  cancelled?: number;
  waits?: boolean;
  isDone?: boolean;
}

/**
 * Advances one request by one step, which looks at up to `size` rows; returns whether there was one to advance. The rows and the position
 * change in one transaction, so a step that died is done again.
 */
export async function stepForgetting(pool: Pool, size: number): Promise<boolean> {
  return insideTransaction(pool, async (client) => {
    const { rows } = await client.query<Running>(
      `SELECT f.id, f.tenant, f.typename, f.node_key AS key, f.event_position AS "eventPosition",
         f.subscription_position AS "subscriptionPosition", f.delivery_position AS "deliveryPosition", f.is_busy AS "isBusy",
         NOT EXISTS (SELECT FROM hookgraph.captures c WHERE c.typename = f.typename AND c.node_key = f.node_key AND c.id < f.id)
           AND NOT EXISTS (SELECT FROM hookgraph.fan_outs w JOIN hookgraph.events e ON e.id = w.event_id
             WHERE w.tenant = f.tenant AND e.typename = f.typename AND e.node_key = f.node_key) AS "isRelayed"
       FROM hookgraph.forgettings f WHERE f.state = 'RUNNING' AND f.due_at <= now() ORDER BY f.updated_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
    );
    const running = rows[0];
    if (!running) return false;
    await save(client, running.id, await advance(client, running, size));
    return true;
  });
}

async function advance(client: PoolClient, running: Running, size: number): Promise<Moved> {
  // A change that is not relayed yet becomes an event with the values that must be forgotten, so the step waits until it is relayed.
  if (!running.isRelayed) return { waits: true };
  if (running.subscriptionPosition === null) return blankEvents(client, running, size);
  return blankDeliveries(client, running, running.subscriptionPosition, size);
}

async function blankEvents(client: PoolClient, { id, tenant, typename, key, eventPosition }: Running, size: number): Promise<Moved> {
  const { rows } = await client.query<{ found: number; last: string; changed: number }>(
    `WITH part AS MATERIALIZED (
       SELECT e.id FROM hookgraph.events e WHERE ${isNode('$1', '$2')} AND e.tenant = $3 AND e.id > $4 AND e.id < $5
       ORDER BY e.id LIMIT $6
     ), changed AS (
       UPDATE hookgraph.events e SET before = NULL, after = NULL, context = NULL FROM part p
       WHERE e.id = p.id AND num_nonnulls(e.before, e.after, e.context) > 0 RETURNING 1
     )
     SELECT (SELECT count(*) FROM part)::int AS found, (SELECT max(id) FROM part) AS last, (SELECT count(*) FROM changed)::int AS changed`,
    [typename, key, tenant, eventPosition, id, size],
  );
  const { found, last, changed } = rows[0] as (typeof rows)[number];
  return { events: changed, ...(found > 0 && { event: last }), ...(found < size && { subscription: FIRST_SUBSCRIPTION }) };
}

async function blankDeliveries(client: PoolClient, running: Running, position: string, size: number): Promise<Moved> {
  const { id, tenant, typename, key, deliveryPosition } = running;
  const { rows } = await client.query<{ next: string | null; found: number; last: string | null; ids: string[] }>(
    `WITH part AS MATERIALIZED (
       SELECT d.id, ${isOfNode('$3', '$4')} AND coalesce(d.event_id, d.id) < $5 AS is_of_node FROM hookgraph.deliveries d
       WHERE (d.subscription_id, d.id) > ($1, $2::bigint) AND d.subscription_id = $1
       ORDER BY d.subscription_id, d.id LIMIT $6
     )
     SELECT (SELECT min(s.id::text) FROM hookgraph.subscriptions s WHERE s.tenant = $7 AND s.id > $1) AS next,
       count(*)::int AS found, max(id) AS last, coalesce(array_agg(id) FILTER (WHERE is_of_node), '{}') AS ids FROM part`,
    [position, deliveryPosition, typename, key, id, size, tenant],
  );
  const { next, found, last, ids } = rows[0] as (typeof rows)[number];
  const cancelled = await cancelFound(client, ids, 'FORGOTTEN');
  const attempts = await blankAttempts(client, ids);
  const { rows: open } = await client.query('SELECT FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[]) LIMIT 1', [ids]);
  const isBusy = running.isBusy || open.length > 0;
  const counts = { cancelled, attempts };
  if (found === size) return { ...counts, isBusy, delivery: last as string };
  if (next !== null) return { ...counts, isBusy, subscription: next, delivery: '0' };
  // An attempt in progress is recorded only when it ends, so all deliveries are checked once more.
  if (isBusy) return { ...counts, isBusy: false, subscription: FIRST_SUBSCRIPTION, delivery: '0', waits: true };
  return { ...counts, isDone: true };
}

/** Blanks the attempts of these deliveries; returns the number of blanked attempts. */
async function blankAttempts(client: PoolClient, deliveryIds: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ exchangeId: string | null; place: number; isError: boolean }>(
    `WITH a AS (
       SELECT a.id, a.exchange_id, a.place, a.outcome IN ('FAILED', 'HELD') AS is_error FROM hookgraph.attempts a
       WHERE a.delivery_id = ANY ($1::bigint[])
     ), changed AS (
       UPDATE hookgraph.attempts x SET message = NULL, request_url = CASE WHEN request_url IS NOT NULL THEN '' END, request_headers = '{}',
         request_body = NULL, response_headers = '{}', response_body = NULL,
         recording = '{"request": {"omitted": "FORGOTTEN"}, "response": {"omitted": "FORGOTTEN"}}'
       FROM a WHERE x.id = a.id AND (x.recording->'request'->>'omitted') IS DISTINCT FROM 'FORGOTTEN' RETURNING x.id
     )
     SELECT a.exchange_id AS "exchangeId", a.place, a.is_error AS "isError" FROM a WHERE a.id IN (SELECT id FROM changed)`,
    [deliveryIds],
  );
  await blankExchanges(client, rows, 'FORGOTTEN');
  return rows.length;
}

async function save(client: PoolClient, id: string, moved: Moved): Promise<void> {
  const { event, subscription, delivery, isBusy, events = 0, attempts = 0, cancelled = 0, waits = false, isDone = false } = moved;
  await client.query(
    `UPDATE hookgraph.forgettings SET event_position = coalesce($2, event_position), subscription_position = coalesce($3, subscription_position),
       delivery_position = coalesce($4, delivery_position), is_busy = coalesce($5, is_busy), events = events + $6, attempts = attempts + $7,
       cancelled = cancelled + $8, due_at = CASE WHEN $9 THEN now() + $10 * interval '1 ms' ELSE due_at END,
       state = CASE WHEN $11 THEN 'DONE' ELSE state END, updated_at = clock_timestamp() WHERE id = $1`,
    [id, event, subscription, delivery, isBusy, events, attempts, cancelled, waits, PAUSE_MS, isDone],
  );
}
