// Records finished attempts of tests and before-hooks, with deliveries that are final and never queued.
import type { Pool, PoolClient } from 'pg';
import type { DeliveryKind } from '../base/model.js';
import { afterOnlyAttempt } from '../base/store/delivery-state.js';
import { recordingOf } from './attempt-batch.js';
import type { AttemptRecord } from './attempt-result.js';
import { json, storable } from './storable.js';

export interface EndedRecord {
  deliveryId: string;
  subscriptionId: string;
  topicId: string;
  tenant: string;
  kind: Extract<DeliveryKind, 'TEST' | 'BEFORE'>;
  typename: string;
  nodeKey: string;
  reason?: 'VALIDATION' | 'REFUSED' | 'ALLOWED' | null;
  attempt: AttemptRecord;
}

/** Inserts all records in one statement. A test's attempt never counts towards disabling its subscription. */
export async function recordEnded(db: Pool | PoolClient, records: EndedRecord[]): Promise<void> {
  const column = <T>(read: (one: EndedRecord) => T) => records.map(read);
  await db.query(
    `WITH r AS MATERIALIZED (
       SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[],
         $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::float8[], $16::jsonb[], $17::text[], $18::jsonb[], $19::text[], $20::int[],
         $21::jsonb[], $22::text[], $23::jsonb[])
       AS r (id, subscription_id, topic_id, tenant, kind, typename, node_key, state, reason, version, outcome, stage, message, started_at,
         duration_ms, timings, url, request_headers, request_body, status, response_headers, response_body, recording)
     ), d AS (
       INSERT INTO hookgraph.deliveries (id, subscription_id, topic_id, tenant, kind, typename, node_key, due_at, state, reason, attempt_count)
       SELECT id, subscription_id, topic_id, tenant, kind, typename, node_key, now(), state, reason, 1 FROM r)
     INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, test, outcome, stage, message, started_at,
       duration_ms, timings, request_url, request_headers, request_body, response_status, response_headers, response_body, recording)
     SELECT id, subscription_id, version, 1, kind = 'TEST', outcome, stage, message, started_at,
       duration_ms, timings, url, request_headers, request_body, status, response_headers, response_body, recording FROM r`,
    [
      column((one) => one.deliveryId),
      column((one) => one.subscriptionId),
      column((one) => one.topicId),
      column((one) => one.tenant),
      column((one) => one.kind),
      column((one) => one.typename),
      column((one) => one.nodeKey),
      column((one) => afterOnlyAttempt(one.attempt.outcome)),
      column((one) => one.reason ?? null),
      column((one) => one.attempt.subscriptionVersion),
      column((one) => one.attempt.outcome),
      column((one) => one.attempt.stage),
      column((one) => storable(one.attempt.message)),
      column((one) => one.attempt.startedAt),
      column((one) => one.attempt.durationMs),
      column((one) => json(one.attempt.timings)),
      column((one) => one.attempt.request?.url ?? null),
      column((one) => json(one.attempt.request?.headers)),
      column((one) => storable(one.attempt.request?.body)),
      column((one) => one.attempt.response?.status ?? null),
      column((one) => json(one.attempt.response?.headers)),
      column((one) => storable(one.attempt.response?.body)),
      column((one) => json(recordingOf(one.attempt))),
    ],
  );
}
