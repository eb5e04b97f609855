// Moves single deliveries between states, and their leases. Only this file, delivery-moves.ts, which moves many at once,
// ordered-deliveries.ts, which releases those that wait for an earlier one, and delivery-state.sql, which has fragments for longer
// statements, write `deliveries` and the queue `open_deliveries`.
// PENDING and RETRYING deliveries are due at `due_at`, unless a worker has leased them; HELD deliveries wait until the reason ends.
// Deliveries in these three states have a row in open_deliveries. Its `held_for` is the reason of a HELD delivery, and of one that waits
// for an earlier one of its node (PENDING with the reason ORDER); otherwise it is null. All other states are final, and their deliveries
// have no row. Exception: a delivery that is cancelled during its attempt keeps its row until the attempt is written or the row is claimed
// again.
import type { Pool, PoolClient } from 'pg';
import { sqlFragment } from '../../../runtime/sql-file.js';
import type { DeliveryState, Outcome } from '../model.js';
import { NODE_KEY, TYPENAME } from './delivery-columns.js';

/** Why a delivery is HELD: the subscription is disabled, its definition is broken, or this node's payload could not be built. */
export type HeldReason = 'DISABLED' | 'BROKEN' | 'NODE';

/** The reason of a PENDING or RETRYING delivery that waits until the operator corrects a fault of the host or of Hookgraph. */
export const OPERATOR = 'OPERATOR';
/** The reason of a PENDING or RETRYING delivery whose stored query exceeded its time limit, and is run again. */
export const SLOW = 'SLOW';
/** The reason of a delivery that is sent later because its node is in a feedback loop: the owner's writes answer its notifications. */
export const LOOP = 'LOOP';
/** The reason of a PENDING delivery of an ordered subscription that waits for earlier ones of its node. */
export const ORDER = 'ORDER';
/** The reason of a SKIPPED delivery that a later one of its node replaced, because the subscription has the ordering LATEST_ONLY. */
export const COALESCED = 'COALESCED';
/** The reason of a SKIPPED delivery whose event changed nothing that the subscription reads. */
export const UNREAD = 'UNREAD';

/** Why a replay that repeats an earlier request has nothing to send about an event. Its delivery is SKIPPED for this reason. */
export const REPLAY_OBSTACLES = {
  NEVER_SENT: 'No request about the event was sent before.',
  NOT_KEPT: 'The request that was sent before is no longer stored.',
  NOT_RECORDED: 'The subscription did not record the body of the request that was sent before.',
  MASKED: 'Values of the body are masked in the record of the request that was sent before.',
  NO_PAYLOAD: "The query's result was not stored with the request that was sent before.",
} as const;
export type ReplayObstacle = keyof typeof REPLAY_OBSTACLES;

/** The reason of a SKIPPED delivery of a snapshot whose node was deleted, or moved to another tenant, before it was sent. */
export const GONE = 'GONE';

export interface NextState {
  state: DeliveryState;
  reason: HeldReason | 'VALIDATION' | typeof UNREAD | ReplayObstacle | typeof GONE | null;
  /** Milliseconds until the delivery is due again; `null` unless the state is RETRYING. */
  retryMs: number | null;
}

/** Returns the state of a queued delivery after an attempt. `retryMs`: milliseconds until the retry; `null` when no retry is left. */
export function afterAttempt(outcome: Outcome, retryMs: number | null): NextState {
  switch (outcome) {
    case 'DELIVERED':
      return { state: 'DELIVERED', reason: null, retryMs: null };
    case 'SKIPPED':
      return { state: 'SKIPPED', reason: 'VALIDATION', retryMs: null };
    case 'HELD':
      return { state: 'HELD', reason: 'NODE', retryMs: null };
    case 'FAILED':
      return retryMs === null ? { state: 'FAILED', reason: null, retryMs: null } : { state: 'RETRYING', reason: null, retryMs };
  }
}

/** Returns the state of a test or before-hook after its only attempt. It is never retried or held, so HELD counts as FAILED. */
export function afterOnlyAttempt(outcome: Outcome): DeliveryState {
  return outcome === 'HELD' ? 'FAILED' : outcome;
}

type Db = Pool | PoolClient;

export const UNLEASED = '(o.lease_until IS NULL OR o.lease_until < now())';
/** True unless the delivery waits for an earlier one of its node. */
export const OUT_OF_ORDER = `o.held_for IS DISTINCT FROM '${ORDER}'`;

/**
 * Makes a delivery due now, in any state; it keeps its number of attempts. Changes nothing and returns `false` for a leased delivery, for
 * one that waits for an earlier one of its node, for a test, and for a before-hook, whose write was already decided.
 */
