// Counts and lists the events that a replay would send, under the same conditions as the replay, without sending them.
import type { Pool } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import { inSteps, StepSize } from '../base/store/steps.js';
import { REPLAY_BATCH } from './replay.js';

type Name = 'batch_size' | 'event_ids' | 'from_at' | 'includes_delivered' | 'position' | 'subscription_id' | 'to_at';
const COUNT = sqlStatement<Name>('webhooks/fan-out/replay-count.sql');
const PAGE = sqlStatement<Name>('webhooks/fan-out/replay-page.sql');
/** Milliseconds after which counting or searching for a page stops, because a request waits for it. */
const COUNT_MS = 2_000;

export interface ReplayRange {
  subscriptionId: string;
  from: Date;
  to: Date;
  /** The event id after which the replay would start. */
  position: string;
  includesDelivered: boolean;
  /** Only these events, in ascending order; `null`: all events of the period. */
  eventIds: readonly string[] | null;
}

export interface ReplayCounts {
  /** Number of events that the replay would send. */
  sent: number;
  /** Numbers of matching events that were delivered, wait to be delivered (`open`), or were skipped by the validation template. */
  delivered: number;
  open: number;
  skipped: number;
  /** Id of the last event that was counted, if the count stopped before the end of the period; else `null`. */
  countedTo: string | null;
}

const valuesOf = ({ subscriptionId, from, to, includesDelivered, eventIds }: ReplayRange, position: string | null, rows: number) => ({
  ...{ subscription_id: subscriptionId, from_at: from, to_at: to, event_ids: eventIds },
  ...{ position, includes_delivered: includesDelivered, batch_size: rows },
});

export async function countReplay(pool: Pool, range: ReplayRange): Promise<ReplayCounts> {
  const counts: ReplayCounts = { sent: 0, delivered: 0, open: 0, skipped: 0, countedTo: range.position };
  await inSteps(
    async (rows) => {
      const values = COUNT.values(valuesOf(range, counts.countedTo, rows));
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

export interface ReplayPage {
  eventIds: string[];
  /** The event id after which the next page begins. */
  position: string;
  hasNext: boolean;
}

/** Lists the next events that the replay would send, at most `limit`. A page may be short, or empty, although another one follows. */
export async function listReplay(
  pool: Pool,
  range: ReplayRange,
  { after, limit }: { after: string | null; limit: number },
): Promise<ReplayPage> {
  const eventIds: string[] = [];
  const endsMs = performance.now() + COUNT_MS;
  let position = after ?? range.position;
  let isEnd = false;
  while (!isEnd && eventIds.length < limit && performance.now() < endsMs) {
    const values = PAGE.values(valuesOf(range, position, REPLAY_BATCH));
    const { rows } = await pool.query<{ found: number; last: string | null; eventIds: string[] }>(PAGE.text, values);
    const [{ found, last, eventIds: sent }] = rows as [(typeof rows)[number]];
    eventIds.push(...sent);
    position = last ?? position;
    isEnd = found < REPLAY_BATCH;
  }
  if (eventIds.length <= limit) return { eventIds, position, hasNext: !isEnd };
  return { eventIds: eventIds.slice(0, limit), position: eventIds[limit - 1] as string, hasNext: true };
}
