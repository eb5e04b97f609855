// A test that was made -> its delivery with its one attempt, both final from the first: no worker ever takes it up.
import type { Pool, PoolClient } from 'pg';
import { recordAudit } from '../base/audit.js';
import { afterTest } from '../base/delivery-state.js';
import type { Actor } from '../base/model.js';
import { insideTransaction } from '../base/transaction.js';
import { type AttemptRecord, json, recordingOf, storable } from './settle.js';

export interface TestRecord {
  deliveryId: string;
  subscriptionId: string;
  topicId: string;
  actor: Actor;
  typename: string;
  nodeKey: string;
  attempt: AttemptRecord;
}

/** The id under which a test is going to be recorded; the receiver reads it in the request. */
export async function nextDeliveryId(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('SELECT hookgraph.next_id() AS id');
  return (rows[0] as { id: string }).id;
}

export async function recordTest(pool: Pool, test: TestRecord): Promise<void> {
  const { actor, subscriptionId, deliveryId, attempt } = test;
  await insideTransaction(pool, async (client) => {
    await insertTest(client, test);
    const version = attempt.subscriptionVersion;
    await recordAudit(client, actor, [{ subscriptionId, action: 'TESTED', versionBefore: version, versionAfter: version, deliveryId }]);
  });
}

async function insertTest(client: PoolClient, { attempt, ...test }: TestRecord): Promise<void> {
  const { request, response } = attempt;
  await client.query(
    `WITH d AS (
       INSERT INTO hookgraph.deliveries (id, subscription_id, topic_id, tenant, kind, typename, node_key, state, attempt_count)
       VALUES ($1, $2, $3, $4, 'TEST', $5, $6, $7, 1))
     INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, test, outcome, stage, message, started_at,
       duration_ms, timings, request_url, request_headers, request_body, response_status, response_headers, response_body, recording)
     VALUES ($1, $2, $8, 1, true, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
    [
      test.deliveryId,
      test.subscriptionId,
      test.topicId,
      test.actor.tenant,
      test.typename,
      test.nodeKey,
      afterTest(attempt.outcome),
      attempt.subscriptionVersion,
      attempt.outcome,
      attempt.stage,
      storable(attempt.message),
      attempt.startedAt,
      attempt.durationMs,
      json(attempt.timings),
      request?.url ?? null,
      json(request?.headers),
      storable(request?.body),
      response?.status ?? null,
      json(response?.headers),
      storable(response?.body),
      json(recordingOf(attempt)),
    ],
  );
}
