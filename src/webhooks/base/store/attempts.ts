// Reads attempts of the owner's subscriptions in batches. Lists read them without headers and bodies, which may be large.
import type { Pool, PoolClient } from 'pg';
import type { Attempt, Owner } from '../model.js';
import { isBigId } from './page.js';

type Db = Pool | PoolClient;

/** An attempt without the headers and bodies of its request and response; attemptsByIds reads them. */
export interface AttemptSummary extends Omit<Attempt, 'request' | 'response'> {
  request: { url: string } | null;
  response: { status: number } | null;
}

const COLUMNS = `a.id, a.delivery_id AS "deliveryId", a.subscription_version AS "subscriptionVersion", a.number, a.outcome, a.stage, a.message,
  a.started_at AS "startedAt", a.duration_ms AS "durationMs", a.timings`;
const WHOLE = `${COLUMNS},
  CASE WHEN a.request_url IS NOT NULL THEN jsonb_build_object('url', a.request_url, 'headers', a.request_headers, 'body', a.request_body,
    'omitted', a.recording->'request'->'omitted', 'bytes', a.recording->'request'->'bytes') END AS request,
  CASE WHEN a.response_status IS NOT NULL
    THEN jsonb_build_object('status', a.response_status, 'headers', a.response_headers, 'body', a.response_body,
      'omitted', a.recording->'response'->'omitted', 'bytes', a.recording->'response'->'bytes') END AS response`;
const SUMMARY = `${COLUMNS},
  CASE WHEN a.request_url IS NOT NULL THEN jsonb_build_object('url', a.request_url) END AS request,
  CASE WHEN a.response_status IS NOT NULL THEN jsonb_build_object('status', a.response_status) END AS response`;
/** Deleted subscriptions are included, since their attempts stay visible to the owner. */
const OWN = 'JOIN hookgraph.subscriptions s ON s.id = a.subscription_id WHERE s.tenant = $1 AND s.owner = $2';

const valuesOf = (owner: Owner, ids: readonly string[]): unknown[] => [owner.tenant, owner.userId, ids.filter(isBigId)];

/** Reads all attempts of each of these deliveries, oldest first, in one statement. */
export async function attemptsOf(db: Db, owner: Owner, deliveryIds: readonly string[]): Promise<Map<string, AttemptSummary[]>> {
  const { rows } = await db.query<AttemptSummary>(
    `SELECT ${SUMMARY} FROM hookgraph.attempts a ${OWN} AND a.delivery_id = ANY ($3::bigint[]) ORDER BY a.id`,
    valuesOf(owner, deliveryIds),
  );
  const byDelivery = new Map<string, AttemptSummary[]>(deliveryIds.map((id) => [id, []]));
  for (const attempt of rows) byDelivery.get(attempt.deliveryId)?.push(attempt);
  return byDelivery;
}

/** Reads the last attempt of each of these deliveries, in one statement. Deliveries without an attempt are missing in the result. */
export async function lastAttemptsOf(db: Db, owner: Owner, deliveryIds: readonly string[]): Promise<Map<string, AttemptSummary>> {
  const { rows } = await db.query<AttemptSummary>(
    `SELECT ${SUMMARY} FROM unnest($3::bigint[]) AS d (id) CROSS JOIN LATERAL (
       SELECT * FROM hookgraph.attempts a WHERE a.delivery_id = d.id ORDER BY a.id DESC LIMIT 1
     ) a ${OWN}`,
    valuesOf(owner, deliveryIds),
  );
  return new Map(rows.map((attempt) => [attempt.deliveryId, attempt]));
}

export async function attemptsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, Attempt>> {
  const { rows } = await db.query<Attempt>(
    `SELECT ${WHOLE} FROM hookgraph.attempts a ${OWN} AND a.id = ANY ($3::bigint[])`,
    valuesOf(owner, ids),
  );
  return new Map(rows.map((attempt) => [attempt.id, attempt]));
}
