// Finds subscriptions with due deliveries. Holds (keeps queued, but doesn't send) deliveries whose subscription is disabled or broken,
// releases those whose subscription is enabled again, and cancels those whose subscription or replay is gone. Requests do all this as well,
// for up to a second; these scans continue it, also after a process has died.
import type { Pool } from 'pg';
import { cancelDeliveries, cancelReplayed, holdDeliveries, releaseDeliveries } from '../base/store/delivery-moves.js';
import { noteCleared } from '../base/store/replays.js';
import type { Steps } from '../base/store/steps.js';

// Jumps in the index from one subscription to the next (a loose index scan). It costs one index probe per subscription that has queued
// deliveries, however many deliveries it has.
const SCAN = `
  WITH RECURSIVE s AS (
    (SELECT subscription_id, due_at FROM hookgraph.open_deliveries
     WHERE held_for IS NULL ORDER BY subscription_id, due_at, delivery_id LIMIT 1)
    UNION ALL
    SELECT n.subscription_id, n.due_at FROM s CROSS JOIN LATERAL (
      SELECT o.subscription_id, o.due_at FROM hookgraph.open_deliveries o
      WHERE o.held_for IS NULL AND o.subscription_id > s.subscription_id
      ORDER BY o.subscription_id, o.due_at, o.delivery_id LIMIT 1
    ) n
  )
  SELECT s.subscription_id AS id, CASE WHEN x.paced AND x.status = 'ENABLED' THEN 'PACED' ELSE x.status END AS status FROM s JOIN hookgraph.subscriptions x ON x.id = s.subscription_id
  WHERE s.due_at <= now() OR x.status <> 'ENABLED'`;

export interface DueScan {
  /** The enabled subscriptions with due deliveries, except those with a limited sending rate (`paced`), from which paced.ts claims. */
  due: string[];
  /** The subscriptions with deliveries to hold or cancel, by their status. */
  unsettled: { disabled: string[]; broken: string[]; deleted: string[] };
}

export async function scanDue(pool: Pool): Promise<DueScan> {
  const { rows } = await pool.query<{ id: string; status: string }>({ name: 'hookgraph-due-scan', text: SCAN });
  const idsOf = (status: string) => rows.filter((row) => row.status === status).map((row) => row.id);
  return { due: idsOf('ENABLED'), unsettled: { disabled: idsOf('DISABLED'), broken: idsOf('HELD'), deleted: idsOf('DELETED') } };
}

/**
 * Holds and cancels deliveries that are left open when their subscription was disabled or deleted, or that a concurrent relay or attempt
 * wrote without seeing the new status.
 */
export async function settle(pool: Pool, { disabled, broken, deleted }: DueScan['unsettled'], steps?: Steps): Promise<void> {
  if (disabled.length > 0) await holdDeliveries(pool, disabled, 'DISABLED', steps);
  if (broken.length > 0) await holdDeliveries(pool, broken, 'BROKEN', steps);
  if (deleted.length > 0) await cancelDeliveries(pool, deleted, steps);
}

const HELD_SCAN = `
  WITH RECURSIVE s AS (
    (SELECT subscription_id FROM hookgraph.open_deliveries WHERE held_for IS NOT NULL ORDER BY subscription_id LIMIT 1)
    UNION ALL
    SELECT n.subscription_id FROM s CROSS JOIN LATERAL (
      SELECT o.subscription_id FROM hookgraph.open_deliveries o WHERE o.held_for IS NOT NULL AND o.subscription_id > s.subscription_id
      ORDER BY o.subscription_id LIMIT 1
    ) n
  )
  SELECT s.subscription_id AS id, x.status FROM s JOIN hookgraph.subscriptions x ON x.id = s.subscription_id
  WHERE x.status = 'DELETED' OR (x.status = 'ENABLED' AND (
    EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = x.id AND o.held_for IN ('DISABLED', 'BROKEN'))
    OR EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = x.id AND o.held_for = 'NODE' AND o.held_number < x.releases)))`;

const UNCLEARED = `SELECT id FROM hookgraph.replays WHERE state = 'CANCELLED' AND NOT is_cleared ORDER BY id LIMIT 10`;

/**
 * Releases deliveries that are held although their subscription is enabled again or was corrected, and cancels those of deleted
 * subscriptions and cancelled replays. Returns whether there were any, so that more may be left.
 */
export async function releaseScan(pool: Pool, steps?: Steps): Promise<boolean> {
  const { rows } = await pool.query<{ id: string; status: string }>({ name: 'hookgraph-held-scan', text: HELD_SCAN });
  const idsOf = (status: string) => rows.filter((row) => row.status === status).map((row) => row.id);
  const [enabled, deleted] = [idsOf('ENABLED'), idsOf('DELETED')];
  if (enabled.length > 0) await releaseDeliveries(pool, enabled, ['DISABLED', 'BROKEN', 'MENDED'], steps);
  if (deleted.length > 0) await cancelDeliveries(pool, deleted, steps);
  const replays = await pool.query<{ id: string }>(UNCLEARED);
  for (const { id } of replays.rows) await clearReplay(pool, id, steps);
  return rows.length > 0 || replays.rows.length > 0;
}

/** Cancels the open deliveries of a cancelled replay. */
export async function clearReplay(pool: Pool, id: string, steps?: Steps): Promise<void> {
  if (await cancelReplayed(pool, id, steps)) await noteCleared(pool, id);
}
