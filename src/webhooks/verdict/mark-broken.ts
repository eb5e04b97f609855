// Marks subscriptions whose definition no longer works, and holds their due deliveries.
import type { Pool } from 'pg';
import { auditByRule } from '../base/store/audit.js';
import { holdDeliveries } from '../base/store/delivery-state.js';

interface Broken {
  id: string;
  version: number;
  reason: string;
}

/** Marks all in one statement. Skips a subscription that is already marked or has a newer version. */
export async function markBroken(pool: Pool, broken: Broken[]): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `WITH changed AS (
       UPDATE hookgraph.subscriptions x SET broken_at = now(), broken_reason = b.reason, updated_at = clock_timestamp()
       FROM unnest($1::uuid[], $2::int[], $3::text[]) AS b (id, version, reason)
       WHERE x.id = b.id AND x.version = b.version AND x.broken_at IS NULL
       RETURNING x.id, x.tenant, x.owner, x.version, 'BROKEN' AS rule, b.reason AS message
     ), told AS (${auditByRule('HELD')})
     SELECT id FROM changed`,
    [broken.map(({ id }) => id), broken.map(({ version }) => version), broken.map(({ reason }) => reason)],
  );
  const marked = rows.map(({ id }) => id);
  if (marked.length > 0) await holdDeliveries(pool, marked, 'BROKEN');
}
