// Counts what a replay would do, by the events and conditions of the replay itself, without doing it.
import type { Pool } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import { inSteps, StepSize } from '../base/store/steps.js';
import { REPLAY_BATCH } from './replay.js';

type Name = 'batch_size' | 'from_at' | 'includes_delivered' | 'position' | 'subscription_id' | 'to_at';
const COUNT = sqlStatement<Name>('webhooks/fan-out/replay-count.sql');
/** Milliseconds after which the count stops: a request waits for it. */
const COUNT_MS = 2_000;

export interface ReplayRange {
  subscriptionId: string;
  from: Date;
  to: Date;
  /** The event id after which the replay would start. */
  position: string;
  includesDelivered: boolean;
}

export interface ReplayCounts {
  /** Number of events that the replay would send. */
  sent: number;
  /** Number of matching events that were delivered, wait to be delivered, or were skipped by the validation template. */
  delivered: number;
  open: number;
  skipped: number;
  /** Id of the last event that was counted, if the count stopped before the end of the period; else `null`. */
  countedTo: string | null;
}

export async function countReplay(
  pool: Pool,
  { subscriptionId, from, to, position, includesDelivered }: ReplayRange,
): Promise<ReplayCounts> {
  const counts: ReplayCounts = { sent: 0, delivered: 0, open: 0, skipped: 0, countedTo: position };
  await inSteps(
    async (rows) => {
      const values = COUNT.values({
        ...{ subscription_id: subscriptionId, from_at: from, to_at: to },
        ...{ position: counts.countedTo, includes_delivered: includesDelivered, batch_size: rows },
      });
      const answer = await pool.query<Omit<ReplayCounts, 'countedTo'> & { found: number; last: string | null }>(COUNT.text, values);
      const step = answer.rows[0];
      if (!step) throw new Error('The count of a replay returned no row.');
      for (const name of ['sent', 'delivered', 'open', 'skipped'] as const) counts[name] += step[name];
      counts.countedTo = step.found < rows ? null : step.last;
      return { found: step.found, moved: {} };
    },
    { withinMs: COUNT_MS, size: new StepSize(REPLAY_BATCH) },
  );
  return counts;
}
