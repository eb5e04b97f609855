// Cleans history according to the installation's settings. One worker at a time runs it; the next run continues an interrupted one.
import { randomInt } from 'node:crypto';
import type { Pool } from 'pg';
import { returnSpace } from './deliveries-space.js';
import { type Cutoffs, cleanHistory, type PrunedHistory } from './history.js';
import { listParts } from './history-parts.js';
import type { Retention } from './retention-limits.js';
import { cleanTenants } from './tenant-history.js';

const DAY_MS = 86_400_000;
/** Rules and statistics read the attempts of the last hours, so a limit in bytes never deletes the last day. */
const LEAST_MS = DAY_MS;
/** Milliseconds after which another worker continues a run whose worker shows no progress. */
const LEASE_MS = 120_000;
/** Milliseconds for which the drop of one partition tries to get its lock; after that, it is left to the next run. */
const PATIENCE_MS = 10_000;
/** If a run has deleted at least this number of deliveries, it returns their space itself instead of waiting for autovacuum. */
const MANY = 100_000;
/** Number of days for which sizes are stored. */
const SAMPLES = 30;

/** The bytes of each kind of history, with indexes. */
export interface HistorySizes {
  events: number;
  deliveries: number;
  attempts: number;
  bodies: number;
}

export interface RetentionState {
  isPaused: boolean;
  /** Whether a run is in progress. */
  isRunning: boolean;
  startedAt: Date | null;
  /** When the last complete run ended; `null`: no run was complete yet. */
  endedAt: Date | null;
  /** The numbers of deletions by the run in progress, otherwise by the last run. */
  result: Partial<Record<'deliveries' | 'partitions' | 'thinned' | 'needed' | 'locked' | 'rows' | 'blanked' | 'bytes', number>>;
  sizes: { at: string; bytes: HistorySizes }[];
}

/** Returns, for each kind of history, the time before which it is to be deleted now. */
async function cutoffsOf(pool: Pool, retention: Retention, now = new Date()): Promise<Cutoffs> {
  const full = retention.bytes === null ? null : await timeBeyond(pool, retention.bytes);
  const latest = new Date(now.getTime() - LEAST_MS);
  const bound = full && (full < latest ? full : latest);
  const before = (days: number | null): Date | null => {
    const byAge = days === null ? null : new Date(now.getTime() - days * DAY_MS);
    return byAge && bound ? (byAge > bound ? byAge : bound) : (byAge ?? bound);
  };
  const { bodies, attempts, errors, events } = retention;
  return { bodies: before(bodies), attempts: before(attempts), errors: before(errors), events: before(events) };
}

/** Returns the end of the newest partition to delete so that all history takes at most this many bytes; `null`: none must be deleted. */
async function timeBeyond(pool: Pool, bytes: number): Promise<Date | null> {
  const { events, deliveries, attempts, bodies } = await readSizes(pool);
  let excess = events + deliveries + attempts + bodies - bytes;
  for (const part of (await listParts(pool)).sort((a, b) => a.endsAt.getTime() - b.endsAt.getTime())) {
    if (excess <= 0) break;
    excess -= part.bytes;
    if (excess <= 0) return part.endsAt;
  }
  return excess > 0 ? new Date() : null;
}

/**
 * Cleans history once. Returns what was deleted; `null` when cleaning is paused, or another worker does it. A run ends early when it is
 * paused.
 */
