// Keeps and reads the statistics of attempts by subscription and slot of five minutes.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../../runtime/sql-file.js';
import { WebhooksError } from '../errors.js';
import type { Owner } from '../model.js';
import { isUuid } from './page.js';
import { insideTransaction } from './transaction.js';

type Db = Pool | PoolClient;

const COUNT = sqlStatement<'until' | 'span_ms'>('webhooks/base/store/attempt-stats.sql');

/** Length, in milliseconds, of the span whose attempts one statement counts. */
const SPAN_MS = 300_000;
/** Milliseconds that a run waits for transactions that are writing attempts, before it leaves the rest to the next run. */
const WAIT_MS = 20_000;
/** Milliseconds after which a run that has to catch up leaves the rest to the next run. */
const RUN_MS = 40_000;

/**
 * Counts the attempts that were recorded since the last run, and returns their number. Call it every minute. Runs may overlap, and may be
 * killed at any moment: each attempt is counted once.
 */
export async function countAttempts(pool: Pool, { spanMs = SPAN_MS, waitMs = WAIT_MS } = {}): Promise<number> {
  const started = performance.now();
  const until = await settledId(pool, waitMs);
  if (until === null) return 0;
  await recountAfterJump(pool);
  let total = 0;
  for (;;) {
    const { rows } = await pool.query<{ count: number; isDone: boolean }>(COUNT.text, COUNT.values({ until, span_ms: spanMs }));
    const [{ count, isDone }] = rows as [{ count: number; isDone: boolean }];
    total += count;
    if (isDone || performance.now() - started > RUN_MS) return total;
  }
}

/**
 * Counts the slots of the future again after Postgres' clock went back, because new attempts get ids that are passed already. Reads the
 * clock while it holds the position, so that a concurrent run can't make it look like a jump.
 */
async function recountAfterJump(pool: Pool): Promise<void> {
  const isAhead = 'SELECT position > hookgraph.id_at(clock_timestamp()) AS "isAhead" FROM hookgraph.attempt_stats_position';
  const { rows } = await pool.query<{ isAhead: boolean }>(isAhead);
  if (!rows[0]?.isAhead) return;
  await insideTransaction(pool, async (client) => {
    const locked = await client.query<{ isAhead: boolean }>(`${isAhead} FOR UPDATE`);
    if (!locked.rows[0]?.isAhead) return;
    const { rows: slots } = await client.query<{ slot: Date }>("SELECT date_bin('5 minutes', clock_timestamp(), '2020-01-01Z') AS slot");
    const [{ slot }] = slots as [{ slot: Date }];
    await client.query('DELETE FROM hookgraph.attempt_stats WHERE slot >= $1', [slot]);
    await client.query('UPDATE hookgraph.attempt_stats_position SET position = hookgraph.id_at($1)', [slot]);
  });
}

/**
 * Returns an id below which no transaction can commit an attempt any more; `null` when a transaction has been writing attempts for
 * `waitMs`. An attempt's id contains the time of its insertion, so it is enough to wait for the transactions that hold a writer's lock now.
 */
async function settledId(pool: Pool, waitMs: number): Promise<string | null> {
  const writers = `SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') FROM pg_locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relation = 'hookgraph.attempts'::regclass
      AND mode = 'RowExclusiveLock' AND granted`;
  const { rows } = await pool.query<{ until: string; writers: string[] }>(
    `SELECT hookgraph.id_at(clock_timestamp()) AS until, (${writers}) AS writers`,
  );
  const [{ until, writers: open }] = rows as [{ until: string; writers: string[] }];
  for (let left = open, waited = 0; left.length > 0; waited += 50) {
    if (waited > waitMs) return null;
    await sleep(50);
    const { rows: now } = await pool.query<{ writers: string[] }>(`SELECT (${writers}) AS writers`);
    left = left.filter((writer) => now[0]?.writers.includes(writer));
  }
  return until;
}

export interface Period {
  from: Date;
  to: Date;
  /** The number of intervals into which the period is divided. */
  buckets: number;
}

export interface StatsBucket {
  from: Date;
  to: Date;
  delivered: number;
  failed: number;
  skipped: number;
  held: number;
}

const SLOT_MS = 5 * 60_000;
/** The maximum length of a period in days, and the maximum number of its buckets. */
export const STATS_LIMITS = { days: 31, buckets: 500 };

/**
 * Returns the period in whole slots of five minutes, in at most `buckets` buckets of equal length. Default: the last 24 hours, in 24.
 * @throws WebhooksError PERIOD_INVALID
 */
