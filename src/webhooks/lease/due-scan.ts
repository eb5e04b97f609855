// The open deliveries -> whose are due; those of a subscription that is off, broken or deleted are held or cancelled on the way.
import type { Pool } from 'pg';
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from '../base/store/delivery-state.js';

// One index probe per subscription with open deliveries, however many deliveries those are (a loose index scan).
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
  SELECT s.subscription_id AS id, x.status FROM s JOIN hookgraph.subscriptions x ON x.id = s.subscription_id
  WHERE s.due_at <= now() OR x.status <> 'ENABLED'`;

/**
 * The enabled subscriptions that have a delivery due. Holding the others' here is what makes disabling safe against a
 * relay or a settle that didn't see it yet, and against a crash between its two statements; the same for deleting.
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

/** The other half of the invariant: what is held because its subscription was off goes on once it is on, whatever crashed between. */
export async function releaseScan(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ id: string }>({ name: 'hookgraph-held-scan', text: HELD_SCAN });
  if (rows.length > 0)
    await releaseDeliveries(
      pool,
      rows.map((row) => row.id),
      ['DISABLED', 'BROKEN'],
    );
}