export async function reopenDelivery(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `WITH o AS (
       INSERT INTO hookgraph.open_deliveries AS o (delivery_id, subscription_id, due_at)
       SELECT d.id, d.subscription_id, now() FROM hookgraph.deliveries d WHERE d.id = $1 AND d.kind NOT IN ('TEST', 'BEFORE')
       ON CONFLICT (delivery_id) DO UPDATE SET due_at = excluded.due_at, held_for = NULL, lease_until = NULL, lease_token = NULL
         WHERE ${UNLEASED} AND ${OUT_OF_ORDER}
       RETURNING o.delivery_id, o.due_at
     )
     UPDATE hookgraph.deliveries d SET state = CASE WHEN d.attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL,
       due_at = o.due_at, updated_at = now()
     FROM o WHERE d.id = o.delivery_id`,
    [id],
  );
  return rowCount === 1;
}

/**
 * Creates and queues a further delivery of the same event or, of a snapshot, of the same node, due now. Returns its id, or `null` for
 * a test and for a before-hook, whose write was already decided.
 */
export async function repeatDelivery(db: Db, id: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `WITH d AS (
       INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, kind, typename, node_key, due_at)
       SELECT event_id, subscription_id, topic_id, CASE kind WHEN 'SNAPSHOT' THEN kind ELSE 'RESEND' END, ${TYPENAME}, ${NODE_KEY}, now()
       FROM hookgraph.deliveries d WHERE id = $1 AND kind NOT IN ('TEST', 'BEFORE')
       RETURNING id, subscription_id, due_at
     )
     INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at) SELECT id, subscription_id, due_at FROM d
     RETURNING delivery_id AS id`,
    [id],
  );
  return rows[0]?.id ?? null;
}

interface Lease {
  id: string;
  subscriptionId: string;
  token: string;
}

/**
 * Extends a worker's lease on a delivery to `leaseMs` milliseconds from now. Returns `false` if the worker has lost the lease, the
 * subscription is not enabled, the delivery is final, or its replay was cancelled.
 */
export async function renewLease(db: Db, { id, subscriptionId, token }: Lease, leaseMs: number): Promise<boolean> {
  const { rowCount } = await db.query({ name: 'hookgraph-renew', text: RENEW(), values: [id, subscriptionId, token, leaseMs] });
  return rowCount === 1;
}

/**
 * Extends the leases of deliveries that were sent and whose results can't be written yet, so that no worker sends them again meanwhile.
 * `ids` and `tokens` are arrays in Postgres' binary format.
 */
export async function keepLeases(db: Db, { ids, tokens }: { ids: Buffer; tokens: Buffer }, leaseMs: number): Promise<void> {
  await db.query(
    `UPDATE hookgraph.open_deliveries o SET lease_until = now() + $3 * interval '1 ms'
     FROM unnest($1::bigint[], $2::bigint[]) AS r (id, token) WHERE o.delivery_id = r.id AND o.lease_token = r.token`,
    [ids, tokens, leaseMs],
  );
}

// FOR SHARE waits until a concurrent change of the subscription has committed, so that the renewal sees the new status.
const RENEW = () => `
  WITH x AS (SELECT x.id FROM hookgraph.subscriptions x WHERE x.id = $2 AND x.status = 'ENABLED' FOR SHARE)
  UPDATE hookgraph.open_deliveries o SET lease_until = now() + $4 * interval '1 ms' FROM x
  WHERE o.delivery_id = $1 AND o.lease_token = $3 AND o.subscription_id = x.id
    AND EXISTS (SELECT FROM hookgraph.deliveries d WHERE d.id = $1 AND d.state IN ('PENDING', 'RETRYING') AND ${isWanted()})`;

const isWanted = sqlFragment('webhooks/base/store/delivery-state.sql', 'is_wanted');

/**
 * Removes queue rows that this worker has leased with `token`, and whose delivery is not to be sent: its replay was cancelled; or it is
 * final or missing, because it was cancelled during an attempt whose result was never written, or deleted by hand.
 */
export async function dropUnwanted(db: Db, ids: string[], token: string): Promise<void> {
  try {
    await db.query(
      `WITH o AS (DELETE FROM hookgraph.open_deliveries WHERE delivery_id = ANY ($1::bigint[]) AND lease_token = $2 RETURNING delivery_id)
       UPDATE hookgraph.deliveries d SET state = 'CANCELLED', reason = 'REPLAY', updated_at = now()
       FROM o WHERE d.id = o.delivery_id AND d.state IN ('PENDING', 'RETRYING', 'HELD')`,
      [ids, token],
    );
  } catch {
    // Ignored, so that the other claimed deliveries are sent. When the lease ends, these rows are claimed and removed again.
  }
}

/**
 * Makes the file of the queue table grow, by inserting and deleting rows without a subscription. The planner then expects a large table and
 * uses its indexes: see lease/pad-queue-table.ts.
 */
export async function padQueue(client: PoolClient, rows: number): Promise<void> {
  await client.query(
    `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at)
     SELECT -i, '00000000-0000-0000-0000-000000000000', now() FROM generate_series(1, $1::int) i ON CONFLICT DO NOTHING`,
    [rows],
  );
  await client.query('DELETE FROM hookgraph.open_deliveries WHERE delivery_id < 0');
}
