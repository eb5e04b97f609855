// The one place that moves deliveries between states. Pure transitions for one delivery; set-based moves for many.
// PENDING and RETRYING are due at due_at, unless leased; HELD waits for a cause to end. Each of these three has a row in
// open_deliveries: without `held_for` the first two, with its reason the third. The rest is final and has none, but for what was
// cancelled in flight, until it is settled or claimed again. Moves lock rows of open_deliveries first, all that they are about, as they lie
// there (IN_ORDER; so does a settlement's list of places): two that meet wait for each other in no circle, but for rows that a third has
// just moved elsewhere. A settlement and a scan that did are tried again.
import type { Pool, PoolClient } from 'pg';
import type { DeliveryState, Outcome } from '../model.js';

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

const IN_ORDER = 'ORDER BY o.ctid FOR UPDATE OF o';
const UNLEASED = '(o.lease_until IS NULL OR o.lease_until < now())';

/** Holds the open, unleased deliveries of these subscriptions; those in flight are held by settle. Answers how many. */
export async function holdDeliveries(db: Db, subscriptionIds: string[], reason: HeldReason): Promise<number> {
  const { rowCount } = await db.query(
    `WITH w AS MATERIALIZED (
       SELECT o.delivery_id FROM hookgraph.open_deliveries o
       WHERE o.subscription_id = ANY ($1::uuid[]) AND o.held_for IS NULL AND ${UNLEASED} ${IN_ORDER}
     ), o AS (
       UPDATE hookgraph.open_deliveries o SET held_for = $2, lease_until = NULL, lease_token = NULL
       FROM w WHERE o.delivery_id = w.delivery_id RETURNING o.delivery_id
     )
     UPDATE hookgraph.deliveries d SET state = 'HELD', reason = $2, updated_at = now()
     FROM o WHERE d.id = o.delivery_id AND d.state IN ('PENDING', 'RETRYING')`,
    [subscriptionIds, reason],
  );
  return rowCount ?? 0;
}

/** Makes held deliveries due at once, attempts kept. Answers how many. */
export async function releaseDeliveries(db: Db, subscriptionIds: string[], reasons: HeldReason[]): Promise<number> {
  const { rowCount } = await db.query(
    `WITH w AS MATERIALIZED (
       SELECT o.delivery_id FROM hookgraph.open_deliveries o
       WHERE o.subscription_id = ANY ($1::uuid[]) AND o.held_for = ANY ($2::text[]) ${IN_ORDER}
     ), o AS (
       UPDATE hookgraph.open_deliveries o SET held_for = NULL, due_at = now()
       FROM w WHERE o.delivery_id = w.delivery_id RETURNING o.delivery_id, o.due_at
     )
     UPDATE hookgraph.deliveries d SET state = CASE WHEN d.attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL,
       due_at = o.due_at, updated_at = now()
     FROM o WHERE d.id = o.delivery_id AND d.state = 'HELD'`,
    [subscriptionIds, reasons],
  );
  return rowCount ?? 0;
}

/** Makes any delivery due at once, attempts kept, but one that is in flight, a test, or a before-hook's: the write it is about is decided. Answers whether it did. */
export async function reopenDelivery(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `WITH o AS (
       INSERT INTO hookgraph.open_deliveries AS o (delivery_id, subscription_id, due_at)
       SELECT d.id, d.subscription_id, now() FROM hookgraph.deliveries d WHERE d.id = $1 AND d.kind NOT IN ('TEST', 'BEFORE')
       ON CONFLICT (delivery_id) DO UPDATE SET due_at = excluded.due_at, held_for = NULL, lease_until = NULL, lease_token = NULL WHERE ${UNLEASED}
       RETURNING o.delivery_id, o.due_at
     )
     UPDATE hookgraph.deliveries d SET state = CASE WHEN d.attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL,
       due_at = o.due_at, updated_at = now()
     FROM o WHERE d.id = o.delivery_id`,
    [id],
  );
  return rowCount === 1;
}

/** Cancels what is not final yet, in flight or not: settle then records the attempt and leaves the state. */
export async function cancelDeliveries(db: Db, subscriptionIds: string[]): Promise<number> {
  return cancel(
    db,
    'SELECT o.delivery_id, o.due_at FROM hookgraph.open_deliveries o WHERE o.subscription_id = ANY ($1::uuid[])',
    subscriptionIds,
    'DELETED',
  );
}

/** Cancels what of a replay is not final yet, as cancelDeliveries does. */
export async function cancelReplayed(db: Db, replayId: string): Promise<void> {
  await cancel(
    db,
    'SELECT o.delivery_id, o.due_at FROM hookgraph.deliveries d JOIN hookgraph.open_deliveries o ON o.delivery_id = d.id WHERE d.replay_id = $1',
    replayId,
    'REPLAY',
  );
}

async function cancel(db: Db, which: string, value: unknown, reason: 'DELETED' | 'REPLAY'): Promise<number> {
  const { rowCount } = await db.query(
    `WITH w AS MATERIALIZED (${which} ${IN_ORDER}), gone AS (
       DELETE FROM hookgraph.open_deliveries o USING w
       WHERE o.delivery_id = w.delivery_id AND o.due_at = w.due_at AND ${UNLEASED} RETURNING 1
     )
     UPDATE hookgraph.deliveries d SET state = 'CANCELLED', reason = $2, updated_at = now()
     FROM w WHERE (SELECT count(*) FROM gone) >= 0 AND d.id = w.delivery_id AND d.state IN ('PENDING', 'RETRYING', 'HELD')`,
    [value, reason],
  );
  return rowCount ?? 0;
}
