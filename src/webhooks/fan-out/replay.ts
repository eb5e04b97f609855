// Advances a replay, which sends past events to one subscription again, by one batch: inserts the next deliveries and moves the replay's
// position, both in one statement.
import type { Pool } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';

const REPLAY = sqlStatement<'batch_size' | 'max_due'>('webhooks/fan-out/replay.sql');

/** Number of events that one step reads. They are of all tenants; those that match the subscription become deliveries. */
export const REPLAY_BATCH = 2_000;
/** A replay waits while its subscription has this many due deliveries, so that new events wait behind few replayed events. */
export const DUE_OF_REPLAY = 2_000;

export interface ReplayStep {
  subscriptionId: string;
  deliveries: number;
}

const IS_RUNNING = `SELECT EXISTS (SELECT FROM hookgraph.replays WHERE state = 'RUNNING' AND NOT is_snapshot) AS "isRunning"`;

/** Looks whether any replay runs, because stepReplay() is costly even when none does. */
export async function isAnyRunning(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ isRunning: boolean }>({ name: 'hookgraph-replay-look', text: IS_RUNNING });
  return (rows[0] as { isRunning: boolean }).isRunning;
}

/**
 * Advances one replay by one batch. Returns `null` when no replay can continue now. A row lock keeps workers from advancing the same replay
 * at once.
 */
export async function stepReplay(pool: Pool, batch = REPLAY_BATCH, maxDue = DUE_OF_REPLAY): Promise<ReplayStep | null> {
  const { rows } = await pool.query<ReplayStep>({
    name: 'hookgraph-replay',
    text: REPLAY.text,
    values: REPLAY.values({ batch_size: batch, max_due: maxDue }),
  });
  return rows[0] ?? null;
}