export async function runRetention(pool: Pool, retention: Retention): Promise<PrunedHistory | null> {
  const token = String(randomInt(1, 2 ** 47));
  const started = await pool.query(
    `UPDATE hookgraph.retention SET lease_token = $1, lease_until = clock_timestamp() + $2 * interval '1 ms', started_at = clock_timestamp(), result = '{}'
     WHERE NOT is_paused AND (lease_until IS NULL OR lease_until < clock_timestamp())`,
    [token, LEASE_MS],
  );
  if (started.rowCount === 0) return null;
  const told = (soFar: PrunedHistory) => JSON.stringify(resultOf(soFar));
  try {
    let isWhole = true;
    const onProgress = async (soFar: PrunedHistory) => {
      const { rowCount } = await pool.query(
        `UPDATE hookgraph.retention SET lease_until = clock_timestamp() + $2 * interval '1 ms', result = $3 WHERE lease_token = $1 AND NOT is_paused`,
        [token, LEASE_MS, told(soFar)],
      );
      isWhole = rowCount === 1;
      return isWhole;
    };
    const done = await cleanHistory(pool, await cutoffsOf(pool, retention), { patienceMs: PATIENCE_MS, onProgress });
    if (isWhole)
      await cleanTenants(pool, retention, (counts) => {
        done.deliveries += counts.deliveries ?? 0;
        done.rows += counts.rows ?? 0;
        done.blanked += counts.blanked ?? 0;
        return onProgress(done);
      });
    if (isWhole) await returnSpace(pool, done.deliveries >= MANY, { onStep: () => onProgress(done) });
    if (isWhole) await end(pool, token, told(done));
    return done;
  } finally {
    await pool.query('UPDATE hookgraph.retention SET lease_token = NULL, lease_until = NULL WHERE lease_token = $1', [token]);
  }
}

/** Records that a run is complete; stores the sizes of history once a day. */
async function end(pool: Pool, token: string, result: string): Promise<void> {
  const sizes = await readSizes(pool);
  await pool.query(
    `UPDATE hookgraph.retention SET ended_at = clock_timestamp(), result = $2, sizes = CASE
       WHEN (sizes->-1->>'at')::timestamptz > clock_timestamp() - interval '23 hours' THEN sizes
       ELSE jsonb_path_query_array(sizes || jsonb_build_object('at', clock_timestamp(), 'bytes', $3::jsonb), '$[last - ${SAMPLES - 1} to last]') END
     WHERE lease_token = $1`,
    [token, result, JSON.stringify(sizes)],
  );
}

function resultOf({ deliveries, weeks, thinned, needed, locked, rows, blanked }: PrunedHistory): RetentionState['result'] {
  const bytes = weeks.reduce((sum, week) => sum + week.bytes, 0);
  return {
    deliveries,
    rows,
    blanked,
    bytes,
    partitions: weeks.length,
    thinned: thinned.length,
    needed: needed.length,
    locked: locked.length,
  };
}

/** Pauses or resumes the cleaning. A run in progress ends after its step. */
export async function pauseRetention(pool: Pool, isPaused: boolean): Promise<void> {
  await pool.query('UPDATE hookgraph.retention SET is_paused = $1', [isPaused]);
}

export async function readRetention(pool: Pool): Promise<RetentionState> {
  const { rows } = await pool.query<RetentionState>(
    `SELECT is_paused AS "isPaused", coalesce(lease_until > clock_timestamp(), false) AS "isRunning", started_at AS "startedAt",
       ended_at AS "endedAt", result, sizes FROM hookgraph.retention`,
  );
  return rows[0] as RetentionState;
}

/** Measures each kind of history. The size of a table includes its partitions. */
export async function readSizes(pool: Pool): Promise<HistorySizes> {
  const { rows } = await pool.query<HistorySizes>(
    `SELECT sum(bytes) FILTER (WHERE name = 'events') AS events, sum(bytes) FILTER (WHERE name = 'deliveries') AS deliveries,
       sum(bytes) FILTER (WHERE name = 'attempts') AS attempts, sum(bytes) FILTER (WHERE name = 'exchanges') AS bodies
     FROM (
       SELECT name, coalesce(sum(pg_total_relation_size(t.relid)), 0)::float8 AS bytes
       FROM (VALUES ('events', 'hookgraph.events'::regclass), ('attempts', 'hookgraph.attempts'::regclass),
         ('exchanges', 'hookgraph.exchanges'::regclass)) AS n (name, root)
       CROSS JOIN LATERAL pg_partition_tree(n.root) t GROUP BY name
       UNION ALL SELECT 'deliveries', pg_total_relation_size('hookgraph.deliveries')::float8
     ) s`,
  );
  return rows[0] as HistorySizes;
}
