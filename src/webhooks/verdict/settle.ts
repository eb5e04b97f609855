// Judged attempts -> attempts recorded, deliveries moved, subscriptions switched off, in one transaction per batch.
import type { Pool, PoolClient } from 'pg';
import { bigintArray, floatArray, integerArray, jsonbArray, textArray, timestampArray, uuidArray } from '../base/arrays.js';
import { auditByRule, switched } from '../base/audit.js';
import type { NextState } from '../base/delivery-state.js';
import type { Attempt, DisabledReason, Outcome, Stage, Timings } from '../base/model.js';
import { insideTransaction } from '../base/transaction.js';
import { shareHeaders } from './shared-headers.js';

export interface AttemptRecord {
  subscriptionVersion: number;
  outcome: Outcome;
  stage: Stage | null;
  message: string | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings;
  request: Attempt['request'];
  response: Attempt['response'];
}

export interface Settlement {
  deliveryId: string;
  token: string;
  subscriptionId: string;
  /** Where the delivery goes; null: back to where it was, due again after `putBackMs`, nothing charged. */
  next: NextState | null;
  putBackMs?: number;
  attempt: AttemptRecord | null;
  disable: { reason: DisabledReason; message: string } | null;
}

/** More than this many failed attempts of one subscription within an hour switch it off. */
export const ERRORS_PER_HOUR = 100;

// Fenced: only the claim whose token still stands moves the delivery and records its attempt. A delivery that was
// cancelled meanwhile stays so; one whose subscription is no longer enabled is held instead of retried.
// Its status is looked up for the few that go on: joined for all of a batch, it was read again for each of its rows.
const STATUS = '(SELECT x.status FROM hookgraph.subscriptions x WHERE x.id = r.subscription)';
const SETTLE = `
  WITH r AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
      $10::float8[], $11::jsonb[], $12::text[], $13::jsonb[], $14::text[], $15::int[], $16::jsonb[], $17::text[], $18::int[], $19::jsonb[],
      $20::uuid[], $21::int[], $22::int[])
    AS r (id, token, state, reason, wait_ms, outcome, stage, message, started_at, duration_ms, timings, url, request_headers, request_body,
      status, response_headers, response_body, version, recording, subscription, request_stem, response_stem)
  ), u AS (
    UPDATE hookgraph.deliveries d SET
      state = CASE WHEN d.state NOT IN ('PENDING', 'RETRYING') THEN d.state
        WHEN coalesce(r.state, d.state) IN ('PENDING', 'RETRYING') AND ${STATUS} <> 'ENABLED' THEN 'HELD'
        ELSE coalesce(r.state, d.state) END,
      reason = CASE WHEN d.state NOT IN ('PENDING', 'RETRYING') THEN d.reason
        WHEN coalesce(r.state, d.state) IN ('PENDING', 'RETRYING') AND ${STATUS} <> 'ENABLED' THEN CASE ${STATUS} WHEN 'HELD' THEN 'BROKEN' ELSE 'DISABLED' END
        ELSE r.reason END,
      due_at = CASE WHEN r.wait_ms IS NULL THEN d.due_at ELSE now() + r.wait_ms * interval '1 ms' END,
      attempt_count = d.attempt_count + CASE WHEN r.outcome IS NULL THEN 0 ELSE 1 END,
      lease_until = NULL, lease_token = NULL, updated_at = clock_timestamp()
    FROM r
    WHERE d.id = r.id AND d.lease_token = r.token
    RETURNING d.id AS delivery_id, d.subscription_id, d.attempt_count, r.*
  )
  INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, stage, message, started_at, duration_ms,
    timings, request_url, request_headers, request_body, response_status, response_headers, response_body, recording)
  SELECT delivery_id, subscription_id, version, attempt_count, outcome, stage, message, started_at, duration_ms,
    timings, url, coalesce(q.headers || request_headers, request_headers), request_body,
    status, coalesce(p.headers || response_headers, response_headers), response_body, recording
  FROM u
  LEFT JOIN unnest($23::jsonb[]) WITH ORDINALITY AS q (headers, n) ON q.n = u.request_stem
  LEFT JOIN unnest($24::jsonb[]) WITH ORDINALITY AS p (headers, n) ON p.n = u.response_stem
  WHERE outcome IS NOT NULL
  RETURNING delivery_id`;

/** Settles a batch; idempotent, since a token stands once. Answers the subscriptions that were switched off. */
export async function settle(pool: Pool, batch: Settlement[]): Promise<string[]> {
  const mayDisable = batch.some((one) => one.disable !== null || one.attempt?.outcome === 'FAILED');
  if (!mayDisable) {
    await record(pool, batch);
    return [];
  }
  return insideTransaction(pool, async (client) => {
    const recorded = await record(client, batch);
    return switchOff(
      client,
      // An order without an attempt (the owner is gone) stands by itself; one by an attempt only if the attempt counted.
      batch.filter((one) => one.attempt === null || recorded.has(one.deliveryId)),
    );
  });
}

