// The one place that moves deliveries between states. Pure transitions for one delivery; set-based moves for many.
// PENDING and RETRYING are open: due at due_at, unless leased. HELD waits for a cause to end. The rest is final.
import type { Pool, PoolClient } from 'pg';
import type { DeliveryState, Outcome } from './model.js';

/** Why a delivery is HELD: its subscription is disabled, or its definition broken, or this node's answer can't be used. */
export type HeldReason = 'DISABLED' | 'BROKEN' | 'NODE';

export interface NextState {
  state: DeliveryState;
  reason: HeldReason | 'VALIDATION' | null;
  /** Milliseconds until it is due again; only for RETRYING. */
  retryMs: number | null;
}

/** The state after one attempt of an open delivery. `retryMs` null: no retry is left. */
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

/** A test or a before-hook is never tried again and never waits: whatever stopped it, it failed. */
export function afterOnlyAttempt(outcome: Outcome): DeliveryState {
  return outcome === 'HELD' ? 'FAILED' : outcome;
}

type Db = Pool | PoolClient;

/** Holds the open, unleased deliveries of these subscriptions; those in flight are held by settle. Answers how many. */
export async function holdDeliveries(db: Db, subscriptionIds: string[], reason: HeldReason): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE hookgraph.deliveries SET state = 'HELD', reason = $2, lease_until = NULL, lease_token = NULL, updated_at = now()
     WHERE subscription_id = ANY ($1::uuid[]) AND state IN ('PENDING', 'RETRYING') AND (lease_until IS NULL OR lease_until < now())`,
    [subscriptionIds, reason],
  );
  return rowCount ?? 0;
}

/** Makes held deliveries due at once, attempts kept. Answers how many. */
export async function releaseDeliveries(db: Db, subscriptionIds: string[], reasons: HeldReason[]): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE hookgraph.deliveries SET state = CASE WHEN attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL, due_at = now(), updated_at = now()
     WHERE subscription_id = ANY ($1::uuid[]) AND state = 'HELD' AND reason = ANY ($2::text[])`,
    [subscriptionIds, reasons],
  );
  return rowCount ?? 0;
}

/** Makes any delivery due at once, attempts kept, but one that is in flight, a test, or a before-hook's: the write it is about is decided. Answers whether it did. */
export async function reopenDelivery(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE hookgraph.deliveries SET state = CASE WHEN attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL, due_at = now(),
       lease_until = NULL, lease_token = NULL, updated_at = now()
     WHERE id = $1 AND kind NOT IN ('TEST', 'BEFORE') AND (lease_until IS NULL OR lease_until < now())`,
    [id],
  );
  return rowCount === 1;
}

/** Cancels what is not final yet, in flight or not: settle then records the attempt and leaves the state. */
export async function cancelDeliveries(db: Db, subscriptionIds: string[]): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE hookgraph.deliveries SET state = 'CANCELLED', reason = 'DELETED', updated_at = now()
     WHERE subscription_id = ANY ($1::uuid[]) AND state IN ('PENDING', 'RETRYING', 'HELD')`,
    [subscriptionIds],
  );
  return rowCount ?? 0;
}

/** Cancels what of a replay is not final yet, as cancelDeliveries does. */
export async function cancelReplayed(db: Db, replayId: string): Promise<void> {
  await db.query(
    `UPDATE hookgraph.deliveries SET state = 'CANCELLED', reason = 'REPLAY', updated_at = now()
     WHERE replay_id = $1 AND state IN ('PENDING', 'RETRYING', 'HELD')`,
    [replayId],
  );
}