export function toPeriod(
  { from, to, buckets }: { [K in keyof Period]?: Period[K] | null },
  now = Date.now(),
): Period & { bucketMs: number } {
  const invalid = (message: string, hint: string) => new WebhooksError('PERIOD_INVALID', message, hint);
  const end = Math.ceil((to?.getTime() ?? now) / SLOT_MS) * SLOT_MS;
  const start = Math.floor((from?.getTime() ?? end - 24 * 3_600_000) / SLOT_MS) * SLOT_MS;
  const count = buckets ?? 24;
  if (!(start < end)) throw invalid('The argument "from" is not before "to".', 'Give an earlier time.');
  if (end - start > STATS_LIMITS.days * 86_400_000 + SLOT_MS)
    throw invalid(`The period is longer than ${STATS_LIMITS.days} days.`, 'Give a shorter period.');
  if (count < 1 || count > STATS_LIMITS.buckets)
    throw invalid(`The argument "buckets" is ${count}.`, `Give a number from 1 to ${STATS_LIMITS.buckets}.`);
  const bucketMs = Math.ceil((end - start) / count / SLOT_MS) * SLOT_MS;
  return { from: new Date(start), to: new Date(end), buckets: Math.ceil((end - start) / bucketMs), bucketMs };
}

const OF_OWNER = `FROM hookgraph.attempt_stats x JOIN hookgraph.subscriptions s ON s.id = x.subscription_id
  WHERE s.tenant = $1 AND s.owner = $2 AND s.id = ANY ($3::uuid[]) AND x.slot >= $4 AND x.slot < $5`;

const valuesOf = (owner: Owner, ids: readonly string[], { from, to }: Period): unknown[] => [
  owner.tenant,
  owner.userId,
  ids.filter(isUuid),
  from,
  to,
];

/** Reads the counts of each of these subscriptions in each bucket of the period, in one statement. Empty buckets are included. */
export async function statsOf(db: Db, owner: Owner, ids: readonly string[], asked: Period): Promise<Map<string, StatsBucket[]>> {
  const period = toPeriod(asked);
  const { bucketMs } = period;
  const { rows } = await db.query<Omit<StatsBucket, 'from' | 'to'> & { id: string; bucket: number }>(
    `SELECT s.id, floor(extract(epoch FROM x.slot - $4::timestamptz) * 1000 / $6)::int AS bucket, sum(x.delivered)::float8 AS delivered,
       sum(x.failed)::float8 AS failed, sum(x.skipped)::float8 AS skipped, sum(x.held)::float8 AS held ${OF_OWNER} GROUP BY 1, 2`,
    [...valuesOf(owner, ids, period), bucketMs],
  );
  const empty = (index: number): StatsBucket => {
    const from = period.from.getTime() + index * bucketMs;
    const to = new Date(Math.min(from + bucketMs, period.to.getTime()));
    return { from: new Date(from), to, delivered: 0, failed: 0, skipped: 0, held: 0 };
  };
  const found = new Map(ids.map((id) => [id, Array.from({ length: period.buckets }, (_, index) => empty(index))]));
  for (const { id, bucket, ...counts } of rows) Object.assign(found.get(id)?.[bucket] ?? {}, counts);
  return found;
}

/** The maximum number of items in a histogram. Keep it equal to the number in attempt-stats.sql. */
const ITEMS = 80;
// One aggregate for each item: unnesting the arrays of a month takes ten times as long.
const SUM_OF_DURATIONS = `ARRAY[${Array.from({ length: ITEMS }, (_, index) => `coalesce(sum(x.durations[${index + 1}]), 0)`).join(', ')}]::float8[]`;

/** Reads the histogram of the durations of each of these subscriptions in each bucket of the period, by the bucket's index. */
export async function durationsOf(
  db: Db,
  owner: Owner,
  ids: readonly string[],
  asked: Period,
): Promise<Map<string, Map<number, number[]>>> {
  const period = toPeriod(asked);
  const { rows } = await db.query<{ id: string; bucket: number; durations: number[] }>(
    `SELECT s.id, floor(extract(epoch FROM x.slot - $4::timestamptz) * 1000 / $6)::int AS bucket, ${SUM_OF_DURATIONS} AS durations
     ${OF_OWNER} GROUP BY 1, 2`,
    [...valuesOf(owner, ids, period), period.bucketMs],
  );
  const found = new Map(ids.map((id) => [id, new Map<number, number[]>()]));
  for (const { id, bucket, durations } of rows) found.get(id)?.set(bucket, durations);
  return found;
}

/**
 * Returns the duration in milliseconds that this share of the attempts did not exceed, from a histogram of attempt_stats; `null` when it is
 * empty. The value is the middle of the histogram's item, so it is at most 9 % off.
 */
export function percentileOf(durations: readonly number[], share: number): number | null {
  const total = durations.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  const item = durations.findIndex((count) => {
    seen += count;
    return seen >= share * total;
  });
  // The first item has durations of up to a millisecond.
  return item === 0 ? 1 : 2 ** ((item - 0.5) / 4);
}

/** Returns the time up to which attempts are counted; `null` before the first run. */
export async function countedUntil(db: Db): Promise<Date | null> {
  const { rows } = await db.query<{ until: Date | null }>(
    'SELECT CASE WHEN position > 0 THEN hookgraph.time_of(position) END AS until FROM hookgraph.attempt_stats_position',
  );
  return rows[0]?.until ?? null;
}
