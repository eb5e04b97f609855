// Finds subscriptions with due deliveries, and holds or cancels deliveries whose subscription is disabled, broken or deleted.
import type { Pool } from 'pg';
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from '../base/store/delivery-state.js';

// A loose index scan: one index probe per subscription with open deliveries, however many deliveries it has.
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
 * Returns the enabled subscriptions with due deliveries, except those with a pace, which paced.ts claims. Also holds and cancels
 * deliveries that a crash left open when their subscription was disabled or deleted, or that a concurrent relay or attempt wrote
 * without seeing the new status.
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

/** Releases deliveries held for a disabled or broken subscription that is enabled again, in case a crash prevented the release. */
export async function releaseScan(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ id: string }>({ name: 'hookgraph-held-scan', text: HELD_SCAN });
  if (rows.length > 0)
    await releaseDeliveries(
      pool,
      rows.map((row) => row.id),
      ['DISABLED', 'BROKEN'],
    );
}
