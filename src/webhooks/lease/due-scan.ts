// Finds subscriptions with due deliveries. Holds (keeps queued, but doesn't send) deliveries whose subscription is disabled or broken, and
// cancels deliveries whose subscription is deleted.
import type { Pool } from 'pg';
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from '../base/store/delivery-state.js';

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

/**
 * Returns the enabled subscriptions with due deliveries, except those with a limited sending rate (`paced`), from which paced.ts claims.
 * Also holds and cancels deliveries that a crash left open when their subscription was disabled or deleted, or that a concurrent relay or
 * attempt wrote without seeing the new status.
 */
export async function scanDue(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string; status: string }>({ name: 'hookgraph-due-scan', text: SCAN });
  const idsOf = (status: string) => rows.filter((row) => row.status === status).map((row) => row.id);
  const disabled = idsOf('DISABLED');
  if (disabled.length > 0) await holdDeliveries(pool, disabled, 'DISABLED');
  const broken = idsOf('HELD');
  if (broken.length > 0) await holdDeliveries(pool, broken, 'BROKEN');
  const deleted = idsOf('DELETED');
  if (deleted.length > 0) await cancelDeliveries(pool, deleted);
  return idsOf('ENABLED');
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
  SELECT s.subscription_id AS id FROM s JOIN hookgraph.subscriptions x ON x.id = s.subscription_id WHERE x.status = 'ENABLED'`;

/**
 * Releases deliveries that are held although their subscription is enabled again. Enabling a subscription normally releases them; this scan
 * repairs what a crash in between has left.
 */
export async function releaseScan(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ id: string }>({ name: 'hookgraph-held-scan', text: HELD_SCAN });
  if (rows.length > 0)
    await releaseDeliveries(
      pool,
      rows.map((row) => row.id),
      ['DISABLED', 'BROKEN'],
    );
}
