// Deletes history: deliveries in steps, then whole weeks of events and attempts. Keeps events that are still needed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { noteEventsPruned } from './changes.js';
import { rememberForgotten } from './forgotten.js';
import { inSteps } from './steps.js';
import { insideTransaction } from './transaction.js';

/** Milliseconds that a drop waits for the lock of a table. Writers wait behind it as long. */
const LOCK_MS = 50;
const PAUSE_MS = 200;
const LOCK_NOT_AVAILABLE = '55P03';

/** A week of events or attempts. */
export interface Week {
  /** The name of the partition, such as `events_20260928`. */
  name: string;
  bytes: number;
}

export interface PrunedHistory {
  deliveries: number;
  /** The weeks that were dropped, with their sizes. */
  weeks: Week[];
  /** Weeks whose events are still needed: by an open delivery, a running replay, or a worker that has not matched them yet. */
  needed: Week[];
  /** Weeks that stayed because some transaction held their lock all the time. */
  locked: Week[];
  /** Rows that were deleted from the default partitions, which have no week. */
  rows: number;
}

export interface PruneOptions {
  /** The time before which history is deleted. */
  before: Date;
  /** Counts and measures, and changes nothing. */
  isDryRun?: boolean;
  /** Milliseconds for which a drop tries to get its lock. */
  patienceMs?: number;
  onProgress?: (deliveries: number) => void;
}

const ENDED = `d.id < hookgraph.id_at($1) AND d.state NOT IN ('PENDING', 'RETRYING', 'HELD')`;

/** SQL for the ids of events that are still needed. A running replay needs all events from its position on. */
const NEEDED = `SELECT d.event_id AS id FROM hookgraph.open_deliveries o JOIN hookgraph.deliveries d ON d.id = o.delivery_id
  UNION ALL SELECT event_id FROM hookgraph.event_queue UNION ALL SELECT event_id FROM hookgraph.fan_outs
  UNION ALL SELECT position FROM hookgraph.replays WHERE state = 'RUNNING'`;

/** Deletes what ended before a time. It can be stopped, and run again, at any moment. Call it from one process at a time. */
export async function pruneHistory(pool: Pool, options: PruneOptions): Promise<PrunedHistory> {
  const { before, isDryRun = false, patienceMs = 30_000, onProgress } = options;
  if (!isDryRun) await noteEventsPruned(pool, before);
  if (!isDryRun) await rememberForgotten(pool, { histories: ['deliveries', 'events', 'attempts'], before });
  const deliveries = isDryRun ? await countEnded(pool, before) : await deleteEnded(pool, before, onProgress);
  const pruned: PrunedHistory = { deliveries, weeks: [], needed: [], locked: [], rows: 0 };
  for (const { isNeeded, ...week } of await weeksBefore(pool, before)) {
    const list = isNeeded ? 'needed' : isDryRun || (await drop(pool, week.name, patienceMs)) ? 'weeks' : 'locked';
    pruned[list].push(week);
  }
  if (!isDryRun) pruned.rows = await deleteWithoutWeek(pool, before);
  return pruned;
}

async function countEnded(pool: Pool, before: Date): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::float8 AS count FROM hookgraph.deliveries d WHERE ${ENDED}`, [
    before,
  ]);
  return rows[0]?.count ?? 0;
}

async function deleteEnded(pool: Pool, before: Date, onProgress: PruneOptions['onProgress']): Promise<number> {
  return deleteInSteps(async (rows) => {
    const { rowCount } = await pool.query(
      `DELETE FROM hookgraph.deliveries WHERE id IN (SELECT d.id FROM hookgraph.deliveries d WHERE ${ENDED} ORDER BY d.id LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      [before, rows],
    );
    return rowCount ?? 0;
  }, onProgress);
}

async function deleteInSteps(step: (rows: number) => Promise<number>, onProgress?: (count: number) => void): Promise<number> {
  let count = 0;
  await inSteps(
    async (rows) => {
      const found = await step(rows);
      count += found;
      onProgress?.(count);
      return { found, moved: {} };
    },
    { withinMs: Number.POSITIVE_INFINITY },
  );
  return count;
}

/** The weeks that end before the time, the oldest first. */
async function weeksBefore(pool: Pool, before: Date): Promise<(Week & { isNeeded: boolean })[]> {
  const { rows } = await pool.query<Week & { isNeeded: boolean }>(
    `WITH needed AS MATERIALIZED (${NEEDED}), replayed AS (
       SELECT position AS low, hookgraph.id_at(to_at) AS high FROM hookgraph.replays WHERE state = 'RUNNING'
     )
     SELECT w.name, pg_total_relation_size(w.oid)::float8 AS bytes, w.parent = 'events' AND (
         EXISTS (SELECT FROM needed n WHERE n.id >= w.low AND n.id < w.high)
         OR EXISTS (SELECT FROM replayed r WHERE r.low < w.high AND r.high >= w.low)) AS "isNeeded"
     FROM (
       SELECT c.oid, c.relname AS name, p.relname AS parent, b.bounds[1]::bigint AS low, b.bounds[2]::bigint AS high
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
       CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''?(\\d+)''?\\) TO \\(''?(\\d+)''?\\)') AS b (bounds)
       WHERE i.inhparent IN ('hookgraph.events'::regclass, 'hookgraph.attempts'::regclass) AND b.bounds IS NOT NULL
     ) w
     WHERE w.high <= hookgraph.id_at($1) ORDER BY w.low, w.name DESC`,
    [before],
  );
  return rows;
}

/** Returns whether the partition was dropped. Asks for its lock again and again, for a moment each time, so that no writer waits longer. */
async function drop(pool: Pool, name: string, patienceMs: number): Promise<boolean> {
  for (const started = performance.now(); ; await sleep(PAUSE_MS)) {
    try {
      await insideTransaction(pool, async (client) => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_MS}`);
        await client.query(`DROP TABLE IF EXISTS hookgraph.${client.escapeIdentifier(name)}`);
      });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      if (performance.now() - started > patienceMs) return false;
    }
  }
}

/** Deletes from the default partitions, which have rows of weeks without a partition. Keeps events from the first needed one on. */
async function deleteWithoutWeek(pool: Pool, before: Date): Promise<number> {
  let count = 0;
  const end = { attempts: 'hookgraph.id_at($1)', events: `least(hookgraph.id_at($1), (SELECT min(n.id) FROM (${NEEDED}) n))` };
  for (const [table, below] of Object.entries(end))
    count += await deleteInSteps(async (rows) => {
      const { rowCount } = await pool.query(
        `DELETE FROM hookgraph.${table}_default WHERE id IN (
           SELECT x.id FROM hookgraph.${table}_default x WHERE x.id < ${below} ORDER BY x.id LIMIT $2 FOR UPDATE SKIP LOCKED)`,
        [before, rows],
      );
      return rowCount ?? 0;
    });
  return count;
}
