// Reads attempts of the owner's subscriptions in batches. Lists read them without requests and responses, which may be large.
import type { Pool, PoolClient } from 'pg';
import type { Attempt, ContentType, Owner } from '../model.js';
import { unpack } from './exchanges.js';
import { isBigId } from './page.js';

type Db = Pool | PoolClient;

/** An attempt without the contents of its request and response; attemptsByIds reads them. */
export interface AttemptSummary extends Omit<Attempt, 'request' | 'response'> {
  /** Whether a request was sent. */
  hasRequest: boolean;
  /** The status of the response; `null` when none was received. */
  status: number | null;
}

/** The durations in `timings` are columns. Attempts made before these columns existed have a JSON document instead. */
const TIMINGS = `coalesce(a.timings, jsonb_strip_nulls(jsonb_build_object('queryMs', a.query_us / 1000.0, 'renderMs', a.render_us / 1000.0,
  'authMs', a.auth_us / 1000.0, 'sendMs', a.send_us / 1000.0, 'firstByteMs', a.first_byte_us / 1000.0)))`;
const SUMMARY = `a.id, a.delivery_id AS "deliveryId", a.subscription_version AS "subscriptionVersion", a.number, a.outcome, a.stage, a.message,
  a.started_at AS "startedAt", a.duration_ms AS "durationMs", ${TIMINGS} AS timings,
  a.exchange_id IS NOT NULL OR a.request_url IS NOT NULL AS "hasRequest", a.response_status AS status`;
const WHOLE = `${SUMMARY}, a.exchange_id AS "exchangeId", a.place,
  CASE WHEN a.request_url IS NOT NULL THEN jsonb_build_object('url', a.request_url, 'headers', a.request_headers, 'body', a.request_body,
    'omitted', a.recording->'request'->'omitted', 'bytes', a.recording->'request'->'bytes') END AS request,
  CASE WHEN a.request_url IS NOT NULL AND a.response_status IS NOT NULL
    THEN jsonb_build_object('headers', a.response_headers, 'body', a.response_body,
      'omitted', a.recording->'response'->'omitted', 'bytes', a.recording->'response'->'bytes') END AS response`;
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

type Content = { headers: Record<string, string> } & Pick<NonNullable<Attempt['request']>, 'body' | 'omitted' | 'bytes'>;
interface WholeRow extends AttemptSummary {
  request: Attempt['request'];
  response: Content | null;
  exchangeId: string | null;
  place: number;
  /** The content of the row in `exchanges`. Only the first attempt of a row has it; `null` when retention has deleted the row. */
  entries: Buffer | null;
}

/** Reads whole attempts, in one statement. */
export async function attemptsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, Attempt>> {
  return wholeAttempts(db, `${OWN} AND a.id = ANY ($3::bigint[])`, valuesOf(owner, ids));
}

/**
 * Reads the whole attempts `a` that a condition in SQL finds, in the order of their ids. Attempts that share a row of `exchanges` read it
 * once. OFFSET 0 makes Postgres look up each row of `exchanges` by its index.
 */
export async function wholeAttempts(db: Db, where: string, values: unknown[]): Promise<Map<string, Attempt>> {
  const { rows } = await db.query<WholeRow>(
    `SELECT a.*, x.entries FROM (
       SELECT ${WHOLE}, a.outcome IN ('FAILED', 'HELD') AS is_error, row_number() OVER (PARTITION BY a.exchange_id ORDER BY a.id) AS nth
       FROM hookgraph.attempts a ${where}
     ) a LEFT JOIN LATERAL (
       SELECT x.entries FROM hookgraph.exchanges x WHERE x.is_error = a.is_error AND x.id = a."exchangeId" AND a.nth = 1 OFFSET 0
     ) x ON true ORDER BY a.id`,
    values,
  );
  const exchanges = new Map(rows.flatMap(({ exchangeId, entries }) => (entries ? [[exchangeId, unpack(entries)] as const] : [])));
  return new Map(
    rows.map((row) => {
      const { id, deliveryId, subscriptionVersion, number, outcome, stage, message, startedAt, durationMs, timings, hasRequest, status } =
        row;
      const exchange = exchanges.get(row.exchangeId)?.[row.place] ?? row;
      const request = exchange.request ?? (hasRequest ? { url: '', ...DELETED } : null);
      const response = status === null ? null : { status, ...(exchange.response ?? DELETED) };
      const attempt = { id, deliveryId, subscriptionVersion, number, outcome, stage, message, startedAt, durationMs, timings };
      return [id, { ...attempt, request, response }];
    }),
  );
}

/** Stands for a request or response that retention has deleted. */
const DELETED: Content = { headers: {}, body: null, omitted: 'DELETED' };

/** The recorded request of an attempt, with the content type and whether a template made the body, from the subscription's version. */
export interface RecordedRequest {
  request: NonNullable<Attempt['request']>;
  startedAt: Date;
  contentType: ContentType;
  hasTemplate: boolean;
}

/** Reads the requests of these attempts, of any owner, in two statements. Callers check that the user may read them. */
export async function requestsByIds(db: Db, ids: readonly string[]): Promise<Map<string, RecordedRequest>> {
  if (ids.length === 0) return new Map();
  const [attempts, { rows }] = await Promise.all([
    wholeAttempts(db, 'WHERE a.id = ANY ($1::bigint[])', [ids]),
    db.query<Pick<RecordedRequest, 'contentType' | 'hasTemplate'> & { id: string }>(
      `SELECT a.id, coalesce(v.definition ->> 'contentType', 'JSON') AS "contentType", v.definition ->> 'template' IS NOT NULL AS "hasTemplate"
       FROM hookgraph.attempts a
       JOIN hookgraph.subscription_versions v ON v.subscription_id = a.subscription_id AND v.number = a.subscription_version
       WHERE a.id = ANY ($1::bigint[])`,
      [ids],
    ),
  ]);
  return new Map(
    rows.flatMap(({ id, ...version }) => {
      const { request = null, startedAt } = attempts.get(id) ?? {};
      return request && startedAt ? [[id, { request, startedAt, ...version }] as const] : [];
    }),
  );
}