async function record(db: Pool | PoolClient, batch: Settlement[]): Promise<Set<string>> {
  const column = <T>(read: (one: Settlement) => T) => batch.map(read);
  const subscriptionIds = column((one) => one.subscriptionId);
  const requests = shareHeaders(
    subscriptionIds,
    column((one) => one.attempt?.request?.headers),
  );
  const responses = shareHeaders(
    subscriptionIds,
    column((one) => one.attempt?.response?.headers),
  );
  const { rows } = await db.query<{ delivery_id: string }>({
    name: 'hookgraph-settle',
    text: SETTLE,
    values: [
      bigintArray(column((one) => one.deliveryId)),
      bigintArray(column((one) => one.token)),
      textArray(column((one) => one.next?.state)),
      textArray(column((one) => one.next?.reason)),
      floatArray(column((one) => (one.next ? one.next.retryMs : (one.putBackMs ?? 0)))),
      textArray(column((one) => one.attempt?.outcome)),
      textArray(column((one) => one.attempt?.stage)),
      textArray(column((one) => storable(one.attempt?.message))),
      timestampArray(column((one) => one.attempt?.startedAt)),
      floatArray(column((one) => one.attempt?.durationMs)),
      jsonbArray(column((one) => json(one.attempt && toMicroseconds(one.attempt.timings)))),
      textArray(column((one) => one.attempt?.request?.url)),
      jsonbArray(requests.own.map(json)),
      textArray(column((one) => storable(one.attempt?.request?.body))),
      integerArray(column((one) => one.attempt?.response?.status)),
      jsonbArray(responses.own.map(json)),
      textArray(column((one) => storable(one.attempt?.response?.body))),
      integerArray(column((one) => one.attempt?.subscriptionVersion)),
      jsonbArray(column((one) => json(one.attempt && recordingOf(one.attempt)))),
      uuidArray(subscriptionIds),
      integerArray(requests.stemOf),
      integerArray(responses.stemOf),
      jsonbArray(requests.stems.map(storableJson)),
      jsonbArray(responses.stems.map(storableJson)),
    ],
  });
  return new Set(rows.map((row) => row.delivery_id));
}

/** What nobody measured isn't told. */
function toMicroseconds(timings: Timings): Timings {
  const rounded: Timings = {};
  for (const name in timings) rounded[name as keyof Timings] = Math.round((timings[name as keyof Timings] as number) * 1000) / 1000;
  return rounded;
}

/** What there is to tell of bodies that aren't recorded as they were; null of nearly all. */
export function recordingOf({ request, response }: AttemptRecord): object | null {
  const of = (part: Attempt['request'] | Attempt['response']) =>
    part?.bytes == null ? undefined : { bytes: part.bytes, omitted: part.omitted };
  const [sent, got] = [of(request), of(response)];
  return sent || got ? { request: sent, response: got } : null;
}

/** Postgres stores no NUL; a receiver may send one. */
export const storable = (text: string | null | undefined): string | null =>
  text == null ? null : text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;

/** Nor does jsonb take an escaped one. */
const storableJson = (text: string): string => (text.includes('\\u0000') ? text.replaceAll('\\u0000', '\\ufffd') : text);

export const json = (value: object | null | undefined): string | null => (value ? storableJson(JSON.stringify(value)) : null);

async function switchOff(client: PoolClient, batch: Settlement[]): Promise<string[]> {
  const orders = new Map(batch.flatMap((one) => (one.disable ? [[one.subscriptionId, one.disable] as const] : [])));
  const failing = [...new Set(batch.filter((one) => one.attempt?.outcome === 'FAILED').map((one) => one.subscriptionId))];
  const { rows } = await client.query<{ id: string }>(
    `WITH orders AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS o (id, reason, message)
     ), noisy AS (
       SELECT x.id FROM hookgraph.subscriptions x
       WHERE x.id = ANY ($4::uuid[]) AND (
         SELECT count(*) FROM (
           SELECT 1 FROM hookgraph.attempts a
           WHERE a.subscription_id = x.id AND a.outcome = 'FAILED' AND NOT a.test AND a.id >= hookgraph.id_at(greatest(now() - interval '1 hour', x.enabled_at))
           LIMIT $5 + 1
         ) counted
       ) > $5
     ), off AS (
       SELECT id, reason, message FROM orders
       UNION ALL
       SELECT id, 'TOO_MANY_ERRORS', 'More than ' || $5 || ' errors within an hour.' FROM noisy WHERE id NOT IN (SELECT id FROM orders)
     ), changed AS (
       UPDATE hookgraph.subscriptions x SET disabled_at = now(), disabled_reason = off.reason, disabled_message = off.message, updated_at = clock_timestamp()
       FROM off WHERE x.id = off.id AND x.disabled_at IS NULL AND x.deleted_at IS NULL
       RETURNING x.id, x.tenant, x.owner, x.version, off.reason AS rule, off.message
     ), told AS (${auditByRule('DISABLED', [switched(true)])})
     SELECT id FROM changed`,
    [
      [...orders.keys()],
      [...orders.values()].map((order) => order.reason),
      [...orders.values()].map((order) => order.message),
      failing,
      ERRORS_PER_HOUR,
    ],
  );
  return rows.map((row) => row.id);
}
