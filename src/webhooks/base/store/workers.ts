// Records which workers run: each writes a row, updates it every few seconds, and deletes it when it stops.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Pool, PoolClient } from 'pg';

/** The name of this process in the log and in the database, such as `web-1:4711`. */
export const WORKER_NAME = `${hostname()}:${process.pid}`;

/** Milliseconds between two updates of a worker's row. */
export const HEARTBEAT_MS = 5_000;
/** Seconds without an update after which a worker counts as ended: several updates are missing. */
const ENDED_AFTER_S = 30;

export interface Heartbeat {
  beat(): Promise<void>;
  /** Deletes the row. */
  end(): Promise<void>;
}

export function createHeartbeat(pool: Pool): Heartbeat {
  const id = randomUUID();
  return {
    async beat() {
      await pool.query(
        `WITH ended AS (DELETE FROM hookgraph.workers WHERE heard_at < now() - interval '1 day')
         INSERT INTO hookgraph.workers (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET heard_at = now()`,
        [id, WORKER_NAME],
      );
    },
    async end() {
      await pool.query('DELETE FROM hookgraph.workers WHERE id = $1', [id]);
    },
  };
}

export interface Workers {
  running: number;
  /** Seconds since the last update by any worker; `null` when there was none within a day. */
  lastHeardSeconds: number | null;
}

export async function readWorkers(db: Pool | PoolClient): Promise<Workers> {
  const { rows } = await db.query<Workers>(
    `SELECT count(*) FILTER (WHERE heard_at > now() - $1 * interval '1 s')::int AS running,
       CASE WHEN count(*) > 0 THEN round(greatest(0, extract(epoch FROM now() - max(heard_at))))::int END AS "lastHeardSeconds"
     FROM hookgraph.workers`,
    [ENDED_AFTER_S],
  );
  return rows[0] as Workers;
}

/** Says in a sentence whether workers run. */
export function describeWorkers({ running, lastHeardSeconds }: Workers): string {
  if (lastHeardSeconds === null) return 'No worker is running.';
  const ago = lastHeardSeconds < 120 ? `${lastHeardSeconds} s` : `${Math.round(lastHeardSeconds / 60)} min`;
  if (running === 0) return `No worker is running; the last one was heard ${ago} ago.`;
  return running === 1 ? `1 worker is running; it was heard ${ago} ago.` : `${running} workers are running; the last was heard ${ago} ago.`;
}
