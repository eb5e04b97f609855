// Notices when the clock of the database goes back, e.g. after a failover to a server with another clock, and corrects the times that were
// stored before: due times, leases and paces.
import type { Pool } from 'pg';
import { MOST_LEASE_MS } from '../deadlines.js';
import { correctTimes } from './delivery-moves.js';
import { correctPaces } from './paces.js';
import type { StepSize } from './steps.js';

/** Milliseconds by which the clock may go back unnoticed. Deliveries may be late by as much. */
const SLACK_MS = 1_000;

// Writes nothing until the clock is SLACK_MS ahead of the stored time, so that workers rarely wait for each other.
const READ = `
  WITH now AS MATERIALIZED (SELECT clock_timestamp() AS now), moved AS (
    UPDATE hookgraph.clock c SET latest = now.now FROM now WHERE c.latest < now.now - ${SLACK_MS} * interval '1 ms'
  )
  SELECT extract(epoch FROM now.now)::float8 * 1000 AS "nowMs", greatest(extract(epoch FROM c.latest - now.now), 0)::float8 * 1000 AS "backMs"
  FROM now, hookgraph.clock c`;

export interface ClockReading {
  /** The time of the database, in milliseconds. */
  nowMs: number;
  /** Milliseconds by which the clock is behind the latest time that any worker has read from it; 0 if it is not. */
  backMs: number;
}

export async function readClock(pool: Pool): Promise<ClockReading> {
  const { nowMs, backMs } = (await pool.query<ClockReading>({ name: 'hookgraph-clock', text: READ })).rows[0] as ClockReading;
  return { nowMs, backMs: backMs > SLACK_MS ? backMs : 0 };
}

/**
 * Corrects the times that were stored before the clock went back: each pause begins again now with its full length, and no lease ends later
 * than the longest lease from now. Then stores the present time as the latest. Returns whether this call stored it. Idempotent: another
 * worker may do the same at once, and after a crash the next reading notices the same jump.
 */
export async function correctClock(pool: Pool, size: StepSize): Promise<boolean> {
  const { rows } = await pool.query<{ latest: string }>('SELECT latest::text FROM hookgraph.clock');
  await correctPaces(pool);
  await correctTimes(pool, MOST_LEASE_MS, size);
  const { rowCount } = await pool.query('UPDATE hookgraph.clock SET latest = clock_timestamp() WHERE latest = $1::timestamptz', [
    rows[0]?.latest,
  ]);
  return rowCount === 1;
}
