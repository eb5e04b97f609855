// Writes the results of attempts in one transaction per batch: records the attempts, changes the states of their deliveries, and disables
// or slows subscriptions.

import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { DisablingRule } from '../base/meter.js';
import type { RuleChange } from '../base/rule-log.js';
import { disableByRule } from '../base/store/subscription-status.js';
import { insideTransaction, PATIENT, patiently } from '../base/store/transaction.js';
import { AttemptBatch, type ResultColumn } from './attempt-batch.js';
import type { AfterAttempt } from './attempt-log.js';
import type { DeliveryResult } from './attempt-result.js';
import { changePaces, type PaceChange } from './change-paces.js';

/** A subscription with more failed attempts than this within an hour is disabled. */
export const ERRORS_PER_HOUR = 100;

const WRITE = sqlStatement<ResultColumn>('webhooks/verdict/write-attempts.sql');

/**
 * The effects of a written batch, for the log and the metrics: disabled subscriptions, changed paces (how fast deliveries may start) and
 * new states.
 */
export interface WriteEffects {
  disabled: RuleChange<DisablingRule>[];
  paces: PaceChange[];
  /**
   * The new states of the deliveries whose attempts are logged, by delivery id. A delivery whose lease was lost is missing, because nothing
   * was recorded.
   */
  states: ReadonlyMap<string, AfterAttempt>;
}

/** Writes results, and returns the subscriptions that they disabled. Idempotent, because each lease token is valid only once. */
export async function writeAttempts(pool: Pool, results: DeliveryResult[]): Promise<RuleChange<DisablingRule>[]> {
  const batch = new AttemptBatch();
  for (const result of results) batch.add(result);
  return (await writeBatch(pool, batch)).disabled;
}

/**
 * Writes the results of a batch. The caller may clear and reuse the batch afterwards.
 * @param isPatient whether to ignore the `statement_timeout` of the database, which ended the last try
 */
export async function writeBatch(pool: Pool, batch: AttemptBatch, isPatient = false): Promise<WriteEffects> {
  const compressed = batch.compressed();
  if (compressed) await compressed;
  const values = WRITE.values(batch.toParameters());
  if (batch.mayDisable.length === 0 && batch.paces.size === 0 && batch.lines.length === 0) {
    const write = (db: Pool | PoolClient) => db.query({ name: 'hookgraph-write-attempts', text: WRITE.text, values });
    await (isPatient ? patiently(pool, write) : write(pool));
    return NOTHING;
  }
  return insideTransaction(pool, async (client) => {
    if (isPatient) await client.query(PATIENT);
    const { rows } = await client.query<{ id: string }>({
      name: 'hookgraph-write-attempts-returning',
      text: `${WRITE.text} RETURNING delivery_id AS id`,
      values,
    });
    const recorded = new Set(rows.map(({ id }) => id));
    // A result without an attempt (the owner no longer exists) always disables the subscription; a result with an attempt, only if the
    // attempt was recorded.
    const orders = batch.mayDisable.filter((result) => result.outcome === null || recorded.has(result.deliveryId));
    const logged = batch.lines.map(({ deliveryId }) => deliveryId).filter((id) => recorded.has(id));
    const states = await readStates(client, logged);
    const paces = batch.paces.size === 0 ? [] : await changePaces(client, batch.paces);
    return { disabled: await disable(client, orders), paces, states };
  });
}

const NOTHING: WriteEffects = { disabled: [], paces: [], states: new Map() };

async function readStates(client: PoolClient, ids: string[]): Promise<Map<string, AfterAttempt>> {
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<AfterAttempt & { id: string }>({
    name: 'hookgraph-states-after-attempts',
    text: `SELECT d.id, d.attempt_count AS number, d.state, CASE d.state WHEN 'RETRYING' THEN d.due_at END AS "nextAttemptAt"
           FROM unnest($1::bigint[]) AS i (id) CROSS JOIN LATERAL (SELECT * FROM hookgraph.deliveries d WHERE d.id = i.id OFFSET 0) d`,
    values: [ids],
  });
  return new Map(rows.map(({ id, ...after }) => [id, after]));
}

async function disable(client: PoolClient, results: AttemptBatch['mayDisable']): Promise<RuleChange<DisablingRule>[]> {
  if (results.length === 0) return [];
  const reasons = new Map(results.flatMap((result) => (result.disable ? [[result.subscriptionId, result.disable] as const] : [])));
  const failing = [...new Set(results.filter(({ outcome }) => outcome === 'FAILED').map(({ subscriptionId }) => subscriptionId))];
  return disableByRule(client, reasons, { subscriptionIds: failing, limit: ERRORS_PER_HOUR });
}
