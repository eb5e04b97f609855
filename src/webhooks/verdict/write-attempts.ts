// Writes judged attempts: records them, moves their deliveries and disables subscriptions, in one transaction per batch.

import type { Pool, PoolClient } from 'pg';
import { auditByRule, switched } from '../base/store/audit.js';
import { insideTransaction } from '../base/store/transaction.js';
import { AttemptBatch } from './attempt-batch.js';
import type { DeliveryResult } from './attempt-result.js';
import { changePaces, type PaceChange } from './change-paces.js';

/** A subscription with more failed attempts than this within an hour is disabled. */
export const ERRORS_PER_HOUR = 100;

// A fencing token guards each write: only the claim whose token is still in the queue moves the delivery and records its attempt. A
// delivery cancelled meanwhile stays cancelled; a delivery whose subscription is no longer enabled is held instead of retried. The
// status is a subquery, so that it is looked up only for deliveries that go on.
const STATUS = '(SELECT x.status FROM hookgraph.subscriptions x WHERE x.id = d.subscription_id)';
// OFFSET 0 and the array of ctids force one probe per row of open_deliveries, whose statistics often say that it is empty; see
// lease/claim.ts. IS TRUE makes the planner hash the taken ids instead of comparing all pairs.
const WRITE = `
  WITH r AS MATERIALIZED (
    SELECT r.*, o.place FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[], $8::text[],
      $9::timestamptz[], $10::float8[], $11::jsonb[], $12::text[], $13::jsonb[], $14::text[], $15::int[], $16::jsonb[], $17::text[], $18::int[],
      $19::jsonb[], $20::int[], $21::int[], $22::int[])
    AS r (id, token, state, reason, wait_ms, outcome, stage, message, started_at, duration_ms, timings, url, request_headers, request_body,
      status, response_headers, response_body, version, recording, request_stem, response_stem, uncounted)
    CROSS JOIN LATERAL (
      SELECT o.ctid AS place FROM hookgraph.open_deliveries o WHERE o.delivery_id = r.id AND o.lease_token = r.token OFFSET 0
    ) o
  ), taken AS (
    DELETE FROM hookgraph.open_deliveries o
    WHERE o.ctid = ANY (ARRAY(SELECT place FROM r)) AND o.lease_token = ANY (ARRAY(SELECT DISTINCT token FROM r))
    RETURNING o.delivery_id
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
      updated_at = clock_timestamp()
    FROM r
    WHERE d.id = r.id AND (r.id IN (SELECT delivery_id FROM taken)) IS TRUE
    RETURNING d.id AS delivery_id, d.subscription_id, d.attempt_count, d.due_at, d.state AS state_now, d.reason AS reason_now, r.*
  ), goes_on AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for)
    SELECT delivery_id, subscription_id, due_at, CASE state_now WHEN 'HELD' THEN reason_now END
    FROM u WHERE state_now IN ('PENDING', 'RETRYING', 'HELD')
  )
  INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, stage, message, started_at, duration_ms,
    timings, request_url, request_headers, request_body, response_status, response_headers, response_body, recording, counted)
  SELECT delivery_id, subscription_id, version, attempt_count, outcome, stage, message, started_at, duration_ms,
    timings, url, coalesce(q.headers || request_headers, request_headers), request_body,
    status, coalesce(p.headers || response_headers, response_headers), response_body, recording, uncounted IS NULL
  FROM u
  LEFT JOIN unnest($23::jsonb[]) WITH ORDINALITY AS q (headers, n) ON q.n = u.request_stem
  LEFT JOIN unnest($24::jsonb[]) WITH ORDINALITY AS p (headers, n) ON p.n = u.response_stem
  WHERE outcome IS NOT NULL`;

/** Side effects of recording attempts. */
export interface WriteEffects {
  /** Ids of the subscriptions that were disabled. */
  disabled: string[];
  paces: PaceChange[];
}

/** Writes results and returns the ids of the disabled subscriptions. Idempotent, because a token is used once. */
export async function writeAttempts(pool: Pool, results: DeliveryResult[]): Promise<string[]> {
  const batch = new AttemptBatch();
  for (const result of results) batch.add(result);
  return (await writeBatch(pool, batch)).disabled;
}

/** Writes the results of a batch, which can be reused afterwards. */
export async function writeBatch(pool: Pool, batch: AttemptBatch): Promise<WriteEffects> {
  const values = batch.toParameters();
  if (batch.mayDisable.length === 0 && batch.paces.size === 0) {
    await pool.query({ name: 'hookgraph-write-attempts', text: WRITE, values });
    return NOTHING;
  }
  return insideTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>({
      name: 'hookgraph-write-attempts-returning',
      text: `${WRITE} RETURNING delivery_id AS id`,
      values,
    });
    const recorded = new Set(rows.map(({ id }) => id));
    // A result without an attempt (the owner no longer exists) always disables; a result with an attempt only if the attempt was
    // recorded.
    const orders = batch.mayDisable.filter((one) => one.outcome === null || recorded.has(one.deliveryId));
    const paces = batch.paces.size === 0 ? [] : await changePaces(client, batch.paces);
    return { disabled: orders.length === 0 ? [] : await switchOff(client, orders), paces };
  });
}

const NOTHING: WriteEffects = { disabled: [], paces: [] };

async function switchOff(client: PoolClient, batch: AttemptBatch['mayDisable']): Promise<string[]> {
  const orders = new Map(batch.flatMap((one) => (one.disable ? [[one.subscriptionId, one.disable] as const] : [])));
  const failing = [...new Set(batch.filter((one) => one.outcome === 'FAILED').map((one) => one.subscriptionId))];
  const { rows } = await client.query<{ id: string }>(
    `WITH orders AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS o (id, reason, message)
     ), noisy AS (
       SELECT x.id FROM hookgraph.subscriptions x
       WHERE x.id = ANY ($4::uuid[]) AND (
         SELECT count(*) FROM (
           SELECT 1 FROM hookgraph.attempts a
           WHERE a.subscription_id = x.id AND a.outcome = 'FAILED' AND NOT a.test AND a.counted AND a.id >= hookgraph.id_at(greatest(now() - interval '1 hour', x.enabled_at))
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
