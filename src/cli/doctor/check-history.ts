// Reports for `hookgraph doctor` how much history is kept, whether it is cleaned, and when the disk will be full.
import { statfs } from 'node:fs/promises';
import type pg from 'pg';
import type { Config } from '../../runtime/config.js';
import type { HistorySizes } from '../../webhooks/index.js';
import { finding, type Report } from './finding.js';

const DAY_MS = 86_400_000;
/** Days without a finished cleaning after which something is wrong. */
const MAX_DAYS_UNCLEANED = 2;
/** Minimum number of days until the disk is full; fewer days give a warning. */
const MIN_DAYS_LEFT = 14;
/** Days over which growth is measured. */
const GROWTH_DAYS = 7;

export async function checkHistory(pool: pg.Pool, config: Config, report: Report): Promise<void> {
  const { readRetention, readSizes } = await import('../../webhooks/index.js');
  const [{ isPaused, endedAt, sizes: samples }, sizes] = await Promise.all([readRetention(pool), readSizes(pool)]);
  const { rows } = await pool.query<{ oldest: Date | null; database: number }>(
    `SELECT hookgraph.time_of((SELECT min(id) FROM hookgraph.events)) AS oldest, pg_database_size(current_database())::float8 AS database`,
  );
  const { oldest = null, database = 0 } = rows[0] ?? {};
  const kinds = Object.entries(sizes).map(([kind, bytes]) => `${kind} ${gigabytes(bytes)}`);
  const kept = `${kinds.join(', ')}${oldest ? `; the oldest event is of ${oldest.toISOString().slice(0, 10)}` : ''}`;
  const days = endedAt && (Date.now() - endedAt.getTime()) / DAY_MS;
  if (isPaused) report(finding('history', 'WARN', `${kept}; the cleaning is paused`, 'Resume it with `hookgraph retention --resume`.'));
  else if (days !== null && days > MAX_DAYS_UNCLEANED)
    report(
      finding(
        'history',
        'WARN',
        `${kept}; the last cleaning ended ${Math.floor(days)} days ago`,
        'Look for warnings in the log of a worker.',
      ),
    );
  else report(finding('history', 'OK', kept));
  const free = await freeBytes(config, database);
  const growth = growthOf(samples, sizes);
  if (free === null || growth === null) return;
  const left = growth > 0 ? free / growth : Number.POSITIVE_INFINITY;
  const room = `${gigabytes(free)} of the disk are free, and history grows by ${gigabytes(Math.max(growth, 0))} a day`;
  if (left >= MIN_DAYS_LEFT) report(finding('disk', 'OK', Number.isFinite(left) ? `${room}: full in ${Math.floor(left)} days` : room));
  else report(finding('disk', 'WARN', `${room}: full in ${Math.floor(left)} days`, 'Keep less: lower HOOKGRAPH_KEEP_BODIES_DAYS first.'));
}

/** Returns the free bytes of the database's disk; `null` when they are unknown. */
async function freeBytes({ databaseUrl, dataDir, databaseDiskGigabytes }: Config, database: number): Promise<number | null> {
  if (databaseDiskGigabytes > 0) return Math.max(databaseDiskGigabytes * 1e9 - database, 0);
  if (databaseUrl !== null) return null;
  const { bavail, bsize } = await statfs(dataDir);
  return bavail * bsize;
}

const total = ({ events, deliveries, attempts, bodies }: HistorySizes): number => events + deliveries + attempts + bodies;

/** Returns the bytes a day by which history has grown in the last days; `null` before there are two samples a day apart. */
function growthOf(samples: readonly { at: string; bytes: HistorySizes }[], now: HistorySizes, at = Date.now()): number | null {
  const since = samples.find((sample) => at - Date.parse(sample.at) <= (GROWTH_DAYS + 0.5) * DAY_MS);
  if (!since || at - Date.parse(since.at) < DAY_MS / 2) return null;
  return (total(now) - total(since.bytes)) / ((at - Date.parse(since.at)) / DAY_MS);
}

const gigabytes = (bytes: number): string => (bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
